"""The table of a case, alike in every report: cells of plain text."""

from collections.abc import Iterator
from typing import Final

from harness.bench.result import AlgorithmResult, BenchResult, Case, Estimate
from harness.bench.wording import load_text
from harness.report.figures import milliseconds

__all__ = ["HEAD", "MARKS", "NOTE", "about", "cells", "estimate", "limit_line", "title_of"]

HEAD: Final = (
    "algorithm", "requests", "failed", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "p99 / central",
    "mean / limit", "in time", "fairness", "longest queue", "CPU µs", "hits",
)  # fmt: skip
MARKS: Final = {"best": " ★", "tie": " ="}
NOTE: Final = (
    "Geometric means over rounds ± half of the 95 % interval, from due to the last byte. ★ is the "
    "least, = marks those compared with it of which no difference to it is shown. A hyphen stands "
    "for what fewer than 3 rounds resolve, ∞ for what failed requests reach in any round. The "
    "limit is one queue before all slots where theory has a formula, else the service time alone."
)


def title_of(case: Case) -> str:
    """`one server 5 times slower, at 70 % load (420/s)`."""
    return f"{case.title}{load_text(case.load)} ({case.rate_hz:,.0f}/s)"


def about(result: BenchResult) -> str:
    """How much of the plan stands behind it."""
    left = (
        f"; {len(result.left_out)} of them, being no evidence, count nowhere"
        if result.left_out
        else ""
    )
    return f"{result.done:,} of {result.planned:,} rounds are done{left}"


def limit_line(case: Case) -> str:
    """What theory says, in milliseconds; empty where there is nothing to say."""
    limit = case.limit
    parts = []
    if limit.bound_ms:
        figures = ", ".join(f"{name} {milliseconds(ms)}" for name, ms in limit.bound_ms.items())
        parts.append(f"Service time alone: {figures} ms")
    if limit.queue:
        figures = ", ".join(f"{name} {milliseconds(ms)}" for name, ms in limit.queue_ms.items())
        off = f", its wait by up to {limit.most_off:.1f} times off" if limit.most_off > 1 else ""
        parts.append(f"one queue before all slots ({limit.queue}{off}): {figures} ms")
    return "; ".join(parts)


def cells(case: Case) -> Iterator[list[str]]:
    """A row an algorithm, under HEAD."""
    for one in case.algorithms:
        yield [
            one.algorithm,
            f"{one.requests:,}",
            f"{one.failed:,}",
            _latency(one, "p50") + _mark(case, "p50", one),
            _latency(one, "p99") + _mark(case, "p99", one),
            _latency(one, "p999"),
            _latency(one, "max"),
            _number(one.to_central["p99"].middle if one.to_central else None, 2),
            _number(one.to_bound.get("mean"), 2),
            _percent(one.within),
            _number(one.fairness, 3),
            f"{one.longest_queue:,}",
            _number(one.cpu_us, 0),
            _percent(one.hit_ratio),
        ]


def _latency(one: AlgorithmResult, figure: str) -> str:
    return "∞" if figure in one.unbounded else estimate(one.latency_ms[figure])


def _mark(case: Case, figure: str, one: AlgorithmResult) -> str:
    best = case.best[figure]
    known = [each for each in case.algorithms if each.latency_ms[figure].middle is not None]
    if len(known) < 2 or one.algorithm not in best:
        return ""
    return MARKS["best" if one.algorithm == best[0] else "tie"]


def estimate(found: Estimate, unit_digits: int = 1) -> str:
    """`203.3 ± 30.8`; from 1,000 on without decimals, which would say nothing there."""
    if found.middle is None or found.high is None:
        return "-"
    digits = unit_digits if found.middle < 1_000 else 0
    return f"{found.middle:,.{digits}f} ± {found.high - found.middle:,.{digits}f}"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _percent(share: float | None) -> str:
    """All is `100 %`; nearly all never looks like it."""
    if share is None:
        return "-"
    if share in {0.0, 1.0}:
        return f"{share * 100:.0f} %"
    return f"{min(share * 100, 99.99):.2f} %"
