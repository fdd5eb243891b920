"""From the results of all runs to the table: pure, from files alone."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness import __version__
from harness.checks.sentence import bound_of
from harness.compare.figures import RunFigures, doubt, figures_of
from harness.compare.means import mean_of, share_of, versus
from harness.compare.model import Comparison, Done
from harness.compare.result import FIGURES, CompareResult, Mean, Row, RunLine, Versus
from harness.compare.wording import sentence
from harness.model.finding import Verdict
from harness.model.result import Result

__all__ = ["judge"]

NOT_JUDGED: Final = "not judged"
COMPARED: Final = ("failed_share", "outage_ms", "added_p99_ms", "swap_s")
"""What is said of a strategy beside the best one."""
_RANKED: Final = ("failed_share", "outage_ms", "added_p99_ms")
"""What makes one better, in this order."""
_LEAST: Final = 2
"""Strategies of which a run counts: of one alone nothing is the best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """A strategy's runs that count."""

    strategy: str
    figures: tuple[RunFigures, ...]

    def rounds(self, name: str) -> dict[int, float]:
        """A figure by round, where it has it."""
        values = {one.round: value_of(one, name) for one in self.figures}
        return {number: value for number, value in values.items() if value is not None}


def judge(
    comparison: Comparison, done: Sequence[Done], result_of: Callable[[Done], Result | str]
) -> CompareResult:
    """`result_of` reads what a run was judged to be, or why it was not.

    A run counts where its verdict is pass or fail. One that is inconclusive, or was not judged,
    counts nowhere, and is named.
    """
    plan = comparison.plan
    lines: list[RunLine] = []
    counted: dict[str, list[RunFigures]] = {name: [] for name in plan.strategies}
    for one in done:
        line, figures = _line(one, result_of(one))
        lines.append(line)
        if figures is not None:
            counted[line.strategy].append(figures)
    owned = [_Own(strategy=name, figures=tuple(counted[name])) for name in plan.strategies]
    rows = sorted((_row(own, lines) for own in owned), key=_rank)
    rows, best = _beside_best(rows, {own.strategy: own for own in owned})
    return CompareResult(
        harness=__version__,
        run=comparison.run,
        plan=plan,
        planned=len(plan.cells()),
        done=len(lines),
        rows=tuple(replace(row, sentence=sentence(row, best)) for row in rows),
        best=best,
        runs=tuple(lines),
        environment=comparison.environment,
    )


def _line(one: Done, result: Result | str) -> tuple[RunLine, RunFigures | None]:
    line = RunLine(
        round=one.cell.round,
        strategy=one.cell.strategy,
        verdict="",
        folder=one.folder,
        counts=False,
        why="",
    )
    if isinstance(result, str):
        return replace(line, why=result or "no reason is known"), None
    line = replace(line, verdict=result.verdict.value, why=doubt(result))
    if result.verdict is Verdict.inconclusive:
        return line, None
    figures = figures_of(result, one.cell.round)
    if figures is None:
        return replace(line, why="no swap of it began and ended under load"), None
    return replace(line, counts=True), figures


def _row(own: _Own, lines: Sequence[RunLine]) -> Row:
    mine = [line for line in lines if line.strategy == own.strategy]
    found = own.figures
    swaps = sum(one.swaps for one in found)
    dropping = sum(bool(one.dropped or one.lost or one.doubled) for one in found)
    certain = [one.certain_ms for one in found]
    return Row(
        strategy=own.strategy,
        runs=len(mine),
        counted=len(found),
        verdicts=Counter(line.verdict or NOT_JUDGED for line in mine),
        swaps=swaps,
        requests=sum(one.sent for one in found),
        dropped=sum(one.dropped for one in found),
        dropping=dropping,
        drop_bound=bound_of(swaps) if swaps and not dropping else None,
        certain_ms=max((ms for ms in certain if ms is not None), default=None)
        if None not in certain
        else None,
        writes=sum(one.writes for one in found),
        lost=sum(one.lost for one in found),
        doubled=sum(one.doubled for one in found),
        figures={name: _mean(found, name) for name in FIGURES},
        versus=(),
        sentence="",
    )


def _mean(found: Sequence[RunFigures], name: str) -> Mean:
    if name == "failed_share":
        return share_of([one.dropped for one in found], [one.sent for one in found])
    least = -math.inf if name.startswith("added") else 0.0
    return mean_of([value_of(one, name) for one in found], least=least)


def value_of(one: RunFigures, name: str) -> float | None:
    """A run's figure by its name in FIGURES."""
    match name:
        case "failed_share":
            return one.dropped / one.sent
        case "failed":
            return one.dropped / one.swaps
        case "outage_ms":
            return one.outage_ms
        case "added_p99_ms":
            return one.added_p99_ms
        case "added_max_ms":
            return one.added_max_ms
        case "near_misses":
            return one.near_misses
        case _:
            return one.swap_s


def _rank(row: Row) -> tuple[float, ...]:
    """What drops, loses or doubles least comes first, then the shortest outage, then the least
    added p99.
    """
    means = [row.figures[name].middle for name in _RANKED]
    share, *others = (math.inf if middle is None else middle for middle in means)
    harmed = (row.lost + row.doubled) / row.requests if row.requests else 0.0
    return (share + harmed, *others)


def _beside_best(
    rows: Sequence[Row], owned: Mapping[str, _Own]
) -> tuple[list[Row], tuple[str, ...]]:
    """The rows, with what each differs by from the first one; and the best: that one, and those
    that are no worse as far as the rounds tell.
    """
    known = [row for row in rows if row.counted]
    if len(known) < _LEAST:
        return list(rows), ()
    first, *others = known
    beside: dict[str, list[Versus]] = {row.strategy: [] for row in rows}
    for figure in COMPARED:
        found = versus(
            figure,
            {row.strategy: owned[row.strategy].rounds(figure) for row in others},
            owned[first.strategy].rounds(figure),
        )
        for name, one in found.items():
            beside[name].append(one)
    told = [replace(row, versus=tuple(beside[row.strategy])) for row in rows]
    ties = [row.strategy for row in told if row.counted and row.versus and _ties(row, first)]
    return told, (first.strategy, *ties)


def _ties(row: Row, first: Row) -> bool:
    """A strategy that dropped something is no equal of one that dropped nothing; and where nothing
    can be told, for want of rounds, nobody is called an equal.
    """
    if row.dropping and not first.dropping:
        return False
    ranked = [one for one in row.versus if one.figure in _RANKED]
    is_told = any(one.p is not None for one in ranked)
    return is_told and not any(one.is_shown for one in ranked)
