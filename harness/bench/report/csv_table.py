"""`bench.csv`: a row a figure, for spreadsheets and other programs."""

import csv
import io
from collections.abc import Iterator
from typing import Final

from harness.bench.result import AlgorithmResult, BenchResult, Case, Past

__all__ = ["HEAD", "bench_csv"]

HEAD: Final = (
    "workload", "load", "rate_hz", "algorithm", "figure", "value", "low", "high", "to_central",
    "to_bound", "simulated", "deviation", "standing",
)  # fmt: skip

Cell = str | float | int | None


def bench_csv(result: BenchResult) -> str:
    """Latency in milliseconds; an empty cell is what is not known. `deviation` is simulated /
    measured, `standing` is `best`, `tie`, `unbounded` (failed requests reach it) or empty. Past
    this machine, in service times, the workload is `simulated: 1000 servers, 10 balancers`.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    for case in result.cases:
        for one in case.algorithms:
            for row in (*_latency(case, one), *_others(one)):
                writer.writerow([case.workload, case.load, round(case.rate_hz, 3), one.algorithm,
                                 *map(_rounded, row)])  # fmt: skip
    if result.past:
        writer.writerows(_past(result.past))
    return text.getvalue()


def _latency(case: Case, one: AlgorithmResult) -> Iterator[tuple[Cell, ...]]:
    for figure, found in one.latency_ms.items():
        is_alone = sum(each.latency_ms[figure].middle is not None for each in case.algorithms) < 2
        best = () if is_alone else case.best.get(figure, ())
        standing = ("best" if one.algorithm == best[0] else "tie") if one.algorithm in best else ""
        standing = "unbounded" if figure in one.unbounded else standing
        yield (
            f"{figure}_ms", found.middle, found.low, found.high,
            one.to_central[figure].middle if one.to_central else None,
            one.to_bound.get(figure), one.predicted_ms.get(figure),
            one.deviation[figure].middle if figure in one.deviation else None, standing,
        )  # fmt: skip


def _others(one: AlgorithmResult) -> Iterator[tuple[Cell, ...]]:
    figures: dict[str, Cell] = {
        "rounds": one.rounds,
        "requests": one.requests,
        "failed": one.failed,
        "within": one.within,
        "throughput_hz": one.throughput_hz,
        "fairness": one.fairness,
        "longest_queue": one.longest_queue,
        "cpu_us": one.cpu_us,
        "hit_ratio": one.hit_ratio,
    }
    if one.swap is not None:
        figures |= {
            "swap_s": one.swap.took_s.middle,
            "swap_requests": one.swap.requests,
            "swap_failed": one.swap.failed,
            "swap_p99_before_ms": one.swap.p99_before_ms.middle,
            "swap_p99_ms": one.swap.p99_ms.middle,
            "swap_p99_ratio": one.swap.ratio.middle,
        }
    figures |= {f"requests {name}": count for name, count in one.server_requests.items()}
    figures |= {f"busy_s {name}": spent for name, spent in one.server_busy_s.items()}
    for name, value in figures.items():
        yield name, value, None, None, None, None, None, None, ""


def _past(past: Past) -> Iterator[list[Cell]]:
    for one in past.figures:
        balancers = f"{one.balancers} balancer{'s' if one.balancers > 1 else ''}"
        apart = "" if one.is_together else " begun apart"
        for figure, found in one.times.items():
            yield [
                f"simulated: {one.servers} servers, {balancers}{apart}", past.load, None,
                one.algorithm, f"{figure}_services",
                *map(_rounded, (found.middle, found.low, found.high)), *([None] * 4), "",
            ]  # fmt: skip


def _rounded(value: Cell) -> Cell:
    return round(value, 6) if isinstance(value, float) else value
