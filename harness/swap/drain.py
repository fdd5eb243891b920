"""`drain`: the new release answers before the old one is let go of, request by request."""

from harness.swap.moves import admit, bring_up, let_go
from harness.swap.strategy import Steps, publish
from harness.target import Stage

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
        admit(stage, steps, bring_up(stage, steps, release=steps.new, count=stage.replicas()))
        let_go(stage, steps, old)
