"""`bench.md`: the sentences, then a table a case."""

from collections.abc import Iterable, Sequence

from harness.bench.report.beside import (
    BESIDE_HEAD,
    BESIDE_NOTE,
    beside,
    past_about,
    past_head,
    past_rows,
    past_why,
)
from harness.bench.report.cells import HEAD, NOTE, about, cells, limit_line, title_of
from harness.bench.report.swapped import swap_line
from harness.bench.result import BenchResult, Case, Past
from harness.report.figures import printable

__all__ = ["bench_markdown"]

_LEFT_OUT = 50


def bench_markdown(result: BenchResult) -> str:
    lines = [f"# Benchmark {_text(result.run)}", "", f"{about(result)}.", ""]
    lines += [f"* {_text(case.sentence)}" for case in result.cases]
    for case in result.cases:
        lines += ["", *_case(case)]
    if result.cases:
        lines += ["", NOTE]
    rows = list(beside(result))
    if rows:
        lines += [
            "",
            "## Simulated beside measured",
            "",
            *_table(BESIDE_HEAD, rows, words=(0, 1, 8)),
        ]
        lines += ["", BESIDE_NOTE]
    if result.past:
        lines += ["", *_past(result.past)]
    if result.left_out:
        lines += ["", "Rounds that are no evidence:", ""]
        lines += [f"* {_text(each)}" for each in result.left_out[:_LEFT_OUT]]
    if len(result.left_out) > _LEFT_OUT:
        lines.append(f"* {len(result.left_out) - _LEFT_OUT:,} more are in `bench.json`")
    return "\n".join(lines) + "\n"


def _case(case: Case) -> Iterable[str]:
    yield f"## {_text(title_of(case))}"
    yield ""
    yield from _table(HEAD, cells(case))
    for line in filter(None, (limit_line(case), swap_line(case))):
        yield ""
        yield f"{_text(line)}."


def _past(past: Past) -> Iterable[str]:
    yield "## Past this machine"
    yield ""
    yield from (f"* {_text(each)}" for each in past.sentences)
    for figure in ("p99", "p50", "mean"):
        yield from ("", f"### {figure}, in service times", "")
        yield from _table(past_head(past), past_rows(past, figure), words=(1,))
    yield from ("", past_about(past))
    if past_why(past):
        yield from ("", _text(past_why(past)))


def _table(
    head: Sequence[str], rows: Iterable[Sequence[str]], words: Sequence[int] = (0,)
) -> Iterable[str]:
    """`words` are the columns that are aligned to the left."""
    yield f"| {' | '.join(map(_text, head))} |"
    yield f"|{''.join('---|' if index in words else '--:|' for index in range(len(head)))}"
    for row in rows:
        yield f"| {' | '.join(_text(cell) for cell in row)} |"


def _text(text: str) -> str:
    """Workloads may be anybody's file: what would be Markdown or HTML is escaped."""
    shown = printable(text).replace("\\", "\\\\")
    for char in "|*_<>[]`#":
        shown = shown.replace(char, f"\\{char}")
    return shown
