"""`drain`: the new release answers before the old one is let go of, request by request."""

from harness.model.errors import HarnessError
from harness.swap.strategy import Steps, publish
from harness.target import Instance, Stage

__all__ = ["Drain"]


class Drain:
    """Start the new instances, await them, admit them; drain the old ones; stop them.

    Needs `slots`. Costs one more release's worth of memory for the length of the swap. A new
    release that is never ready never sees a request, and the old one stays.
    """

    name = "drain"
    discovery = "slots"

    def replace(self, stage: Stage, steps: Steps) -> None:
        old = stage.running()
        publish(stage, steps)
        for instance in self._bring_up(stage, steps):
            with steps.step("admit", instance):
                stage.admit(instance)
        for instance in old:
            with steps.step("drain", instance):
                stage.drain(instance)
            with steps.step("stop", instance):
                stage.stop(instance)

    def _bring_up(self, stage: Stage, steps: Steps) -> list[Instance]:
        new: list[Instance] = []
        try:
            for _ in range(stage.replicas()):
                with steps.step("start"):
                    new.append(stage.start(steps.new))
                with steps.step("ready", new[-1]):
                    stage.await_ready(new[-1])
        except HarnessError as error:
            failures = [self._discard(stage, steps, instance) for instance in new]
            told = "".join(f"\n  and {failure}" for failure in failures if failure)
            raise (type(error)(f"{error}{told}") if told else error) from error.__cause__
        return new

    def _discard(self, stage: Stage, steps: Steps, instance: Instance) -> str:
        """What went wrong: it stops no other removal, and does not hide why they are made."""
        try:
            with steps.step("discard", instance):
                stage.discard(instance)
        except Exception as error:  # noqa: BLE001 (see above)
            return f"{instance.name} could not be discarded: {error}"
        return ""
