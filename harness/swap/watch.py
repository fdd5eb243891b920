"""A new release that gets requests, watched until it has shown what it does with them, or for a
moment where the procedure goes on without knowing.
"""

from collections.abc import Sequence
from typing import Final

from harness.model.errors import HarnessError, MissingEvidenceError, ReleaseError
from harness.swap.exposure import Bounds, Decision, judged
from harness.swap.strategy import Steps
from harness.target import Counted, Instance, Stage, WeighsInstances

__all__ = ["counted_anew", "glanced_at", "looked_at", "watched"]

_LEAST_S: Final = 1.0
_GLANCE_S: Final = 0.25
_POLL_S: Final = 0.05


def watched(
    stage: WeighsInstances,
    steps: Steps,
    *,
    old: Sequence[Instance],
    new: Sequence[Instance],
    share: int,
    bounds: Bounds,
    patience_s: float,
    least_s: float = _LEAST_S,
    before: int | None = None,
    beside: Counted | None = None,
    insists: bool = True,
) -> None:
    """Returns once the new instances did well at that share of the requests, in %, for `least_s`.
    The decision is marked. `before` is how much they had answered when that share began; by default
    what they have now. `beside` is what the old ones did, where they do no more.

    ReleaseError where they did badly, or did not answer what was sent to them; where too little was
    sent to them within `patience_s` to tell MissingEvidenceError, or unless it `insists` nothing.
    """
    begin_ns = steps.clock.now_ns()
    if before is None:
        before = stage.counted(new).answered
    while True:
        counted = stage.counted(new)
        judgement = judged(
            counted, beside or stage.counted(old), fresh=counted.answered - before, bounds=bounds
        )
        passed_s = (steps.clock.now_ns() - begin_ns) / 1e9
        if judgement.decision is Decision.go_on and passed_s >= least_s:
            steps.judged(f"{share}%", judgement.decision.value, judgement.why)
            return
        is_over = judgement.decision is Decision.wait and passed_s >= patience_s
        unanswered = counted.sent - counted.answered
        if is_over and not insists and unanswered < bounds.least:
            steps.judged(f"{share}%", Decision.go_on.value, judgement.why)
            return
        if is_over or judgement.decision is Decision.back:
            steps.judged(f"{share}%", Decision.back.value, judgement.why)
        if judgement.decision is Decision.back:
            raise ReleaseError(
                f"release {steps.new}: rolled back at {share} % of the requests: {judgement.why}"
            )
        if is_over:
            why = f"after {patience_s:g} s at {share} % of the requests: {judgement.why}"
            raise _too_few(steps.new, why, unanswered, bounds)
        steps.clock.sleep(_POLL_S)


def counted_anew(stage: Stage) -> None:
    """Before the first request to a new instance, where the stage counts; for `glanced_at`."""
    if isinstance(stage, WeighsInstances) and stage.counts():
        stage.count_anew()


def glanced_at(
    stage: Stage, steps: Steps, *, old: Sequence[Instance], new: Sequence[Instance]
) -> Counted | None:
    """A look at what new instances do while old ones serve beside them, until they gave as many
    answers as the judge asks for, for a second at most; marked. What the old ones did by then.

    ReleaseError where they do badly, or leave unanswered what was sent to them. Else it goes on,
    though too few requests came to tell: a procedure without shares asks for no rate. A stage that
    counts nothing is not looked at: None.
    """
    if not isinstance(stage, WeighsInstances) or not stage.counts():
        return None
    watched(
        stage,
        steps,
        old=old,
        new=new,
        share=round(100 * len(new) / max(len(old) + len(new), 1)),
        bounds=Bounds(),
        patience_s=_LEAST_S,
        least_s=_GLANCE_S,
        before=0,
        insists=False,
    )
    return stage.counted(old)


def looked_at(
    stage: Stage,
    steps: Steps,
    *,
    left: int,
    new: Sequence[Instance],
    beside: Counted | None,
    since_ns: int,
) -> None:
    """The same once more, when an old instance is drained and not yet stopped, and `left` others
    serve: what shows within a second since `since_ns`, when the new ones were admitted, is seen.
    `beside` is what the old ones did before the drain (`glanced_at`).
    """
    if not isinstance(stage, WeighsInstances) or beside is None:
        return
    least_s = max(0.0, _LEAST_S - (steps.clock.now_ns() - since_ns) / 1e9)
    watched(
        stage,
        steps,
        old=(),
        new=new,
        share=round(100 * len(new) / max(left + len(new), 1)),
        bounds=Bounds(),
        patience_s=least_s,
        least_s=least_s,
        before=0,
        beside=beside,
        insists=False,
    )


def _too_few(release: str, why: str, unanswered: int, bounds: Bounds) -> HarnessError:
    """Whose fault it is that too few answers came."""
    if unanswered >= bounds.least:
        return ReleaseError(
            f"release {release}: rolled back {why}; {unanswered:,} requests unanswered"
        )
    return MissingEvidenceError(
        f"swap: too few requests to judge release {release} by, {why}; raise --rate"
    )
