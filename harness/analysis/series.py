"""A run over time, in a bounded number of points: what is drawn of a million samples.

Times are seconds since the schedule began, by the moment a request was due; latencies are
milliseconds from then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis.history import History
from harness.analysis.latency import BEYOND, percentile
from harness.analysis.phases import SECOND_NS
from harness.analysis.requests import FAILED, NOT_SENT, OK, UNKNOWN

__all__ = [
    "Binned",
    "Rates",
    "binned",
    "curve",
    "edges",
    "machine",
    "rates",
    "seconds",
    "slowest",
    "spread",
    "with_waits",
]

Numbers = npt.NDArray[np.float64]
_WIDTHS: Final = (0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600)
_P99: Final = 990
_LACK: Final = 4
"""How many times the usual distance between bins with samples breaks a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binned:
    """Latency by bins, those without a sample left out.

    `p99` is NaN where it is not resolved: that takes 10 samples beyond it. `p50` is the middle
    one of the bin's samples. After a bin that is followed by an unusually long lack of samples
    comes one with a count of 0 and NaN: a line that is drawn through them breaks there.
    """

    at_s: Numbers
    count: npt.NDArray[np.int64]
    p50: Numbers
    p99: Numbers
    most: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Requests due a second, by what became of them; in each bin they add up to all."""

    edges: Numbers
    answered: Mapping[str, Numbers]
    """By the release that answered, in the order of first answer; empty: it did not tell."""
    failed: Numbers
    """Unknown ones too."""
    not_sent: Numbers


def seconds(history: History, at_ns: pd.Series) -> Numbers:
    """Seconds since the schedule began."""
    return (at_ns.to_numpy() - history.start_ns) / np.float64(SECOND_NS)


def edges(begin_s: float, end_s: float, *, most: int = 400, least_s: float = 0.25) -> Numbers:
    """Edges of at most `most` + 1 bins of a round width, not below `least_s`, over the span.

    Only the last bin's width differs: it reaches to the end, and is up to half as long again.
    Example: from 0 to 10.6 in at most 5 bins are bins of 5 s: 0, 5, 10.6.
    """
    span = max(end_s - begin_s, least_s)
    fitting = [width for width in _WIDTHS if width >= least_s and span / width <= most]
    width = fitting[0] if fitting else span / most
    count = max(1, round(span / width))
    found: Numbers = begin_s + np.arange(count + 1) * np.float64(width)
    found[-1] = begin_s + span
    return found


def binned(due_s: Numbers, latency_ms: Numbers, bins: Numbers) -> Binned:
    """Latency of samples in the order of their due time, by bins; the last one is closed."""
    places = np.searchsorted(due_s, bins)
    places[-1] = len(due_s)
    middles = (bins[:-1] + bins[1:]) / 2
    held = np.flatnonzero(np.diff(places))
    rows = [
        _bin(middles[index], np.sort(latency_ms[places[index] : places[index + 1]]))
        for index in held.tolist()
    ]
    gaps = np.diff(held)
    for index in np.flatnonzero(gaps > _LACK * np.median(gaps))[::-1] if len(gaps) else ():
        rows.insert(int(index) + 1, (middles[held[index] + 1], 0, np.nan, np.nan, np.nan))
    at_s, count, p50, p99, most = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    return Binned(
        at_s=np.array(at_s, dtype=np.float64),
        count=np.array(count, dtype=np.int64),
        p50=np.array(p50, dtype=np.float64),
        p99=np.array(p99, dtype=np.float64),
        most=np.array(most, dtype=np.float64),
    )


def _bin(at_s: float, ordered: Numbers) -> tuple[float, int, float, float, float]:
    p99 = percentile(ordered, _P99)
    return (
        at_s,
        len(ordered),
        float(ordered[(len(ordered) - 1) // 2]),
        np.nan if p99 is None else p99,
        float(ordered[-1]),
    )


def rates(history: History, bins: Numbers) -> Rates:
    """Requests a second by release, by the moment they were due."""
    rows = history.requests
    due_s = seconds(history, rows["due_ns"])
    state, release = rows["state"], rows["release"]
    widths = np.diff(bins)

    def rate(chosen: npt.NDArray[np.bool_]) -> Numbers:
        return np.histogram(due_s[chosen], bins)[0] / widths

    good = (state == OK).to_numpy()
    return Rates(
        edges=bins,
        answered={
            str(name): rate(good & (release == name).to_numpy()) for name in release[good].unique()
        },
        failed=rate(state.isin([FAILED, UNKNOWN]).to_numpy()),
        not_sent=rate((state == NOT_SENT).to_numpy()),
    )


def with_waits(history: History) -> pd.DataFrame:
    """Failed and unknown requests with `waited_ms`: from due to how they ended.

    What had not ended is counted up to the last moment that is known of.
    """
    rows = history.requests
    bad = rows[rows["state"].isin([FAILED, UNKNOWN])]
    ends = bad["finished_ns"].where(bad["finished_ns"] > 0, history.last_ns)
    return bad.assign(waited_ms=((ends - bad["due_ns"]) / 1e6).clip(lower=0))


def slowest(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """The slowest successes of those requests, in the order of time."""
    good = rows[rows["state"] == OK]
    return good.nlargest(most, "latency_ms").sort_values("due_ns", kind="stable")


def spread(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most so many rows, evenly over their order, the first and the last among them."""
    if len(rows) <= most:
        return rows
    return rows.iloc[np.linspace(0, len(rows) - 1, most).round().astype(int)]


def curve(latency_ms: Numbers, *, most: int = 240) -> tuple[Numbers, Numbers]:
    """(share, latency): each latency with the share of samples that do not exceed it.

    Only as far as 10 samples lie beyond; none with too few. The points lie evenly in nines,
    -log10(1 - share), as it is the far end that matters.
    """
    count = len(latency_ms)
    last = count - BEYOND
    if last < 1:
        return np.array([]), np.array([])
    ordered = np.sort(latency_ms)
    nines = np.linspace(0, -np.log10(1 - last / count), most)
    ranks = np.unique(np.clip(np.ceil(count * (1 - 10**-nines)), 1, last).astype(np.int64))
    return ranks / count, ordered[ranks - 1]


def machine(history: History, *, most: int = 600) -> pd.DataFrame:
    """Columns `at_s`, `steal` and `pressure` (percent), in the order of time.

    Where there are more seconds than `most`, the worst of several stands for them.
    """
    rows = pd.DataFrame(
        {
            "at_s": [(row.at_ns - history.start_ns) / SECOND_NS for row in history.machine],
            "steal": [_percent(row.steal_share) for row in history.machine],
            "pressure": [
                np.nan if row.cpu_pressure is None else row.cpu_pressure for row in history.machine
            ],
        },
        dtype=np.float64,
    ).sort_values("at_s", ignore_index=True)
    each = -(-len(rows) // most)
    return rows if each <= 1 else rows.groupby(rows.index // each).max()


def _percent(share: float | None) -> float:
    return np.nan if share is None else share * 100
