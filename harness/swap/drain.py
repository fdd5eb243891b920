"""`drain`: the new release answers before the old one is let go of, request by request."""

from harness.swap.moves import admit, back_to, bring_up, drain, let_go, stop, undone
from harness.swap.strategy import Steps, publish
from harness.swap.watch import counted_anew, glanced_at, looked_at
from harness.target import Instance, Stage

__all__ = ["Drain"]


class Drain:
    """Start the new instances, await them, admit them; look at what they do beside the old ones;
    drain the first old one, and look again once a second is over; stop it; drain and stop the
    others.

    Needs `slots`. Costs one more release's worth of memory for the length of the swap. A new
    release that is never ready never sees a request, and the old one stays; one that does badly
    before the first old instance is stopped is drained and stopped, and the old one serves on.
    """

    name = "drain"
    discovery = "slots"

    def replace(self, stage: Stage, steps: Steps) -> None:
        old = stage.running()
        publish(stage, steps)
        counted_anew(stage)
        new = bring_up(stage, steps, release=steps.new, count=stage.replicas())
        drained: list[Instance] = []
        try:
            admitted_ns = steps.clock.now_ns()
            admit(stage, steps, new)
            glance = glanced_at(stage, steps, old=old, new=new)
            for instance in old[:1]:
                drained.append(instance)
                drain(stage, steps, instance)
            looked_at(stage, steps, left=len(old) - 1, new=new, glance=glance, since_ns=admitted_ns)
        except Exception as error:  # noqa: BLE001 (raised again, after the way back)
            failures = back_to(old, stage, steps, touched=drained, new=new)
            raise undone(error, failures) from error.__cause__
        for instance in drained:
            stop(stage, steps, instance)
        let_go(stage, steps, old[1:])
