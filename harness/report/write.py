"""The reports of a run, written into its folder."""

import os
from pathlib import Path

from harness.model.result import Result
from harness.report.junit import junit
from harness.report.markdown import summary
from harness.report.result_json import dump

__all__ = ["write_all"]


def write_all(result: Result, folder: Path) -> None:
    """Writes junit.xml, summary.md and, last, result.json; each whole or not at all.

    Raises OSError where the disk refuses; what stood there before is untouched then.
    """
    texts = {"junit.xml": junit(result), "summary.md": summary(result), "result.json": dump(result)}
    for name, text in texts.items():
        _write(folder / name, text)


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
