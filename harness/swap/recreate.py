"""`recreate`: the post's warning, what `docker compose up -d` does with a changed image."""

from harness.swap.strategy import Steps, publish
from harness.target import Stage

__all__ = ["Recreate"]


class Recreate:
    """Stop each old instance, then start a new one in its place: the website is away between.

    Needs `slots`, and gets the same balancer configuration as `drain`: it fails by its
    procedure alone. A new release that is never ready leaves nothing serving.
    """

    name = "recreate"
    discovery = "slots"

    def replace(self, stage: Stage, steps: Steps) -> None:
        publish(stage, steps)
        for instance in stage.running():
            with steps.step("stop", instance):
                stage.stop(instance)
            with steps.step("start"):
                new = stage.start(steps.new)
            with steps.step("ready", new):
                stage.await_ready(new)
            with steps.step("admit", new):
                stage.admit(new)
