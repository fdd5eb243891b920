"""From the results of all runs to the table: pure, from files alone."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from harness import __version__
from harness.checks.sentence import bound_of
from harness.compare.figures import RunFigures, doubt, figures_of
from harness.compare.means import mean_of, share_of
from harness.compare.model import Comparison, Done
from harness.compare.ranking import Counted, beside_best, ranked
from harness.compare.result import FIGURES, CompareResult, Mean, Row, RunLine
from harness.compare.wording import sentence
from harness.model.finding import Verdict
from harness.model.result import Result

__all__ = ["judge"]

NOT_JUDGED: Final = "not judged"


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
    owned = {
        name: Counted(strategy=name, figures=tuple(figures)) for name, figures in counted.items()
    }
    rows = ranked([_row(own, lines) for own in owned.values()], owned)
    standing = beside_best(rows, owned)
    return CompareResult(
        harness=__version__,
        run=comparison.run,
        plan=plan,
        planned=len(plan.cells()),
        done=len(lines),
        rows=tuple(
            replace(row, sentence=sentence(row, standing.best, standing.untold))
            for row in standing.rows
        ),
        best=standing.best,
        untold=standing.untold,
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


def _row(own: Counted, lines: Sequence[RunLine]) -> Row:
    mine = [line for line in lines if line.strategy == own.strategy]
    found = own.figures
    completed = sum(one.completed for one in found)
    is_clean = bool(found) and all(one.is_clean for one in found)
    dropping = sum(bool(one.harmed) for one in found)
    certain = [one.certain_ms for one in found]
    return Row(
        strategy=own.strategy,
        runs=len(mine),
        counted=len(found),
        verdicts=Counter(line.verdict or NOT_JUDGED for line in mine),
        swaps=completed,
        failed_swaps=sum(one.swaps for one in found) - completed,
        requests=sum(one.sent for one in found),
        dropped=sum(one.dropped for one in found),
        dropping=dropping,
        drop_bound=bound_of(completed) if is_clean and not dropping else None,
        certain_ms=max((ms for ms in certain if ms is not None), default=None)
        if None not in certain
        else None,
        writes=_sum(one.writes for one in found),
        lost=_sum(one.lost for one in found),
        doubled=_sum(one.doubled for one in found),
        unread=sum(one.writes is None for one in found),
        figures={name: _mean(found, name) for name in FIGURES},
        versus=(),
        sentence="",
    )


def _mean(found: Sequence[RunFigures], name: str) -> Mean:
    if name == "failed_share":
        return share_of([one.dropped for one in found], [one.sent for one in found])
    least = -math.inf if name.startswith("added") else 0.0
    return mean_of([one.value(name) for one in found], least=least)


def _sum(counts: Iterable[int | None]) -> int | None:
    """Of those that are known; None where none is."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
