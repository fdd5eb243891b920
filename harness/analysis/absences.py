"""Absences: spans in which the scripted server or the sender was away, as far as requests met them.

What was slow for want of one of them says nothing of an outage that was elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis.requests import OK
from harness.model.calibration import ServerPause

__all__ = ["AWAY_NS", "Truth", "is_elsewhere", "late", "truth"]

AWAY_NS: Final = 5_000_000
"""From which on a sender is late; and how near to an outage a pause is part of it."""

_MS: Final = 1e6

_Moments = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """An outage as requests can have met it: what was put in, and the server's own pauses about it.

    It began at the latest when it was put in, and at the earliest when a pause began that ran into
    it; and so its end. Where in a pause it is seen to begin depends on which requests were due.
    """

    earliest_ns: int
    began_ns: int
    ended_ns: int
    latest_ns: int

    def begin_at(self, seen_ns: int) -> int:
        """The beginning that is nearest to one that was seen."""
        return min(max(seen_ns, self.earliest_ns), self.began_ns)

    def end_at(self, seen_ns: int) -> int:
        return min(max(seen_ns, self.ended_ns), self.latest_ns)


def truth(rows: pd.DataFrame, pauses: Sequence[ServerPause], began_ns: int, ended_ns: int) -> Truth:
    """The outage with each pause that touches it, or comes within 5 ms of it, one after another.

    A pause that no request met (due before its end, finished after its beginning) is no part of it.

    Example: an outage from 100 to 167 ms, and pauses from 60 to 98 and from 20 to 50 ms. It began
    between 60 and 100, as 50 is more than 5 before 60, and ended at 167.
    """
    earliest, latest = began_ns, ended_ns
    begins, ends = _met(rows, pauses)
    while len(begins):
        touches = (begins <= latest + AWAY_NS) & (ends >= earliest - AWAY_NS)
        first = min(earliest, int(begins[touches].min(initial=earliest)))
        last = max(latest, int(ends[touches].max(initial=latest)))
        if (first, last) == (earliest, latest):
            break
        earliest, latest = first, last
    return Truth(earliest_ns=earliest, began_ns=began_ns, ended_ns=ended_ns, latest_ns=latest)


def is_elsewhere(
    rows: pd.DataFrame, pauses: Sequence[ServerPause], known: Truth, slow_ms: float
) -> npt.NDArray[np.bool_]:
    """Which successes were slow for want of server or sender, and did not meet the outage: they
    finished before it or were due after it, and without the server's pauses and the times in which
    the sender was late they would have taken `slow_ms` at most.

    A failure is never one, as nobody fails a request by being away.
    """
    due, finished = _lives(rows)
    is_late = late(rows)
    begins, ends = _met(rows, pauses)
    begins = np.concatenate([begins, due[is_late]])
    ends = np.concatenate([ends, rows["sent_ns"].to_numpy()[is_late]])
    away_ms = _shared(due, finished, begins, ends) / _MS
    is_explained = (away_ms > 0) & ((finished - due) / _MS - away_ms <= slow_ms)
    is_apart = (finished < known.earliest_ns) | (due > known.latest_ns)
    return is_explained & is_apart & (rows["state"] == OK).to_numpy()


def late(rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which requests were sent 5 ms or more after they were due."""
    return (rows["sent_ns"] - rows["due_ns"] >= AWAY_NS).to_numpy()


def _met(rows: pd.DataFrame, pauses: Sequence[ServerPause]) -> tuple[_Moments, _Moments]:
    begins = np.array([pause.began_ns for pause in pauses], dtype=np.int64)
    ends = np.array([pause.ended_ns for pause in pauses], dtype=np.int64)
    met = _overlaps(begins, ends, *_lives(rows))
    return begins[met], ends[met]


def _lives(rows: pd.DataFrame) -> tuple[_Moments, _Moments]:
    due = rows["due_ns"].to_numpy()
    return due, np.maximum(rows["finished_ns"].to_numpy(), due)


def _overlaps(
    begins: _Moments, ends: _Moments, other_begins: _Moments, other_ends: _Moments
) -> npt.NDArray[np.bool_]:
    """For each span, whether it shares a moment with any of the others.

    The others that have begun by its end, less those that had ended before its beginning.
    """
    begun = np.searchsorted(np.sort(other_begins), ends, side="right")
    over = np.searchsorted(np.sort(other_ends), begins, side="left")
    return begun > over


def _shared(
    begins: _Moments, ends: _Moments, other_begins: _Moments, other_ends: _Moments
) -> npt.NDArray[np.float64]:
    """For each span, how much of it, in ns, lies in the others, which may overlap."""
    if not len(other_begins):
        return np.zeros(len(begins))
    order = np.argsort(other_begins, kind="stable")
    froms, untils = other_begins[order], np.maximum.accumulate(other_ends[order])
    # What an earlier one reaches into counts once.
    froms[1:] = np.maximum(froms[1:], np.minimum(untils[:-1], untils[1:]))
    moments = np.column_stack([froms, untils]).ravel()
    total = np.column_stack([np.zeros(len(froms)), np.cumsum(untils - froms)]).ravel()
    total[2::2] = total[1:-1:2]
    # From the first one: floats are exact only to 2^53.
    zero = moments[0]
    until = np.interp(ends - zero, moments - zero, total)
    return np.asarray(until - np.interp(begins - zero, moments - zero, total))
