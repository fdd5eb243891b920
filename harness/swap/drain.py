"""`drain`: the new release answers before the old one is let go of, request by request."""

from harness.swap.moves import admit, bring_up, leave, let_go, undone
from harness.swap.strategy import Steps, publish
from harness.swap.watch import counted_anew, glanced_at
from harness.target import Stage

__all__ = ["Drain"]


class Drain:
    """Start the new instances, await them, admit them; look at what they do beside the old
    ones, until that tells or a second is over; drain the old ones; stop them.

    Needs `slots`. Costs one more release's worth of memory for the length of the swap. A new
    release that is never ready never sees a request, and the old one stays; one that does badly in
    that time is drained and stopped, while all of the old one still serve.
    """

    name = "drain"
    discovery = "slots"

    def replace(self, stage: Stage, steps: Steps) -> None:
        old = stage.running()
        publish(stage, steps)
        new = bring_up(stage, steps, release=steps.new, count=stage.replicas())
        try:
            counted_anew(stage)
            admit(stage, steps, new)
            glanced_at(stage, steps, old=old, new=new)
        except Exception as error:  # noqa: BLE001 (raised again, after the way back)
            raise undone(error, leave(stage, steps, new)) from error.__cause__
        let_go(stage, steps, old)
