"""One run's figures for the comparison, from its `result.json` alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.analysis.latency import ALL_STREAMS, SWAP_WINDOW
from harness.analysis.resolution import TOTAL
from harness.model.finding import Verdict
from harness.model.mark import Edge, MarkKind
from harness.model.result import Latency, Result

__all__ = ["RunFigures", "doubt", "figures_of"]

_SECOND_NS = 1e9
_SWAPPING = ("swap", "after")
"""Phases: what stalls before the first swap is none of its doing. What fails there does count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """Of a run whose swaps began. What is `a swap` is a mean over the run's swaps."""

    round: int
    swaps: int
    """That began."""
    sent: int
    dropped: int
    """Requests that failed, and unanswered writes of which the store tells nothing."""
    outage_ms: float
    """A swap. All spans from the first swap on in which requests failed or stalled."""
    certain_ms: float | None
    """A total outage of that length, in any moment of the swaps, would have been seen."""
    added_p99_ms: float | None
    """Of the swap window beside the steady state; None where one is not resolved."""
    added_max_ms: float | None
    near_misses: float
    """A swap."""
    swap_s: float
    """From a swap's first step to the end of its last."""
    writes: int
    """That were acknowledged."""
    lost: int
    doubled: int


def figures_of(result: Result, number: int) -> RunFigures | None:
    """None for a run in which no swap began and ended, or nothing was sent."""
    lengths_s = _swap_lengths_s(result)
    if not lengths_s or not result.requests.sent:
        return None
    swaps = len(lengths_s)
    counts = result.requests
    written = _evidence(result, "writes")
    outage_s = sum(
        outage.end_s - outage.start_s
        for outage in result.outages
        if outage.phase.startswith(_SWAPPING)
    )
    return RunFigures(
        round=number,
        swaps=swaps,
        sent=counts.sent,
        dropped=counts.failed + counts.unknown,
        outage_ms=outage_s * 1e3 / swaps,
        certain_ms=result.certain_outage_ms.get(TOTAL),
        added_p99_ms=_added(result, "p99"),
        added_max_ms=_added(result, "max"),
        near_misses=result.near_misses.count / swaps,
        swap_s=sum(lengths_s) / swaps,
        writes=int(written.get("acknowledged", 0)),
        lost=_count(written, "lost"),
        doubled=_count(written, "doubled"),
    )


def doubt(result: Result) -> str:
    """The first inconclusive finding, as `check: message`; empty where there is none."""
    return next(
        (
            f"{finding.check}: {finding.message}"
            for finding in result.findings
            if finding.verdict is Verdict.inconclusive
        ),
        "",
    )


def _swap_lengths_s(result: Result) -> list[float]:
    begins: dict[object, int] = {}
    lengths = []
    for mark in result.marks:
        if mark.kind is not MarkKind.phase or mark.name != "swap":
            continue
        swap = mark.detail.get("swap")
        if mark.edge is Edge.begin:
            begins[swap] = mark.at_ns
        elif swap in begins:
            lengths.append((mark.at_ns - begins[swap]) / _SECOND_NS)
    return lengths


def _added(result: Result, figure: str) -> float | None:
    phases: Mapping[str, Latency] = result.latency_ms.get(ALL_STREAMS, {})
    before, within = (
        getattr(phases[name], figure) if name in phases else None
        for name in ("steady", SWAP_WINDOW)
    )
    return None if before is None or within is None else float(within - before)


def _evidence(result: Result, check: str) -> Mapping[str, Any]:
    return next((found.evidence for found in result.findings if found.check == check), {})


def _count(written: Mapping[str, Any], kind: str) -> int:
    """A result of an earlier version has the first twenty alone, and no count."""
    return int(written.get(f"{kind}_count", len(written.get(kind, ()))))
