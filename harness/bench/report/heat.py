"""The heat map of `bench.html`: a table, so that it scrolls, is read aloud, and has its own ink."""

from math import log10
from typing import Final

from harness.bench.result import BenchResult, Case
from harness.bench.wording import load_text
from harness.report.markup import safe, table

__all__ = ["farthest", "heat_map", "multiples"]

_COLUMNS: Final = 60
_HOTTEST: Final = 60
"""Percent of the colour, over which ink is still read on light and on dark paper."""
_NOTE: Final = (
    "p99 in multiples of the workload's best. The darkest is ten times or more. A hyphen stands "
    "for what is not resolved, or what failed requests reach."
)


def multiples(case: Case) -> dict[str, float]:
    """By algorithm; empty where fewer than two p99 are resolved."""
    p99 = {one.algorithm: one.latency_ms["p99"].middle for one in case.algorithms}
    known = {name: value for name, value in p99.items() if value is not None}
    least = min(known.values(), default=0.0)
    return {name: value / least for name, value in known.items()} if len(known) > 1 else {}


def farthest(result: BenchResult) -> str:
    """`Farthest from the best: roundrobin, slow-server, 26.4 times.`; empty where there is none."""
    every = [
        (times, name, case.workload)
        for case in result.cases
        for name, times in multiples(case).items()
    ]
    worst = max(every, default=None)
    return f"Farthest from the best: {worst[1]}, {worst[2]}, {worst[0]:.1f} times." if worst else ""


def heat_map(result: BenchResult) -> str:
    """A row an algorithm, a column a workload at a load. A case without two p99 has no column."""
    if not result.cases:
        return "<p>No round is done.</p>\n"
    cases = [(case, found) for case in result.cases if (found := multiples(case))]
    if not cases:
        return "<p>No two p99 of a workload are resolved: there is nothing to compare.</p>\n"
    left = len(cases) - _COLUMNS
    cases = cases[:_COLUMNS]
    names = dict.fromkeys(one.algorithm for case, _ in cases for one in case.algorithms)
    rows = [[safe(name, 80), *(_field(found.get(name)) for _, found in cases)] for name in names]
    head = (
        "algorithm",
        *(safe(f"{case.workload}{load_text(case.load)}", 80) for case, _ in cases),
    )
    said = f"<p>{safe(farthest(result), 300)}</p>\n"
    more = f"<p>{left} more are in bench.csv</p>\n" if left > 0 else ""
    shown = table(
        "p99 in multiples of the workload's best", head, rows,
        numbers=range(1, len(head)), kind="heat",
    )  # fmt: skip
    return f'{said}{shown}{more}<p class="soft">{_NOTE}</p>\n'


def _field(times: float | None) -> str:
    if times is None:
        return "-"
    heat = round(min(log10(times), 1.0) * _HOTTEST)
    return f'<b style="--hot:{heat}">{times:.{1 if times < 100 else 0}f}</b>'
