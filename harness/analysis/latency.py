"""Latency: percentiles that are only given where they can be, and the limit drawn from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis.phases import Window, within
from harness.analysis.requests import OK
from harness.model.result import Latency
from harness.model.scenario import Limits, Scenario

__all__ = ["ALL_STREAMS", "Limit", "limit", "limits_by_stream", "percentile", "table"]

Milliseconds = npt.NDArray[np.float64]

ALL_STREAMS: Final = "all"
PHASES: Final = ("warmup", "steady", "swap", "after")
SWAP_WINDOW: Final = "swap_window"
BEYOND: Final = 10
"""Samples that must lie beyond a percentile (design.md, 6)."""
LEAST_STEADY: Final = 20
"""Samples below which not even p50 is resolvable."""
_P50, _P90, _P99, _P999 = 500, 900, 990, 999


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What a success may take, in milliseconds, by the strictest limit on p99 or on the longest:
    above it a success is slow.
    """

    percentile: str
    """Which percentile of the steady state it was drawn from: p99 where the samples resolve it,
    else the highest lower one that they do; empty where they resolve none."""
    of: str
    """The stream whose steady state that is; `all` for one too thin to have a p99 of its own."""
    steady_ms: float
    limit_ms: float
    samples: int
    drawn_ms: float | None = None
    """On p99, what is drawn from the steady state: max(factor x steady, steady + margin)."""
    longest_ms: float | None = None
    """On the longest: the lesser of `max_ms` and of `max_factor` x steady p99, as far as known."""


def percentile(latency_ms: Milliseconds, permille: int) -> float | None:
    """The nearest-rank percentile: the smallest value that `permille`/1000 of all do not exceed.

    None with fewer than 10 samples beyond it. Nothing is interpolated: the answer is a latency
    that a request had. Example: of 1, 2, …, 1000 p99 is 990, and of 1, …, 999 it is None.
    The rank is reckoned in integers, as 0.999 x n is not exact in floats.
    """
    count = len(latency_ms)
    rank = -(-count * permille // 1000)
    if count - rank < BEYOND:
        return None
    return float(np.partition(latency_ms, rank - 1)[rank - 1])


def limit(steady_ms: Milliseconds, limits: Limits, of: str) -> Limit | None:
    """The limit of a stream whose steady state is that of `of`. None where none was asked for, and
    the steady state has fewer than 20 samples to draw one from, or no say.
    """
    asked = [ms for ms in (limits.p99_ms, limits.max_ms) if ms]
    for name, permille in (("p99", _P99), ("p90", _P90), ("p50", _P50)):
        steady = percentile(steady_ms, permille)
        if steady is not None:
            drawn = None
            if limits.latency_factor:
                drawn = max(limits.latency_factor * steady, steady + limits.latency_margin_ms)
            # A lower percentile would make it stricter than it was meant, by one answer alone.
            times = limits.max_factor * steady if name == "p99" else 0.0
            longest = [ms for ms in (limits.max_ms, times) if ms]
            most = [*asked, *longest, *([] if drawn is None else [drawn])]
            if not most:
                return None
            return Limit(
                percentile=name,
                of=of,
                steady_ms=steady,
                limit_ms=min(most),
                samples=len(steady_ms),
                drawn_ms=drawn,
                longest_ms=min(longest, default=None),
            )
    if not asked:
        return None
    return Limit(
        percentile="",
        of=of,
        steady_ms=0.0,
        limit_ms=min(asked),
        samples=len(steady_ms),
        longest_ms=limits.max_ms or None,
    )


def _figures(latency_ms: Milliseconds) -> Latency:
    def rounded(value: float | None) -> float | None:
        return None if value is None else round(value, 3)

    return Latency(
        count=len(latency_ms),
        p50=rounded(percentile(latency_ms, _P50)),
        p90=rounded(percentile(latency_ms, _P90)),
        p99=rounded(percentile(latency_ms, _P99)),
        p999=rounded(percentile(latency_ms, _P999)),
        max=rounded(float(latency_ms.max())) if len(latency_ms) else None,
    )


def _by_stream(requests: pd.DataFrame, scenario: Scenario) -> dict[str, pd.DataFrame]:
    good = requests[requests["state"] == OK]
    found = {ALL_STREAMS: good[~good["slow_stream"]]}
    for stream in scenario.traffic.streams:
        found[stream.name] = good[good["stream"] == stream.name]
    return found


def limits_by_stream(requests: pd.DataFrame, scenario: Scenario) -> dict[str, Limit | None]:
    """A limit for `all` and for each stream that is not slow on purpose; None: too few steady
    samples, and none was asked for. Empty where every stream is slow on purpose.

    A stream too thin for a p99 of its own takes that of `all`: the same machine in the same
    seconds. Its own p90 would be a stricter limit, but on a noisy machine, where p90 is quiet and
    p99 is not, it blames a swap for what the steady state did just as often.
    """
    slow = {stream.name for stream in scenario.traffic.streams if stream.slow}
    if len(slow) == len(scenario.traffic.streams):
        return {}
    own = {
        name: limit(
            good.loc[good["phase"] == "steady", "latency_ms"].to_numpy(), scenario.limits, name
        )
        for name, good in _by_stream(requests, scenario).items()
        if name not in slow
    }
    together = own[ALL_STREAMS]
    if together is None or together.percentile != "p99":
        return own
    return {
        name: together if one is not None and one.percentile not in {"", "p99"} else one
        for name, one in own.items()
    }


def table(
    requests: pd.DataFrame, scenario: Scenario, windows: Sequence[Window]
) -> Mapping[str, Mapping[str, Latency]]:
    """Figures by stream (and `all`), then by phase (and `swap_window`)."""
    figures: dict[str, Mapping[str, Latency]] = {}
    for name, good in _by_stream(requests, scenario).items():
        latency = good["latency_ms"]
        cells = {phase: _figures(latency[good["phase"] == phase].to_numpy()) for phase in PHASES}
        cells[SWAP_WINDOW] = _figures(latency[within(good["due_ns"], windows)].to_numpy())
        figures[name] = cells
    return figures
