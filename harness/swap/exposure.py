"""Whether a new release that gets a share of the requests may get more: a pure judgement.

It rests on what the balancer has counted by that moment, of the new instances and of the old ones.
"""

from dataclasses import dataclass
from enum import Enum

from harness.target import Counted

__all__ = ["Bounds", "Cause", "Decision", "Judgement", "judged"]


class Decision(Enum):
    """What to do with the share."""

    go_on = "go on"
    wait = "wait"
    back = "back"


class Cause(Enum):
    """Why requests go back to the old release."""

    down = "down"
    status = "status"
    broken = "broken"
    silence = "silence"
    latency = "latency"

    @property
    def may_pass(self) -> bool:
        """Whether a moment's standstill, of the instance or of the machine, looks alike."""
        return self in {Cause.silence, Cause.latency}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a new release may do worse than the old one."""

    least: int = 40
    """Answers of the new release since its share was last raised, before it may be raised again:
    were it to fail one request in 13, that many without a failure would come in 5 of 100 cases.
    """
    bad_share: float = 0.01
    """Of what was sent to it, beyond twice the share that fails at the old release."""
    sure: int = 2
    """So many bad ones decide before there are `least` answers."""
    latency_factor: float = 3.0
    latency_margin_ms: float = 250.0
    """Its mean response time may be the larger of factor x the old one's and that plus margin. A
    mean, as HAProxy keeps no percentile: a tail it does not show is for the run's own check."""
    silent: int = 10
    """So many requests may wait for its answer, whatever its rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A decision, and what it rests on, as a sentence without a full stop."""

    decision: Decision
    why: str
    cause: Cause | None = None
    """Where it goes back."""


def judged(new: Counted, old: Counted, *, fresh: int, rate_hz: float, bounds: Bounds) -> Judgement:
    """`fresh` is how many answers of the new release came since its share was last raised,
    `rate_hz` how many requests a second were sent to it since.

    Both count from before the first request to the new release: what failed at a smaller share
    still counts at a larger one. With 2 bad ones of 30, none of the old release's 570:

    >>> judged(Counted(sent=30, answered=30, errors=2), Counted(sent=570, answered=570),
    ...        fresh=30, rate_hz=15.0, bounds=Bounds()).decision
    <Decision.back: 'back'>

    As many requests wait for an answer as are sent in the time that one takes (Little's law). So
    where more wait than come in what a mean answer may take, answers are longer in coming: those
    that never come are in no mean. An old release with fewer than `least` answers is no measure of
    either.
    """
    if new.down:
        why = f"{new.down} of its instances failed the balancer's checks"
        return _back(Cause.down, why)
    bad, sent = new.errors + new.broken, max(new.sent, new.answered)
    said = f"{new.answered:,} answers of the new release, {_bad(new)}, {_mean(new)}"
    beside = f"the old one's {old.answered:,}: {_bad(old)}, {_mean(old)}"
    is_enough = fresh >= bounds.least
    allowed = 2 * _bad_share(old) + bounds.bad_share
    if bad and (is_enough or bad >= bounds.sure) and bad / max(sent, 1) > allowed:
        cause = Cause.status if new.errors >= new.broken else Cause.broken
        return _back(cause, f"{said}; {beside}")
    is_measure = old.answered >= bounds.least
    slow_ms = max(bounds.latency_factor * old.mean_ms, old.mean_ms + bounds.latency_margin_ms)
    waiting = new.sent - new.answered - new.broken
    if is_measure and waiting > max(bounds.silent, rate_hz * slow_ms / 1e3):
        return _back(
            Cause.silence,
            f"{waiting:,} requests unanswered, {rate_hz:,.0f} a second were sent to it and an "
            f"answer may take {slow_ms:,.0f} ms; {said}; {beside}",
        )
    if not is_enough:
        return Judgement(
            decision=Decision.wait,
            why=f"{fresh:,} answers since its share was raised, of {bounds.least:,} needed; {said}",
        )
    if is_measure and new.mean_ms > slow_ms:
        return _back(Cause.latency, f"{said}, allowed {slow_ms:,.0f} ms; {beside}")
    return Judgement(decision=Decision.go_on, why=f"{said}; {beside}")


def _back(cause: Cause, why: str) -> Judgement:
    return Judgement(decision=Decision.back, why=why, cause=cause)


def _bad_share(counted: Counted) -> float:
    return (counted.errors + counted.broken) / max(counted.sent, counted.answered, 1)


def _bad(counted: Counted) -> str:
    return f"{counted.errors:,} with status 5xx, {counted.broken:,} connections broken"


def _mean(counted: Counted) -> str:
    return f"mean {counted.mean_ms:,.0f} ms"
