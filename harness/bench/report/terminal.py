"""The printed benchmark: the sentences, then a table a case."""

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.bench.report.beside import beside_line
from harness.bench.report.cells import HEAD, MARKS, NOTE, about, cells, limit_line, title_of
from harness.bench.report.swapped import swap_line
from harness.bench.result import BenchResult, Case
from harness.report.figures import printable

__all__ = ["bench_text"]

_LEFT_OUT: Final = 10
_GAP: Final = 3
"""Between two columns."""
_ALGORITHM, _FAILED, _P99 = HEAD.index("algorithm"), HEAD.index("failed"), HEAD.index("p99 ms")
_FIRST: Final = tuple(
    map(HEAD.index, ("algorithm", "p99 ms", "p50 ms", "in time", "p99 / central", "requests",
                     "max ms", "mean / limit", "fairness", "longest queue"))
)  # fmt: skip
"""Who comes first has its place; the other reports have all."""


def bench_text(result: BenchResult) -> Group:
    """What to print: `rich.print(bench_text(result))`. Everything is literal text."""
    parts: list[RenderableType] = [_item(case.sentence) for case in result.cases]
    parts += [_CaseTable(case) for case in result.cases]
    if result.cases:
        parts.append(Text(f"\n{NOTE}", "dim"))
    if result.past:
        parts.append(Text("\nPast this machine, simulated", "bold"))
        parts += [_item(text) for text in result.past.sentences]
    line = beside_line(result)
    parts.append(Text(f"\n{about(result)}{f'; {line}' if line else ''}."))
    parts += [Text(f"  {printable(text)}", "yellow") for text in result.left_out[:_LEFT_OUT]]
    if len(result.left_out) > _LEFT_OUT:
        parts.append(Text(f"  {len(result.left_out) - _LEFT_OUT:,} more are in bench.json"))
    return Group(*parts)


def _item(text: str) -> RenderableType:
    return Padding(Text(printable(text)), (0, 0, 0, 2))


class _CaseTable:
    """As many columns as the terminal has room for, none of them cut or wrapped."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._rows = [[printable(cell, 80) for cell in row] for row in cells(case)]
        for index in range(len(HEAD)):
            _align(self._rows, index)

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(f"\n{printable(title_of(self._case))}", "bold")
        shown = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, expand=False)
        chosen = self._chosen(options.max_width)
        for index in chosen:
            shown.add_column(HEAD[index], justify="right" if index else "left", no_wrap=True)
        for row in self._rows:
            style = "bold" if MARKS["best"] in row[_P99] else ""
            shown.add_row(*(Text(row[index]) for index in chosen), style=style)
        yield shown
        for line in filter(None, (limit_line(self._case), swap_line(self._case))):
            yield Text(f"{printable(line)}.", "dim")

    def _chosen(self, width: int) -> Sequence[int]:
        """Requests that failed come before all figures."""
        has_failed = any(row[_FAILED] != "0" for row in self._rows)
        wanted = (_ALGORITHM, _FAILED, *_FIRST[1:]) if has_failed else _FIRST
        chosen: list[int] = []
        left = width + _GAP
        for index in wanted:
            needs = _GAP + max(len(HEAD[index]), *(len(row[index]) for row in self._rows))
            is_bare = all(row[index] == "-" for row in self._rows)
            if needs > left and chosen:
                break
            if not is_bare:
                left -= needs
                chosen.append(index)
        return sorted(chosen)


def _align(rows: list[list[str]], column: int) -> None:
    """Where some figures are marked the others leave the mark's room, so that digits stand below
    digits.
    """
    marks = tuple(MARKS.values())
    if any(row[column].endswith(marks) for row in rows):
        for row in rows:
            if not row[column].endswith(marks):
                row[column] += " " * len(marks[0])
