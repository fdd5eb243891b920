"""A run's `summary.md` on the page of the job that it was made in."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from harness.model.result import Result
from harness.report.figures import SIGNS
from harness.report.markdown import escaped, summary

__all__ = ["MOST_BYTES", "add_to_summary"]

MOST_BYTES: Final = 1024 * 1024
"""Of a step; the platform drops the whole of one that is longer."""
_LAST_BYTES: Final = 100


def add_to_summary(
    results: Iterable[tuple[Result, Path]], environment: Mapping[str, str] = os.environ
) -> None:
    """Appends each result's summary to the file GITHUB_STEP_SUMMARY, where there is one; `Path` is
    the run's folder.

    Where a whole one has no room any more, its sentence and where the rest is; where even that has
    none, how many runs are left out. OSError where it cannot be written to.
    """
    where = environment.get("GITHUB_STEP_SUMMARY")
    if not where:
        return
    with Path(where).open("ab") as file:
        left_out = 0
        for result, folder in results:
            texts = (summary(result), _brief(result, folder))
            left_out += not any(_added(file, text, MOST_BYTES - _LAST_BYTES) for text in texts)
        if left_out:
            _added(
                file, f"\n{left_out:,} more, for which a job's summary has no room.\n", MOST_BYTES
            )


def _added(file: BinaryIO, text: str, most_bytes: int) -> bool:
    raw = f"{text}\n".encode("utf-8", "replace")
    has_room = file.tell() + len(raw) <= most_bytes
    if has_room:
        file.write(raw)
    return has_room


def _brief(result: Result, folder: Path) -> str:
    return (
        f"## {SIGNS[result.verdict]} {escaped(result.scenario, 200)}\n\n"
        f"**{escaped(result.sentence, 2_000)}**\n\n"
        f"A job's summary has no room for more: the rest is in "
        f"{escaped(str(folder / 'summary.md'), 500)}.\n"
    )
