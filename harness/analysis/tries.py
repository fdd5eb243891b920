"""Many tries of each outage: how many were found, and what that proves."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from harness.analysis.trial import FOUND, MISMEASURED
from harness.model.calibration import Trial

__all__ = ["Tally", "least_share", "smallest_found", "tallies"]

DOUBT: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """All tries of one kind and length."""

    kind: str
    intervals: int
    length_ms: float
    """As planned."""
    tries: int
    named: int
    """Found, under the right name."""
    measured: int
    """Of these, the ones whose start and length were within what is allowed."""
    worst_start_ms: float | None
    """The largest error either way; None where none was found."""
    worst_length_ms: float | None


def tallies(trials: Iterable[Trial]) -> tuple[Tally, ...]:
    """By kind, then by length."""
    groups: dict[tuple[str, int], list[Trial]] = {}
    for trial in trials:
        groups.setdefault((trial.kind, trial.intervals), []).append(trial)
    return tuple(
        Tally(
            kind=kind,
            intervals=intervals,
            length_ms=round(intervals * group[0].interval_ms, 3),
            tries=len(group),
            named=sum(trial.verdict in {FOUND, MISMEASURED} for trial in group),
            measured=sum(trial.verdict == FOUND for trial in group),
            worst_start_ms=_worst(trial.start_error_ms for trial in group),
            worst_length_ms=_worst(trial.length_error_ms for trial in group),
        )
        for (kind, intervals), group in sorted(groups.items())
    )


def smallest_found(found: Iterable[Tally]) -> float | None:
    """The shortest length, in ms, from which on every try of every kind was found and rightly
    named; None where the longest was not.
    """
    tried = list(found)
    failed_ms = max((one.length_ms for one in tried if one.named < one.tries), default=0.0)
    return min((one.length_ms for one in tried if one.length_ms > failed_ms), default=None)


def least_share(tries: int) -> float:
    """Lower 95 % bound on the probability of being found, where all of so many tries were.

    0.05^(1/N): with a lower one, N in a row would come by chance less than 1 time in 20. 20: 86 %.
    """
    return float(DOUBT ** (1 / tries))


def _worst(errors: Iterable[float | None]) -> float | None:
    known = [error for error in errors if error is not None]
    return max(known, key=abs) if known else None
