"""`bench.md`: the sentences, then a table a case."""

from collections.abc import Iterable

from harness.bench.report.cells import HEAD, NOTE, about, cells, limit_line, title_of
from harness.bench.report.swapped import swap_line
from harness.bench.result import BenchResult, Case
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
    if result.left_out:
        lines += ["", "Rounds that are no evidence:", ""]
        lines += [f"* {_text(each)}" for each in result.left_out[:_LEFT_OUT]]
    if len(result.left_out) > _LEFT_OUT:
        lines.append(f"* {len(result.left_out) - _LEFT_OUT:,} more are in `bench.json`")
    return "\n".join(lines) + "\n"


def _case(case: Case) -> Iterable[str]:
    yield f"## {_text(title_of(case))}"
    yield ""
    yield f"| {' | '.join(HEAD)} |"
    yield f"|---|{'--:|' * (len(HEAD) - 1)}"
    for row in cells(case):
        yield f"| {' | '.join(_text(cell) for cell in row)} |"
    for line in filter(None, (limit_line(case), swap_line(case))):
        yield ""
        yield f"{_text(line)}."


def _text(text: str) -> str:
    """Workloads may be anybody's file: what would be Markdown or HTML is escaped."""
    shown = printable(text).replace("\\", "\\\\")
    for char in "|*_<>[]`#":
        shown = shown.replace(char, f"\\{char}")
    return shown
