"""Which outages the calibration puts in, and when: from traffic, seed and budget."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from harness.model.calibration import OutageKind, PlannedOutage, seeing
from harness.model.traffic import ArrivalKind, Traffic

__all__ = ["APART_NS", "INTERVALS", "LEAD_NS", "CalibrationPlan", "every_outage", "plan"]

INTERVALS: Final = (2, 5, 20)
"""Lengths, in arrival intervals of the slowest stream that can see the kind."""
LEAD_NS: Final = 150_000_000
"""Before the first outage: what it looks like without any."""
APART_NS: Final = 250_000_000
"""Between two: the fold takes for one outage what is less than 200 ms apart (analysis.outages)."""
_CALM_NS: Final = 400_000_000
"""The same where there is time."""
_CATCH_UP: Final = 0.25
"""Of a stall's length, on top: all that it held is answered after it."""
_MOST_MORE_NS: Final = 60_000_000
"""Random, before each one, so that outages begin at no fixed moment between two arrivals."""
_LEAST_ARRIVALS: Final = 4
"""In an interval, of all streams that can see the kind, where one would be too few."""
_SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationPlan:
    """Outages in their order, their moments since the schedule's beginning, and its length."""

    outages: tuple[PlannedOutage, ...]
    length_ns: int
    left_out: tuple[str, ...]


def plan(traffic: Traffic, *, seed: int, budget_ns: int) -> CalibrationPlan:
    """As many outages as fit into the budget, the shortest lengths of every kind first.

    Their order and the gaps between them are drawn from the seed. What no stream can see, and
    what does not fit, is left out and named.
    """
    rng = random.Random(seed)  # noqa: S311 (a schedule, not a secret)
    blind = _blind(traffic)
    left_out = list(blind.values())
    chosen: list[PlannedOutage] = []
    used_ns = LEAD_NS
    for intervals in INTERVALS:
        kinds = [kind for kind in OutageKind if kind not in blind]
        rng.shuffle(kinds)
        crowded: list[OutageKind] = []
        for kind in kinds:
            outage = _outage(traffic, kind, intervals)
            needs_ns = outage.length_ns + _after_ns(outage) + APART_NS + _MOST_MORE_NS
            if used_ns + needs_ns > budget_ns:
                crowded.append(kind)
                continue
            chosen.append(outage)
            used_ns += needs_ns
        if crowded:
            left_out.append(
                f"{intervals} intervals of {', '.join(sorted(crowded))}: no room in "
                f"{budget_ns / _SECOND_NS:.1f} s"
            )
    return _placed(chosen, rng, APART_NS, left_out)


def every_outage(traffic: Traffic, *, seed: int, tries: int) -> CalibrationPlan:
    """All kinds at all lengths, so many times each, in an order drawn from the seed."""
    blind = _blind(traffic)
    outages = [
        _outage(traffic, kind, intervals)
        for kind in OutageKind
        if kind not in blind
        for intervals in INTERVALS
    ]
    rng = random.Random(seed)  # noqa: S311 (a schedule, not a secret)
    return _placed(outages * tries, rng, _CALM_NS, list(blind.values()))


def _blind(traffic: Traffic) -> dict[OutageKind, str]:
    """Why a kind cannot be seen by any stream."""
    return {
        kind: f"{kind.value}: "
        + (
            "no stream opens a new connection for each request"
            if kind is OutageKind.refused and any(not stream.slow for stream in traffic.streams)
            else "every stream is slow on purpose"
        )
        for kind in OutageKind
        if not seeing(traffic, kind)
    }


def _outage(traffic: Traffic, kind: OutageKind, intervals: int) -> PlannedOutage:
    rates_hz = [stream.rate_hz for stream in seeing(traffic, kind)]
    # A stall takes three slow successes to be one, and random arrivals may leave a gap.
    is_thin = kind is OutageKind.stall or traffic.arrivals is ArrivalKind.poisson
    least_s = _LEAST_ARRIVALS / sum(rates_hz) if is_thin else 0.0
    interval_ns = int(_SECOND_NS * max(1 / min(rates_hz), least_s))
    return PlannedOutage(
        kind=kind,
        intervals=intervals,
        interval_ns=interval_ns,
        begin_ns=0,
        length_ns=intervals * interval_ns,
    )


def _after_ns(outage: PlannedOutage) -> int:
    return int(_CATCH_UP * outage.length_ns) if outage.kind is OutageKind.stall else 0


def _placed(
    outages: Iterable[PlannedOutage], rng: random.Random, apart_ns: int, left_out: list[str]
) -> CalibrationPlan:
    shuffled = list(outages)
    rng.shuffle(shuffled)
    placed: list[PlannedOutage] = []
    at_ns = LEAD_NS
    for outage in shuffled:
        at_ns += rng.randrange(_MOST_MORE_NS)
        placed.append(
            PlannedOutage(
                kind=outage.kind,
                intervals=outage.intervals,
                interval_ns=outage.interval_ns,
                begin_ns=at_ns,
                length_ns=outage.length_ns,
            )
        )
        at_ns += outage.length_ns + _after_ns(outage) + apart_ns
    return CalibrationPlan(outages=tuple(placed), length_ns=at_ns, left_out=tuple(left_out))
