"""`rolling`: the replicas are replaced a few at a time, little more than one release running."""

from harness.swap.moves import admit, back_to, bring_up, drain, stop, undone
from harness.swap.strategy import Steps, publish
from harness.swap.watch import counted_anew, glanced_at, looked_at
from harness.target import Instance, Stage

__all__ = ["Rolling"]


class Rolling:
    """For each batch of old instances: start as many new ones, await them, admit them; look at
    what all new ones, and the batch's alone, do beside the old ones; drain the batch, and stop each
    once they did well for a second.

    Needs `slots`. Costs one batch's memory more, and a batch's whole start and stop for each batch:
    with N replicas it takes N times as long as `drain`, and all the while both releases answer.
    With one replica it is `drain`.

    A new instance that fails in a later batch finds old ones gone: those are started again and
    admitted, and then the new ones drained and stopped. So a swap that failed ends with the old
    release serving, as many as before, and with nothing of the new one.
    """

    name = "rolling"
    discovery = "slots"

    def __init__(self, *, batch: int = 1) -> None:
        self._batch = batch

    def replace(self, stage: Stage, steps: Steps) -> None:
        old = stage.running()
        publish(stage, steps)
        new: list[Instance] = []
        touched: list[Instance] = []
        try:
            counted_anew(stage)
            for first in range(0, len(old), self._batch):
                batch = old[first : first + self._batch]
                fresh = bring_up(stage, steps, release=steps.new, count=len(batch))
                new += fresh
                admitted_ns = steps.clock.now_ns()
                admit(stage, steps, fresh)
                newest = fresh if first else []
                glance = glanced_at(stage, steps, old=old[first:], new=new, newest=newest)
                for drained, instance in enumerate(batch, start=first + 1):
                    touched.append(instance)
                    drain(stage, steps, instance)
                    looked_at(
                        stage,
                        steps,
                        left=len(old) - drained,
                        new=new,
                        newest=newest,
                        glance=glance,
                        since_ns=admitted_ns,
                    )
                    stop(stage, steps, instance)
        except Exception as error:
            if not new:
                # None of the old ones was touched.
                raise
            failures = back_to(old, stage, steps, touched=touched, new=new)
            raise undone(error, failures) from error.__cause__
