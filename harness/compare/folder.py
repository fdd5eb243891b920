"""The files of a comparison's folder, written and read, and the results of its runs."""

import os
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from harness.compare.model import Comparison, Done
from harness.model.errors import NotJudgedError
from harness.model.result import Result
from harness.report.result_json import load

__all__ = ["add_done", "read_comparison", "read_done", "read_result", "write_comparison"]

_PLAN: Final = "plan.json"
_RUNS: Final = "runs.jsonl"
_COMPARISON: Final = TypeAdapter(Comparison)
_DONE: Final = TypeAdapter(Done)


def write_comparison(folder: Path, comparison: Comparison) -> None:
    (folder / _PLAN).write_bytes(_COMPARISON.dump_json(comparison, indent=2) + b"\n")


def read_comparison(folder: Path) -> Comparison:
    """NotJudgedError where the folder is not a comparison's."""
    path = folder / _PLAN
    try:
        return _COMPARISON.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise NotJudgedError(
            f"{path}: expected a folder that `harness compare-swaps` left: "
            f"{str(error).splitlines()[0]}"
        ) from error


def add_done(folder: Path, done: Done) -> None:
    """Kept from then on, whatever becomes of the next run."""
    with (folder / _RUNS).open("ab") as file:
        file.write(_DONE.dump_json(done) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_done(folder: Path) -> tuple[Done, ...]:
    """Runs that are over, in the order in which they ended. A last line that was cut is no run."""
    path = folder / _RUNS
    if not path.exists():
        return ()
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return tuple(_DONE.validate_json(line) for line in whole.splitlines())


def read_result(folder: Path, done: Done) -> Result | str:
    """What the run was judged to be, or why that cannot be told."""
    if done.error:
        return done.error
    path = folder / done.folder / "result.json"
    try:
        return load(path.read_bytes())
    except (OSError, ValueError) as error:
        return f"{path.name} cannot be read: {str(error).splitlines()[0]}"
