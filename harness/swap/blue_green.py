"""`blue-green`: two whole pools, and one switch between them, which goes back as fast."""

from harness.model.errors import HarnessError
from harness.swap.moves import admit, attempt, bring_up, leave, let_go, undone
from harness.swap.strategy import Steps, publish, unable
from harness.target import Instance, Stage, SwitchesPools

__all__ = ["BlueGreen"]


class BlueGreen:
    """Start the new instances in the pool that gets nothing, await them, admit them there; switch
    all requests to that pool in one moment; wait until nothing is in flight in the old pool; only
    then drain and stop its instances, one by one.

    Needs `slots`, and a stage that keeps two pools. Costs one more release's worth of memory, and
    for as long as the slowest request in flight all of the old pool stays. No request finds both
    releases, and none waits for the switch.

    Until the first old instance is told to drain the old pool is untouched: where it does not
    become idle in time, or where the switch is refused, requests are switched back in one moment,
    and the new instances are drained and stopped.
    """

    name = "blue-green"
    discovery = "slots"

    def replace(self, stage: Stage, steps: Steps) -> None:
        if not isinstance(stage, SwitchesPools):
            raise unable("keep two pools")
        old = stage.running()
        publish(stage, steps)
        new = bring_up(
            stage, steps, release=steps.new, count=stage.replicas(), on_start=stage.set_aside
        )
        try:
            admit(stage, steps, new)
            with steps.step("switch", Instance(name="", release=steps.new)):
                stage.switch(new[0])
            for instance in old:
                with steps.step("idle", instance):
                    stage.await_idle(instance)
        except HarnessError as error:

            def switch_back() -> None:
                with steps.step("switch", Instance(name="", release=steps.old)):
                    stage.switch(old[0])

            # A switch that failed may have been made all the same.
            failures = attempt(switch_back, "requests could not be switched back")
            raise undone(error, failures or leave(stage, steps, new)) from error.__cause__
        let_go(stage, steps, old)
