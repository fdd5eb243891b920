"""The files of a comparison's folder, written and read, and the results of its runs."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from harness.analysis.history import load as load_history
from harness.analysis.outages import outages
from harness.checks.verdict import MOST_MARKS, MOST_OUTAGES
from harness.compare.model import Comparison, Done
from harness.model.errors import HarnessError, NotJudgedError
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
        result = load(path.read_bytes())
    except (OSError, ValueError) as error:
        return f"{path.name} cannot be read: {str(error).splitlines()[0]}"
    if len(result.marks) < MOST_MARKS and len(result.outages) < MOST_OUTAGES:
        return result
    return _whole(result, path.parent)


def _whole(result: Result, run_folder: Path) -> Result | str:
    """With every mark and outage: a result keeps the first of them, and many swaps have more."""
    try:
        history = load_history(run_folder)
        found = outages(
            history.requests, limits=history.limits, steps=history.steps, start_ns=history.start_ns
        )
    except (HarnessError, OSError, ValueError) as error:
        return f"its swaps cannot be counted: {str(error).splitlines()[0]}"
    if len(history.marks) < len(result.marks) or len(found) < len(result.outages):
        return f"its swaps cannot be counted: {run_folder.name} no longer holds all that was judged"
    return replace(result, marks=history.marks, outages=found)
