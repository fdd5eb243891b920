"""The reports of a run, written into its folder, and the index of the runs beside it."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from harness.analysis.history import History
from harness.model.result import Result
from harness.report.index import index, is_ours, reports_folder
from harness.report.junit import junit
from harness.report.markdown import summary
from harness.report.result_json import dump

__all__ = ["relist", "rewrite_index", "write_all", "write_index"]


def write_all(result: Result, folder: Path, history: History | None = None) -> None:
    """Writes junit.xml, summary.md, with a history report.html, and last result.json; each whole
    or not at all.

    Each is tried whatever became of the others, as a plot that cannot be drawn takes no verdict
    away; then the first error is raised. What stood where one failed is untouched.
    """
    reports: dict[str, Callable[[], str]] = {
        "junit.xml": partial(junit, result),
        "summary.md": partial(summary, result),
    }
    if history is not None:
        # Here: the plots' library takes a second to import, which `harness --help` need not.
        from harness.report.html import html  # noqa: PLC0415

        reports["report.html"] = partial(html, history, result)
    reports["result.json"] = partial(dump, result)
    errors = []
    for name, text in reports.items():
        try:
            _write(folder / name, text())
        except Exception as error:  # noqa: BLE001 (raised below)
            errors.append(error)
    if errors:
        raise errors[0]


def write_index(result: Result, folder: Path) -> None:
    """Writes index.html anew in the reports folder that the run's folder is in, if it is in one."""
    reports = reports_folder(folder, result.scenario, result.run)
    if reports is not None:
        _write(reports / "index.html", index(reports))


def rewrite_index(reports: Path) -> None:
    """Writes that folder's index.html anew where it has one of ours."""
    page = reports / "index.html"
    if page.exists() and is_ours(page):
        _write(page, index(reports))


def relist(folder: Path, kind: str) -> None:
    """Writes that index anew once the page is there that rests on many runs; `folder` is its own,
    reports/<kind>/<run>/. One that lies elsewhere is in no index.
    """
    resolved = folder.resolve()
    reports = resolved.parent.parent
    if resolved.parent.name == kind and is_ours(reports / "index.html"):
        _write(reports / "index.html", index(reports))


def _write(path: Path, text: str) -> None:
    # Two runs that end at once may write the same index.
    partial_file = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with partial_file.open(
            "w", encoding="utf-8", errors="backslashreplace", newline="\n"
        ) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial_file.replace(path)
    finally:
        partial_file.unlink(missing_ok=True)
