"""A new release that gets requests, watched until it has shown what it does with them."""

from collections.abc import Sequence
from typing import Final

from harness.model.errors import HarnessError, MissingEvidenceError, ReleaseError
from harness.swap.exposure import Bounds, Decision, judged
from harness.swap.strategy import Steps
from harness.target import Instance, WeighsInstances

__all__ = ["watched"]

_LEAST_S: Final = 1.0
_POLL_S: Final = 0.1


def watched(
    stage: WeighsInstances,
    steps: Steps,
    *,
    old: Sequence[Instance],
    new: Sequence[Instance],
    share: int,
    bounds: Bounds,
    patience_s: float,
) -> None:
    """Returns once the new instances did well at that share of the requests, in %, for a second
    at least. The decision is marked.

    ReleaseError where they did badly, or did not answer what was sent to them; MissingEvidenceError
    where too little was sent to them within `patience_s` to tell.
    """
    begin_ns = steps.clock.now_ns()
    before = stage.counted(new).answered
    while True:
        counted = stage.counted(new)
        judgement = judged(
            counted, stage.counted(old), fresh=counted.answered - before, bounds=bounds
        )
        passed_s = (steps.clock.now_ns() - begin_ns) / 1e9
        if judgement.decision is Decision.go_on and passed_s >= _LEAST_S:
            steps.judged(f"{share}%", judgement.decision.value, judgement.why)
            return
        is_over = judgement.decision is Decision.wait and passed_s >= patience_s
        if is_over or judgement.decision is Decision.back:
            steps.judged(f"{share}%", Decision.back.value, judgement.why)
        if judgement.decision is Decision.back:
            raise ReleaseError(
                f"release {steps.new}: rolled back at {share} % of the requests: {judgement.why}"
            )
        if is_over:
            why = f"after {patience_s:g} s at {share} % of the requests: {judgement.why}"
            raise _too_few(steps.new, why, counted.sent - counted.answered, bounds)
        steps.clock.sleep(_POLL_S)


def _too_few(release: str, why: str, unanswered: int, bounds: Bounds) -> HarnessError:
    """Whose fault it is that too few answers came."""
    if unanswered >= bounds.least:
        return ReleaseError(
            f"release {release}: rolled back {why}; {unanswered:,} requests unanswered"
        )
    return MissingEvidenceError(
        f"swap: too few requests to judge release {release} by, {why}; raise --rate"
    )
