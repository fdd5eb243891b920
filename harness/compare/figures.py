"""One run's figures for the comparison, from its result alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from harness.analysis.latency import ALL_STREAMS, SWAP_WINDOW
from harness.analysis.phases import SECOND_NS, Phase, phases
from harness.analysis.resolution import TOTAL
from harness.checks.sentence import drop_bound
from harness.model.finding import Finding, Verdict
from harness.model.mark import MarkKind
from harness.model.result import Latency, Outage, Result

__all__ = ["RunFigures", "doubt", "figures_of"]

_LOAD: Final = "warmup"
"""The phase that begins as the schedule does, from which outages are dated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """Of a run whose swaps began. What is `a swap` is a mean over the run's swaps."""

    round: int
    swaps: int
    """That began."""
    completed: int
    """Of them."""
    is_clean: bool
    """Every swap was completed, and every check passed but `latency`, which drops nothing."""
    sent: int
    dropped: int
    """Requests that failed, and unanswered writes of which the store tells nothing."""
    outage_ms: float
    """A swap. All spans from the first swap on in which requests failed or stalled."""
    certain_ms: float | None
    """A total outage of that length, in any moment of the swaps, would have been seen."""
    added_p99_ms: float | None
    """Of the swap window beside the steady state; None where one is not resolved, or where what
    was slow is not known to be the target's doing.
    """
    added_max_ms: float | None
    near_misses: float
    """A swap."""
    swap_s: float | None
    """From a completed swap's first step to the end of its last; None without one."""
    writes: int | None
    """That were acknowledged. None, as those below, where they were not held against the store."""
    lost: int | None
    doubled: int | None

    @property
    def harmed(self) -> int:
        """Requests that were dropped, and writes that were lost or doubled as far as is known."""
        return self.dropped + (self.lost or 0) + (self.doubled or 0)

    def value(self, name: str) -> float | None:
        """The figure of that name: one of CompareResult's FIGURES, or `harmed_share`."""
        match name:
            case "harmed_share":
                return self.harmed / self.sent
            case "failed_share":
                return self.dropped / self.sent
            case "failed":
                return self.dropped / self.swaps
            case "outage_ms":
                return self.outage_ms
            case "added_p99_ms":
                return self.added_p99_ms
            case "added_max_ms":
                return self.added_max_ms
            case "near_misses":
                return self.near_misses
            case _:
                return self.swap_s


def figures_of(result: Result, number: int) -> RunFigures | None:
    """None for a run in which no swap began and ended, or nothing was sent."""
    found = phases(result.marks, max((mark.at_ns for mark in result.marks), default=0))
    began = [phase for phase in found if phase.name == "swap"]
    load_ns = next((phase.begin_ns for phase in found if phase.name == _LOAD), None)
    if not any(swap.ended for swap in began) or load_ns is None or not result.requests.sent:
        return None
    completed = _completed(began, result)
    counts = result.requests
    first_s = (began[0].begin_ns - load_ns) / SECOND_NS
    lengths_s = [(swap.end_ns - swap.begin_ns) / SECOND_NS for swap in completed]
    writes = _known(result, "writes")
    written: Mapping[str, Any] = writes.evidence if writes else {}
    bound = drop_bound(len(began), [swap.swap for swap in completed], result.findings)
    return RunFigures(
        round=number,
        swaps=len(began),
        completed=len(completed),
        is_clean=bound is not None,
        sent=counts.sent,
        dropped=counts.failed + counts.unknown,
        outage_ms=_outage_s(result.outages, first_s) * 1e3 / len(began),
        certain_ms=result.certain_outage_ms.get(TOTAL),
        added_p99_ms=_added(result, "p99"),
        added_max_ms=_added(result, "max"),
        near_misses=result.near_misses.count / len(began),
        swap_s=sum(lengths_s) / len(lengths_s) if lengths_s else None,
        writes=int(written.get("acknowledged", 0)) if writes else None,
        lost=_count(written, "lost") if writes else None,
        doubled=_count(written, "doubled") if writes else None,
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


def _completed(began: Sequence[Phase], result: Result) -> list[Phase]:
    """A swap's phase ends however it went. The first one that fails is a run's last: an error in
    that one, or a deploy that is found to have failed, is of it.
    """
    last = began[-1]
    is_broken = _finding(result, "swap_completed", Verdict.failed) is not None or any(
        mark.kind is MarkKind.error and last.begin_ns <= mark.at_ns <= last.end_ns
        for mark in result.marks
    )
    return [swap for swap in began if swap.ended and not (is_broken and swap is last)]


def _outage_s(outages: Sequence[Outage], first_s: float) -> float:
    """What had begun to stall before the first swap is none of its doing until then. What failed
    may have been due before: it was cut in flight, so that span is taken whole.
    """
    return sum(
        outage.end_s - (outage.start_s if outage.failed else max(outage.start_s, first_s))
        for outage in outages
        if outage.end_s > first_s
    )


def _added(result: Result, figure: str) -> float | None:
    if _known(result, "latency") is None:
        return None
    found: Mapping[str, Latency] = result.latency_ms.get(ALL_STREAMS, {})
    before, within = (
        getattr(found[name], figure) if name in found else None for name in ("steady", SWAP_WINDOW)
    )
    return None if before is None or within is None else float(within - before)


def _known(result: Result, check: str) -> Finding | None:
    """A check's finding where it could tell."""
    return _finding(result, check, Verdict.passed, Verdict.failed)


def _finding(result: Result, check: str, *verdicts: Verdict) -> Finding | None:
    found = (one for one in result.findings if one.check == check and one.verdict in verdicts)
    return next(found, None)


def _count(written: Mapping[str, Any], kind: str) -> int:
    """A result of an earlier version has the first twenty alone, and no count."""
    return int(written.get(f"{kind}_count", len(written.get(kind, ()))))
