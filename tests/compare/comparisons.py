"""Results to compare, written by hand: what a run of a strategy found."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.compare.judge import judge
from harness.compare.model import Cell, Comparison, Done, Plan
from harness.compare.result import CompareResult, Row
from harness.model.finding import Finding, Verdict
from harness.model.mark import Edge, Mark, MarkKind
from harness.model.result import Latency, NearMisses, Outage, Requests, Result
from harness.report.result_json import load

ROOT = Path(__file__).parents[2]
EXAMPLE = load((ROOT / "reports" / "example" / "result.json").read_bytes())
RUN = "20260102T030405Z-abcd"
SENT = 4_000
SECOND_NS = 1_000_000_000


def ran(
    *,
    failed: int = 0,
    unknown: int = 0,
    sent: int = SENT,
    outage_ms: float = 0.0,
    steady_ms: float | None = 4.0,
    window_ms: float | None = 6.0,
    swaps_s: Sequence[float] = (3.0, 3.2),
    near: int = 0,
    lost: int = 0,
    doubled: int = 0,
    certain_ms: float | None = 7.5,
    verdict: Verdict | None = None,
    doubt: str = "",
) -> Result:
    """Of a run that is judged by what it lost, unless `verdict` says otherwise."""
    harmed = failed + unknown + lost + doubled
    told = verdict or (Verdict.failed if harmed else Verdict.passed)
    findings = [
        Finding(
            check="no_failed_request",
            verdict=Verdict.failed if failed or unknown else Verdict.passed,
            message="found",
        ),
        Finding(
            check="writes",
            verdict=Verdict.failed if lost or doubled else Verdict.passed,
            message="held against the store",
            evidence={"acknowledged": 500, "lost_count": lost, "doubled_count": doubled},
        ),
    ]
    slow = Verdict.failed if told is Verdict.failed and not harmed else Verdict.passed
    findings.append(Finding(check="latency", verdict=slow, message="held against the steady state"))
    if doubt:
        findings.append(Finding(check="rate_held", verdict=Verdict.inconclusive, message=doubt))
    return replace(
        EXAMPLE,
        verdict=told,
        findings=tuple(findings),
        requests=Requests(
            planned=sent, sent=sent, ok=sent - failed - unknown, failed=failed, unknown=unknown,
            by_outcome={},
        ),
        latency_ms={
            "all": {"steady": _speed(steady_ms, 9.0), "swap_window": _speed(window_ms, 19.0)}
        },
        outages=_outages(outage_ms, failed),
        near_misses=NearMisses(count=near),
        certain_outage_ms={"all": certain_ms},
        marks=_swaps(swaps_s),
    )  # fmt: skip


def _speed(p99: float | None, most: float) -> Latency:
    return Latency(count=1_500, p50=1.0, p90=2.0, p99=p99, p999=None, max=most)


def _outages(length_ms: float, failed: int) -> tuple[Outage, ...]:
    if not length_ms:
        return ()
    half_s = length_ms / 2e3
    return tuple(
        Outage(
            start_s=start_s, end_s=start_s + half_s, kind="stall", streams=("get-new",),
            failed=failed // 2, slow=3, phase="swap 1", step="stop",
        )
        for start_s in (6.0, 12.0)
    )  # fmt: skip


def _swaps(lengths_s: Sequence[float]) -> tuple[Mark, ...]:
    marks = [Mark(at_ns=5 * SECOND_NS, kind=MarkKind.phase, name="warmup", edge=Edge.begin)]
    at_ns = 10 * SECOND_NS
    for number, length_s in enumerate(lengths_s, 1):
        for edge, later_s in ((Edge.begin, 0.0), (Edge.end, length_s)):
            marks.append(
                Mark(
                    at_ns=at_ns + round(later_s * SECOND_NS),
                    kind=MarkKind.phase,
                    name="swap",
                    edge=edge,
                    detail={"swap": number, "old": "v1", "new": "v2"},
                )
            )
        at_ns += 10 * SECOND_NS
    return tuple(marks)


def changed(result: Result, check: str, verdict: Verdict, **more: Any) -> Result:
    """The result with another finding of that check; a verdict of its own it has already."""
    kept = tuple(one for one in result.findings if one.check != check)
    evidence = next((one.evidence for one in result.findings if one.check == check), {})
    finding = Finding(check=check, verdict=verdict, message="otherwise", evidence=evidence | more)
    return replace(result, findings=(*kept, finding))


def rolled_back(**more: Any) -> Result:
    """Of a run whose last swap failed: the old release serves on, nobody was turned away."""
    result = ran(**{"swaps_s": (3.0,), "verdict": Verdict.failed} | more)
    result = changed(result, "latency", Verdict.passed)
    result = changed(result, "swap_completed", Verdict.failed)
    result = changed(result, "replaced", Verdict.inconclusive)
    end = result.marks[-1]
    error = Mark(at_ns=end.at_ns, kind=MarkKind.error, name="no", detail={"blame": "release"})
    return replace(result, marks=(*result.marks[:-1], error, end))


def compared(found: Mapping[str, Sequence[Result | str]]) -> CompareResult:
    """By strategy, then by round: what each run was judged to be, or why it was not."""
    rounds = max(len(each) for each in found.values())
    plan = Plan(
        strategies=tuple(found), rounds=rounds, seed=5, mix="default", rate_hz=300.0, swaps=2
    )
    by_cell = {
        Cell(round=number, strategy=name): one
        for name, each in found.items()
        for number, one in enumerate(each, 1)
    }
    done = [
        Done(
            cell=cell,
            folder=f"../../compare-{cell.strategy}/{RUN}",
            error=by_cell[cell] if isinstance(by_cell[cell], str) else "",
        )
        for cell in plan.cells()
        if cell in by_cell
    ]
    comparison = Comparison(run=RUN, plan=plan, environment={"cores": 2, "engine": "20.10.24"})
    return judge(comparison, done, lambda one: by_cell[one.cell])


def row(result: CompareResult, strategy: str) -> Row:
    return next(each for each in result.rows if each.strategy == strategy)


def usual() -> CompareResult:
    """Three rounds: one that drops nothing, one that stalls, one that fails, one that doubts."""
    return compared(
        {
            "drain": [ran(window_ms=6.0), ran(window_ms=6.4), ran(window_ms=5.9)],
            "scale-then-stop": [
                ran(window_ms=254.0, outage_ms=1_140, near=40, verdict=Verdict.failed),
                ran(window_ms=251.0, outage_ms=1_180, near=44, verdict=Verdict.failed),
                ran(window_ms=256.5, outage_ms=1_100, near=43, verdict=Verdict.failed),
            ],
            "recreate": [
                ran(failed=400, outage_ms=4_200, window_ms=None, swaps_s=(2.0, 2.2)),
                ran(failed=410, outage_ms=4_400, window_ms=None, swaps_s=(2.1, 2.2)),
                ran(failed=395, outage_ms=4_100, window_ms=None, swaps_s=(2.0, 2.1), lost=1),
            ],
            "rolling": [
                ran(window_ms=6.6),
                ran(verdict=Verdict.inconclusive, doubt="second 7 saw 91 % of its requests"),
                "engine: no container could be started: <script>|x|",
            ],
        }
    )
