"""`index.md`: the sentences, then the table, then the runs."""

from collections.abc import Iterable, Sequence

from harness.compare.report.cells import HEAD, NOTE, RUNS_HEAD, about, cells, run_cells
from harness.compare.result import CompareResult
from harness.report.figures import printable

__all__ = ["compare_markdown"]


def compare_markdown(result: CompareResult) -> str:
    lines = [f"# Swap strategies side by side, {_text(result.run)}", "", f"{about(result)}.", ""]
    lines += [f"* {_text(row.sentence)}" for row in result.rows]
    lines += ["", *_table(HEAD, cells(result), words=(0,)), "", NOTE, "", "## Runs", ""]
    lines += _table(RUNS_HEAD, map(run_cells, result.runs), words=range(len(RUNS_HEAD)))
    return "\n".join(lines) + "\n"


def _table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, words: Sequence[int]
) -> Iterable[str]:
    """`words` are the columns that are aligned to the left."""
    yield f"| {' | '.join(head)} |"
    yield f"|{''.join('---|' if index in words else '--:|' for index in range(len(head)))}"
    for row in rows:
        yield f"| {' | '.join(_text(cell) for cell in row)} |"


def _text(text: str) -> str:
    """What would be Markdown or HTML is escaped: reasons may hold what a server answered."""
    shown = printable(text, 500).replace("\\", "\\\\")
    for char in "|*_<>[]`#":
        shown = shown.replace(char, f"\\{char}")
    return shown
