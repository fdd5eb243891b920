"""`blue-green`: two whole pools, and one switch between them, which goes back as fast."""

from harness.swap.exposure import Bounds
from harness.swap.moves import admit, attempt, bring_up, leave, let_go, undone
from harness.swap.strategy import Steps, publish, unable
from harness.swap.watch import watched
from harness.target import Instance, Stage, SwitchesPools, WeighsInstances

__all__ = ["BlueGreen"]


class BlueGreen:
    """Start the new instances in the pool that gets nothing, await them, admit them there; switch
    all requests to that pool in one moment; watch what it does with them for a second, and until
    the judge of `canary` (swap/exposure.py) is content; wait until nothing is in flight in the old
    pool; only then drain and stop its instances, one by one.

    Needs `slots`, and a stage that keeps two pools. Costs one more release's worth of memory, and
    for as long as the slowest request in flight all of the old pool stays. No request finds both
    releases, and none waits for the switch.

    Until the first old instance is told to drain the old pool is untouched: where the new one does
    badly, where the old one does not become idle in time, or where the switch is refused, requests
    are switched back in one moment, and the new instances are drained and stopped.
    """

    name = "blue-green"
    discovery = "slots"

    def __init__(self, *, patience_s: float = 20.0) -> None:
        self._patience_s = patience_s

    def replace(self, stage: Stage, steps: Steps) -> None:
        if not isinstance(stage, SwitchesPools):
            raise unable("keep two pools")
        old = stage.running()
        publish(stage, steps)
        if isinstance(stage, WeighsInstances):
            # What the old ones do until the switch is what the new ones are held against.
            stage.count_anew()
        new = bring_up(
            stage, steps, release=steps.new, count=stage.replicas(), on_start=stage.set_aside
        )
        try:
            admit(stage, steps, new)
            with steps.step("switch", Instance(name="", release=steps.new)):
                stage.switch(new[0])
            if isinstance(stage, WeighsInstances):
                watched(
                    stage,
                    steps,
                    old=old,
                    new=new,
                    share=100,
                    bounds=Bounds(),
                    patience_s=self._patience_s,
                )
            for instance in old:
                with steps.step("idle", instance):
                    stage.await_idle(instance)
        except Exception as error:  # noqa: BLE001 (raised again, after the way back)

            def switch_back() -> None:
                with steps.step("switch", Instance(name="", release=steps.old)):
                    stage.switch(old[0])

            # A switch that failed may have been made all the same.
            failures = attempt(switch_back, "requests could not be switched back")
            raise undone(error, failures or leave(stage, steps, new)) from error.__cause__
        let_go(stage, steps, old)
