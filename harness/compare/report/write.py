"""All reports of a comparison, written into its folder."""

from pathlib import Path

from harness.compare.folder import read_comparison, read_done, read_result
from harness.compare.judge import judge
from harness.compare.report.compare_json import dump
from harness.compare.report.html import compare_html
from harness.compare.report.markdown import compare_markdown
from harness.compare.result import CompareResult

__all__ = ["write_comparison_reports"]


def write_comparison_reports(folder: Path) -> CompareResult:
    """Compares the runs that are done and writes `index.md`, `index.html` and, last,
    `compare.json`. NotJudgedError where the folder is not a comparison's.
    """
    result = judge(read_comparison(folder), read_done(folder), lambda one: read_result(folder, one))
    for name, text in (
        ("index.md", compare_markdown(result)),
        ("index.html", compare_html(result)),
        ("compare.json", dump(result)),
    ):
        partial = folder / f"{name}.partial"
        partial.write_text(text, encoding="utf-8")
        partial.replace(folder / name)
    return result
