"""The printed comparison: a sentence a strategy, then the table."""

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.compare.report.cells import HEAD, NOTE, about, cells, run_cells
from harness.compare.result import CompareResult
from harness.report.figures import printable

__all__ = ["compare_text"]

_LEFT_OUT: Final = 20
_GAP: Final = 3
"""Between two columns."""
_BARE: Final = "-"


def compare_text(result: CompareResult) -> Group:
    """What to print: `rich.print(compare_text(result))`. Everything is literal text."""
    parts: list[RenderableType] = [
        Padding(
            Text(printable(row.sentence), "bold" if row.strategy in result.best else ""),
            (0, 0, 0, 2),
        )
        for row in result.rows
    ]
    parts += [Text(), _CompareTable(result), Text(f"\n{NOTE}", "dim")]
    parts.append(Text(f"\n{printable(about(result))}."))
    left = [run_cells(line) for line in result.runs if not line.counts]
    for number, strategy, verdict, _, why in left[:_LEFT_OUT]:
        parts.append(Text(f"  {number}, {strategy}: {verdict}: {printable(why, 500)}", "yellow"))
    if len(left) > _LEFT_OUT:
        parts.append(Text(f"  {len(left) - _LEFT_OUT:,} more are in compare.json"))
    return Group(*parts)


class _CompareTable:
    """As many columns as the terminal has room for, none of them cut or wrapped."""

    def __init__(self, result: CompareResult) -> None:
        self._best = result.best
        is_harmed = any(row.lost or row.doubled or row.unread for row in result.rows)
        self._first = {0, *((HEAD.index("lost / doubled"),) if is_harmed else ())}
        self._rows = [[printable(cell, 80) for cell in row] for row in cells(result)]

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        shown = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, expand=False)
        chosen = self._chosen(options.max_width)
        for index in chosen:
            shown.add_column(HEAD[index], justify="right" if index else "left", no_wrap=True)
        for row in self._rows:
            shown.add_row(
                *(Text(row[index]) for index in chosen),
                style="bold" if row[0] in self._best else "",
            )
        yield shown

    def _chosen(self, width: int) -> Sequence[int]:
        """Writes that were lost or doubled, or may be, come before all figures."""
        wanted = sorted(range(len(HEAD)), key=lambda index: index not in self._first)
        chosen: list[int] = []
        left = width + _GAP
        for index in wanted:
            if all(row[index] == _BARE for row in self._rows):
                continue
            left -= _GAP + max(len(HEAD[index]), *(len(row[index]) for row in self._rows))
            if left < 0 and chosen:
                break
            chosen.append(index)
        return sorted(chosen)
