"""`scale-then-stop`: the post's recipe, as it is written."""

from harness.swap.strategy import Steps, publish
from harness.target import Stage

__all__ = ["ScaleThenStop"]


class ScaleThenStop:
    """Scale to two, see that the new one runs, `docker stop` the old one: no word to the balancer.

    Needs `dns`: the balancer finds and loses instances by itself. The new one is awaited, as who
    follows the post by hand looks at `docker ps` before going on; without that it would only
    lose more. From the stop signal on the old one still gets requests, until the balancer's
    checks have failed or DNS no longer names it; what it does with them is its own matter.
    """

    name = "scale-then-stop"
    discovery = "dns"

    def replace(self, stage: Stage, steps: Steps) -> None:
        old = stage.running()
        publish(stage, steps)
        for _ in range(stage.replicas()):
            with steps.step("scale"):
                new = stage.start(steps.new)
            with steps.step("ready", new):
                stage.await_ready(new)
            stage.admit(new)
        for instance in old:
            with steps.step("stop", instance):
                stage.stop(instance)
