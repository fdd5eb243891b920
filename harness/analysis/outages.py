"""Outages: spans in which requests failed or stalled, folded from samples."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis.latency import Limit
from harness.analysis.phases import SECOND_NS, Step, begun_at
from harness.analysis.requests import FAILED, OK, UNKNOWN
from harness.model.result import Outage

__all__ = ["STALL", "outages"]

STALL: Final = "stall"
_GAP_NS: Final = 200_000_000
_STALL_SAMPLES: Final = 3
_STALL_SPAN_NS: Final = 100_000_000
_COLUMNS: Final = (
    "seq",
    "due_ns",
    "finished_ns",
    "failed_ns",
    "outcome",
    "stream",
    "phase",
    "swap",
)


def outages(
    requests: pd.DataFrame,
    *,
    limits: Mapping[str, Limit | None],
    steps: Sequence[Step],
    start_ns: int,
) -> tuple[Outage, ...]:
    """Outages in the order of time; none overlaps another.

    Bad is a request that failed (an unanswered write too), or that succeeded above its
    stream's limit. Bad requests merge where the next is due less than 200 ms after the end so
    far. A single slow success is no stall: without a failure it takes three, or two that were
    due at least 100 ms apart.

    Example: requests due at 0, 10 and 20 ms fail at once, one due at 215 ms fails at 300 ms, one
    due at 500 ms fails. That is an outage from 0 to 0.3 s with 4 failures, as 215 is less than
    200 past 20, and one at 0.5 s, which is 200 past 300.
    """
    bad = _bad(requests, limits)
    if not len(bad):
        return ()
    begins = bad["due_ns"].to_numpy()
    ends = np.maximum(bad["finished_ns"].to_numpy(), begins)
    # The end so far is the latest of all before: an outage that broke off earlier ended before.
    so_far = np.maximum.accumulate(ends)
    first = np.append(0, np.flatnonzero(begins[1:] - so_far[:-1] >= _GAP_NS) + 1)
    after = np.append(first[1:], len(bad))
    is_failed = bad["is_failed"].to_numpy()
    failed = np.add.reduceat(is_failed.astype(np.int64), first)
    is_stall = (after - first >= _STALL_SAMPLES) | (
        begins[after - 1] - begins[first] >= _STALL_SPAN_NS
    )
    counts = np.flatnonzero((failed > 0) | is_stall)
    # The cause precedes what it shows in: what was in flight at a stop was due before it.
    shown = np.minimum.reduceat(
        np.where(is_failed, bad["failed_ns"].to_numpy(), np.iinfo(np.int64).max), first
    )
    shown = np.where(failed > 0, shown, begins[first])
    kinds = _names(bad["outcome"])
    streams = _names(bad["stream"])
    phases = _names(bad["phase"])
    swaps = bad["swap"].to_numpy()
    found = []
    for index in counts.tolist():
        here = slice(first[index], after[index])
        step = begun_at(steps, int(shown[index]))
        phase, swap = str(phases[first[index]]), swaps[first[index]]
        found.append(
            Outage(
                start_s=round((int(begins[first[index]]) - start_ns) / SECOND_NS, 6),
                end_s=round((int(so_far[after[index] - 1]) - start_ns) / SECOND_NS, 6),
                kind=_kind(kinds[here][is_failed[here]]),
                streams=tuple(sorted(set(streams[here]))),
                failed=int(failed[index]),
                slow=int(after[index] - first[index] - failed[index]),
                phase=f"{phase} {swap}" if swap else phase,
                step=step.name if step else "",
            )
        )
    return tuple(found)


def _bad(requests: pd.DataFrame, limits: Mapping[str, Limit | None]) -> pd.DataFrame:
    allowed = {name: limit.limit_ms for name, limit in limits.items() if limit is not None}
    streams = requests["stream"].cat
    most = np.array([allowed.get(name, np.inf) for name in streams.categories] or [np.inf])
    most = most[streams.codes.to_numpy()]
    slow = (requests["state"] == OK) & (requests["latency_ms"] > most)
    failed = requests["state"].isin([FAILED, UNKNOWN])
    bad = requests.loc[slow | failed, list(_COLUMNS)].assign(is_failed=failed[slow | failed])
    return bad.sort_values(["due_ns", "seq"], kind="stable")


def _names(column: pd.Series) -> npt.NDArray[np.object_]:
    return column.astype("str").to_numpy(dtype=object)


def _kind(outcomes: Iterable[str]) -> str:
    """The most frequent one, the first by name of several; a stall where nothing failed."""
    kinds = Counter(outcomes)
    return min(kinds, key=lambda kind: (-kinds[kind], kind)) if kinds else STALL
