"""A new release that gets requests, watched until it has shown what it does with them, or for a
moment where the procedure goes on without knowing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.model.errors import MissingEvidenceError, ReleaseError
from harness.swap.exposure import Bounds, Decision, Judgement, judged
from harness.swap.strategy import Steps
from harness.target import Counted, Instance, Stage, WeighsInstances

__all__ = ["Glance", "counted_anew", "glanced_at", "looked_at", "watched"]

_LEAST_S: Final = 1.0
_GLANCE_S: Final = 0.25
_POLL_S: Final = 0.05
_BORNE_NS: Final = 3_000_000_000
"""So long what may pass (Cause.may_pass) is borne before it decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Since:
    """When new instances began to be watched, and what they had done by then."""

    at_ns: int
    sent: int
    answered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What `glanced_at` saw of the old instances, and since when it looked at the new ones."""

    old: Counted
    since: _Since


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
    newest: Sequence[Instance] = (),
    since: _Since | None = None,
    beside: Counted | None = None,
    insists: bool = True,
) -> None:
    """Returns once the new instances did well at that share of the requests, in %, for `least_s`.
    The decision is marked. `since` is when that share began; by default now. `beside` is what the
    old ones did, where they do no more. `newest` are those of the new ones that got no request
    before that: they go back for what they do alone, too, as many good ones would hide a bad one.

    ReleaseError where they did badly, or did not answer what was sent to them, and what may pass
    did not within 3 s; where too little was answered within `patience_s` to tell
    MissingEvidenceError, or unless it `insists` nothing.
    """
    begin_ns = steps.clock.now_ns()
    since = since or _since_now(stage, steps, new)
    alone = replace(since, sent=0, answered=0)
    doubted_ns: int | None = None
    while True:
        looks = [(new, since), *([(newest, alone)] if newest else [])]
        was = beside or stage.counted(old)
        judgement = _worst([_look(stage, steps, *look, old=was, bounds=bounds) for look in looks])
        now_ns = steps.clock.now_ns()
        passed_s = (now_ns - begin_ns) / 1e9
        may_pass = judgement.cause is not None and judgement.cause.may_pass
        if not may_pass:
            doubted_ns = None
        elif doubted_ns is None:
            doubted_ns = now_ns
        is_borne = doubted_ns is not None and now_ns - doubted_ns < _BORNE_NS
        if judgement.decision is Decision.go_on and passed_s >= least_s:
            break
        if judgement.decision is Decision.back and not is_borne:
            raise _rolled_back(steps, share, judgement, since)
        if judgement.decision is Decision.wait and passed_s >= patience_s:
            if not insists:
                break
            steps.judged(f"{share}%", Decision.back.value, judgement.why)
            raise MissingEvidenceError(
                f"swap: too few answers to judge release {steps.new} by, after {patience_s:g} s at "
                f"{share} % of the requests: {judgement.why}; raise --rate"
            )
        steps.clock.sleep(_POLL_S)
    steps.judged(f"{share}%", Decision.go_on.value, judgement.why)


def counted_anew(stage: Stage) -> None:
    """Before the first request to a new instance, where the stage counts; for `glanced_at`. What
    the old ones do from here on is what the new ones are held against.
    """
    if isinstance(stage, WeighsInstances) and stage.counts():
        stage.count_anew()


def glanced_at(
    stage: Stage,
    steps: Steps,
    *,
    old: Sequence[Instance],
    new: Sequence[Instance],
    newest: Sequence[Instance] = (),
) -> Glance | None:
    """A look at what new instances do while old ones serve beside them, until they gave as many
    answers as the judge asks for, for a second at most; marked. For `looked_at`.

    ReleaseError where they do badly, or leave more unanswered than the old ones' pace explains.
    Else it goes on, though too few requests came to tell: a procedure without shares asks for no
    rate. A stage that counts nothing is not looked at: None.
    """
    if not isinstance(stage, WeighsInstances) or not stage.counts():
        return None
    since = replace(_since_now(stage, steps, new), answered=0)
    watched(
        stage,
        steps,
        old=old,
        new=new,
        share=round(100 * len(new) / max(len(old) + len(new), 1)),
        bounds=Bounds(),
        patience_s=_LEAST_S,
        least_s=_GLANCE_S,
        newest=newest,
        since=since,
        insists=False,
    )
    return Glance(old=stage.counted(old), since=since)


def looked_at(
    stage: Stage,
    steps: Steps,
    *,
    left: int,
    new: Sequence[Instance],
    newest: Sequence[Instance] = (),
    glance: Glance | None,
    since_ns: int,
) -> None:
    """The same once more, when an old instance is drained and not yet stopped, and `left` others
    serve: what shows within a second since `since_ns`, when the new ones were admitted, is seen.
    They are held against what the old ones did before the drain.
    """
    if not isinstance(stage, WeighsInstances) or glance is None:
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
        newest=newest,
        since=glance.since,
        beside=glance.old,
        insists=False,
    )


def _since_now(stage: WeighsInstances, steps: Steps, new: Sequence[Instance]) -> _Since:
    counted = stage.counted(new)
    return _Since(at_ns=steps.clock.now_ns(), sent=counted.sent, answered=counted.answered)


def _look(
    stage: WeighsInstances,
    steps: Steps,
    new: Sequence[Instance],
    since: _Since,
    *,
    old: Counted,
    bounds: Bounds,
) -> Judgement:
    counted = stage.counted(new)
    passed_ns = steps.clock.now_ns() - since.at_ns
    return judged(
        counted,
        old,
        fresh=counted.answered - since.answered,
        rate_hz=1e9 * (counted.sent - since.sent) / max(passed_ns, 1),
        bounds=bounds,
    )


def _worst(judgements: Sequence[Judgement]) -> Judgement:
    """That of all new instances, unless it is the newest alone that are to go back."""
    of_all, *of_newest = judgements
    for one in of_newest:
        if of_all.decision is not Decision.back and one.decision is Decision.back:
            return replace(one, why=f"the newest alone: {one.why}")
    return of_all


def _rolled_back(steps: Steps, share: int, judgement: Judgement, since: _Since) -> ReleaseError:
    cause = judgement.cause.value if judgement.cause is not None else ""
    steps.judged(f"{share}%", Decision.back.value, judgement.why, cause=cause, since_ns=since.at_ns)
    return ReleaseError(
        f"release {steps.new}: rolled back at {share} % of the requests: {judgement.why}"
    )
