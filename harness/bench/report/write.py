"""All reports of a bench folder, written into it."""

from pathlib import Path

from harness.bench.folder import read_bench, read_rounds, read_samples
from harness.bench.judge import judge
from harness.bench.report.bench_json import dump
from harness.bench.report.csv_table import bench_csv
from harness.bench.report.html import bench_html
from harness.bench.report.markdown import bench_markdown
from harness.bench.result import BenchResult

__all__ = ["write_bench_reports"]


def write_bench_reports(folder: Path) -> BenchResult:
    """Judges the rounds that are done and writes `bench.json`, `.csv`, `.md` and `.html`.

    Errors as of bench.folder's readers. `bench.json` is written last.
    """
    result = judge(read_bench(folder), read_rounds(folder), lambda cell: read_samples(folder, cell))
    for name, text in (
        ("bench.csv", bench_csv(result)),
        ("bench.md", bench_markdown(result)),
        ("bench.html", bench_html(result)),
        ("bench.json", dump(result)),
    ):
        (folder / name).write_text(text, encoding="utf-8")
    return result
