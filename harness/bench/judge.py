"""From the rounds of a benchmark to its result: a pure function of what is on disk."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Final

import pandas as pd

from harness import __version__
from harness.bench.algorithms import CENTRAL
from harness.bench.deviation import deviates_by, deviation_of
from harness.bench.limit import limit_of
from harness.bench.measures import Measures, measures_of, totals
from harness.bench.model import Bench, Cell, Round, Workload
from harness.bench.result import (
    FIGURES,
    AlgorithmResult,
    BenchResult,
    Case,
    Estimate,
    SwapResult,
    Versus,
)
from harness.bench.shares import share_interval
from harness.bench.statistics import (
    Comparison,
    Figures,
    compared,
    interval,
    is_unbounded,
    ratio,
)
from harness.bench.wording import sentence, share_sentence

__all__ = ["COMPARED", "judge"]

COMPARED: Final = ("p50", "p99", "mean")


def judge(
    bench: Bench, rounds: Sequence[Round], samples: Callable[[Cell], pd.DataFrame]
) -> BenchResult:
    """What the rounds that are done show. A round with a problem counts nowhere."""
    left_out = [f"{done.cell.name}: {problem}" for done in rounds for problem in done.problems[:1]]
    good = [done for done in rounds if not done.problems]
    places = {workload.name: place for place, workload in enumerate(bench.plan.workloads)}

    def kind(done: Round) -> tuple[int, float]:
        return places[done.cell.workload], done.cell.load or 0.0

    cases = [
        _case(bench, list(same), samples) for _, same in groupby(sorted(good, key=kind), key=kind)
    ]
    return BenchResult(
        harness=__version__,
        run=bench.run,
        cases=tuple(cases),
        left_out=tuple(left_out),
        planned=len(bench.plan.cells()),
        done=len(rounds),
        environment=bench.environment,
    )


def _case(bench: Bench, rounds: Sequence[Round], samples: Callable[[Cell], pd.DataFrame]) -> Case:
    workload = bench.plan.workload(rounds[0].cell.workload)
    numbers = sorted({done.cell.number for done in rounds})
    measured: dict[str, dict[int, Measures]] = {}
    for algorithm in bench.plan.algorithms:
        own = [done for done in rounds if done.cell.algorithm == algorithm.name]
        if own:
            measured[algorithm.name] = {
                done.cell.number: measures_of(algorithm, workload, done, samples(done.cell))
                for done in own
            }
    by_figure = {
        figure: {
            name: [each[number].latency_ms[figure] if number in each else None
                   for number in numbers]
            for name, each in measured.items()
        }
        for figure in FIGURES
    }  # fmt: skip
    comparisons = {figure: compared(by_figure[figure]) for figure in COMPARED}
    limit = limit_of(workload, rounds[0].rate_hz, measured)
    return Case(
        workload=workload.name,
        title=workload.title,
        load=rounds[0].cell.load,
        rate_hz=rounds[0].rate_hz,
        within_ms=workload.within_ms,
        sentence=_said(workload, rounds[0].cell.load, comparisons["p99"], measured),
        algorithms=tuple(
            _algorithm(
                name, workload, list(each.values()), by_figure, {**limit.bound_ms, **limit.queue_ms}
            )
            for name, each in measured.items()
        ),
        best={figure: found.best for figure, found in comparisons.items()},
        versus={figure: _versus(found) for figure, found in comparisons.items()},
        limit=limit,
    )


def _said(
    workload: Workload,
    load: float | None,
    p99: Comparison,
    measured: Mapping[str, Mapping[int, Measures]],
) -> str:
    """Where a workload has a rate of its own its main figure is the share in time."""
    if workload.rate_hz is not None:
        shares = {
            name: share_interval([one.within for one in each.values()])
            for name, each in measured.items()
        }
        said = share_sentence(workload.title, workload.within_ms, shares)
        if said:
            return said
    return sentence(workload.title, load, p99, list(measured))


def _algorithm(
    name: str,
    workload: Workload,
    rounds: Sequence[Measures],
    by_figure: Mapping[str, Mapping[str, Figures]],
    bound_ms: Mapping[str, float],
) -> AlgorithmResult:
    latency = {figure: Estimate.of(interval(by_figure[figure][name])) for figure in FIGURES}
    has_central = CENTRAL in by_figure["mean"]
    total = totals(rounds, workload)
    deviation = deviation_of(rounds)
    return AlgorithmResult(
        algorithm=name,
        rounds=len(rounds),
        requests=total.requests,
        failed=total.failed,
        latency_ms=latency,
        unbounded=tuple(figure for figure in FIGURES if is_unbounded(by_figure[figure][name])),
        to_central={
            figure: Estimate.of(ratio(by_figure[figure][name], by_figure[figure][CENTRAL]))
            for figure in FIGURES
        }
        if has_central
        else {},
        to_bound={
            figure: None if middle is None else middle / bound
            for figure, bound in bound_ms.items()
            if bound > 0
            for middle in [latency[figure].middle]
        },
        predicted_ms=total.predicted_ms,
        deviation=deviation,
        deviates_by=deviates_by(rounds, deviation, total.failed),
        within=total.within,
        within_rounds=Estimate.of(share_interval([one.within for one in rounds])),
        throughput_hz=total.throughput_hz,
        server_requests=total.server_requests,
        server_busy_s=total.server_busy_s,
        fairness=total.fairness,
        longest_queue=total.longest_queue,
        cpu_us=total.cpu_us,
        hit_ratio=total.hit_ratio,
        curve=total.curve,
        swap=_swap(rounds),
    )


def _swap(rounds: Sequence[Measures]) -> SwapResult | None:
    swaps = [one.swap for one in rounds if one.swap is not None]
    if not swaps:
        return None
    before, within = [one.p99_before_ms for one in swaps], [one.p99_ms for one in swaps]
    return SwapResult(
        took_s=Estimate.of(interval([one.took_s for one in swaps])),
        requests=sum(one.requests for one in swaps),
        failed=sum(one.failed for one in swaps),
        p99_before_ms=Estimate.of(interval(before)),
        p99_ms=Estimate.of(interval(within)),
        ratio=Estimate.of(ratio(within, before)),
    )


def _versus(comparison: Comparison) -> tuple[Versus, ...]:
    return tuple(
        Versus(of=one.of, to=one.to, ratio=Estimate.of(one.ratio), p=one.p, is_shown=one.is_shown)
        for one in comparison.differences
    )
