"""`reload`: the balancer's configuration is written anew, and a new process of it takes over."""

from harness.swap.moves import admit, back_to, bring_up, undone
from harness.swap.strategy import Steps, publish, unable
from harness.target import Instance, ReloadsBalancer, Stage

__all__ = ["Reload"]


class Reload:
    """Start the new instances and await them; write a configuration that names them alone, have
    HAProxy check it, reload HAProxy, and see that a new process serves by it and holds them to be
    up; wait until the former process is gone, and see once more that they are; only then stop the
    old instances.

    Needs `reload`: HAProxy as master and worker, its listeners handed from one worker to the next,
    idle connections closed after an answer and never before one. Costs one more release's worth of
    memory, a second HAProxy for as long as the slowest request in flight, and all that HAProxy knew
    of its servers: checks and counters begin anew.

    A configuration that HAProxy refuses, or a reload that did not happen, is an error and never
    passed over. Until the first old instance is stopped the way back is a reload too: the old ones
    are written in again, and the new ones left out, drained and stopped.
    """

    name = "reload"
    discovery = "reload"

    def replace(self, stage: Stage, steps: Steps) -> None:
        if not isinstance(stage, ReloadsBalancer):
            raise unable("reload its balancer")
        old = stage.running()
        publish(stage, steps)
        new = bring_up(stage, steps, release=steps.new, count=stage.replicas())
        try:
            with steps.step("reload", Instance(name="", release=steps.new)):
                stage.reload(new)
            admit(stage, steps, new)
            with steps.step("idle", Instance(name="", release=steps.old)):
                stage.await_alone()
                # It may have taken long, and those that served till now are about to go.
                for instance in new:
                    stage.admit(instance)
        except Exception as error:  # noqa: BLE001 (raised again, after the way back)
            failures = back_to(old, stage, steps, touched=old, new=new)
            raise undone(error, failures) from error.__cause__
        for instance in old:
            with steps.step("stop", instance):
                stage.stop(instance)
