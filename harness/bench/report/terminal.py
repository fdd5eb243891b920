"""The printed benchmark: the sentences, then a table a case."""

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.bench.report.cells import HEAD, MARKS, NOTE, about, cells, limit_line, title_of
from harness.bench.report.swapped import swap_line
from harness.bench.result import BenchResult, Case
from harness.report.figures import printable

__all__ = ["bench_text"]

_LEFT_OUT = 10
_SHOWN = (0, 1, 2, 3, 4, 7, 9, 11)
"""Columns that a terminal has room for; the other reports have all."""


def bench_text(result: BenchResult) -> Group:
    """What to print: `rich.print(bench_text(result))`. Everything is literal text."""
    parts: list[RenderableType] = [Text(printable(case.sentence)) for case in result.cases]
    parts += [_table(case) for case in result.cases]
    if result.cases:
        parts.append(Text(NOTE, "dim"))
    parts.append(Text(f"{about(result)}."))
    parts += [Text(f"  {printable(text)}", "yellow") for text in result.left_out[:_LEFT_OUT]]
    if len(result.left_out) > _LEFT_OUT:
        parts.append(Text(f"  {len(result.left_out) - _LEFT_OUT:,} more are in bench.json"))
    return Group(*parts)


def _below(case: Case) -> list[str]:
    return [line for line in (limit_line(case), swap_line(case)) if line]


def _table(case: Case) -> Table:
    shown = Table(
        box=box.SIMPLE_HEAD,
        title=Text(printable(title_of(case))),
        title_justify="left",
        caption=Text("\n".join(map(printable, _below(case))), "dim"),
        caption_justify="left",
    )
    for index in _SHOWN:
        shown.add_column(HEAD[index], justify="right" if index else "left")
    for row in cells(case):
        style = "bold" if row[4].endswith(MARKS["best"]) else ""
        shown.add_row(*(Text(printable(row[index], 80)) for index in _SHOWN), style=style)
    return shown
