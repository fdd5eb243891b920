"""Whether a new release that gets a share of the requests may get more: a pure judgement.

It rests on what the balancer has counted by that moment, of the new instances and of the old ones.
"""

from dataclasses import dataclass
from enum import Enum

from harness.target import Counted

__all__ = ["Bounds", "Decision", "Judgement", "judged"]


class Decision(Enum):
    """What to do with the share."""

    go_on = "go on"
    wait = "wait"
    back = "back"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A decision, and what it rests on, as a sentence without a full stop."""

    decision: Decision
    why: str


def judged(new: Counted, old: Counted, *, fresh: int, bounds: Bounds) -> Judgement:
    """`fresh` is how many answers of the new release came since its share was last raised.

    Both count from before the first request to the new release: what failed at a smaller share
    still counts at a larger one. With 2 bad ones of 30, none of the old release's 570:

    >>> judged(Counted(sent=30, answered=30, errors=2), Counted(sent=570, answered=570),
    ...        fresh=30, bounds=Bounds()).decision
    <Decision.back: 'back'>
    """
    if new.down:
        return _back(f"{new.down} of its instances failed the balancer's checks")
    bad, sent = new.errors + new.broken, max(new.sent, new.answered)
    said = f"{new.answered:,} answers of the new release, {_bad(new)}, {_mean(new)}"
    beside = f"the old one's {old.answered:,}: {_bad(old)}, {_mean(old)}"
    is_enough = fresh >= bounds.least
    allowed = 2 * _bad_share(old) + bounds.bad_share
    if bad and (is_enough or bad >= bounds.sure) and bad / max(sent, 1) > allowed:
        return _back(f"{said}; {beside}")
    if not is_enough:
        return Judgement(
            decision=Decision.wait,
            why=f"{fresh:,} answers since its share was raised, of {bounds.least:,} needed; {said}",
        )
    slow_ms = max(bounds.latency_factor * old.mean_ms, old.mean_ms + bounds.latency_margin_ms)
    if old.answered >= bounds.least and new.mean_ms > slow_ms:
        return _back(f"{said}, allowed {slow_ms:,.0f} ms; {beside}")
    return Judgement(decision=Decision.go_on, why=f"{said}; {beside}")


def _back(why: str) -> Judgement:
    return Judgement(decision=Decision.back, why=why)


def _bad_share(counted: Counted) -> float:
    return (counted.errors + counted.broken) / max(counted.sent, counted.answered, 1)


def _bad(counted: Counted) -> str:
    return f"{counted.errors:,} with status 5xx, {counted.broken:,} connections broken"


def _mean(counted: Counted) -> str:
    return f"mean {counted.mean_ms:,.0f} ms"
