"""Where runs lie: the folders below a reports folder, and the one that is meant by a name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness.model.errors import NotJudgedError

__all__ = ["LATEST", "is_run", "newest_first", "of_scenario", "resolved", "run_folders"]

LATEST: Final = "latest"
_OTHERS: Final = frozenset({"bench", "catalogue", "compare-swaps"})
"""Collections beside the runs, whose folders are no runs and need not be named as such."""


def is_run(folder: Path) -> bool:
    """Whether a run was begun there."""
    return (folder / "scenario.json").is_file()


def run_folders(reports: Path) -> Iterator[Path]:
    """The folders that runs would have, reports/SCENARIO/RUN, whatever is in them; and a run that
    lies in the reports folder itself. Links and hidden ones are left out: `latest` is one of the
    runs.
    """
    for scenario in _folders(reports):
        if is_run(scenario):
            yield scenario
            continue
        for folder in _folders(scenario):
            if is_run(folder) or scenario.name not in _OTHERS:
                yield folder


def of_scenario(reports: Path, scenario: str) -> list[Path]:
    """The runs of one scenario, the newest first."""
    return newest_first(one for one in _folders(reports / scenario) if is_run(one))


def newest_first(folders: Iterator[Path]) -> list[Path]:
    """A run's name begins with its time; what has none comes last."""
    return sorted(
        folders, key=lambda folder: (folder.name[:1].isdigit(), folder.name), reverse=True
    )


def resolved(text: str, reports: Path, *, what: str = "run") -> Path:
    """The folder that is meant by `text`: a folder, a run's id, SCENARIO/RUN, SCENARIO/latest (the
    newest one that was judged) or latest (the last one of all).

    NotJudgedError where there is none, or where several are of that id.
    """
    name = text.strip().rstrip("/")
    scenario, _, last = name.rpartition("/")
    if name == LATEST:
        if is_run(reports / LATEST):
            return (reports / LATEST).resolve()
        raise _missing(what, text, f"{reports / LATEST} points at no run")
    if last == LATEST and not is_run(Path(name)):
        judged = [one for one in of_scenario(reports, scenario) if (one / "result.json").is_file()]
        if judged:
            return judged[0]
        raise _missing(what, text, f"no run of {scenario!r} in {reports} was judged")
    if name and is_run(Path(name)):
        return Path(name)
    if scenario and is_run(reports / name):
        return reports / name
    found = [one for one in run_folders(reports) if name and one.name == name and is_run(one)]
    if len(found) > 1:
        raise _missing(what, text, f"{len(found)} runs are called so; name the scenario too")
    if found:
        return found[0]
    is_folder = bool(name) and Path(name).is_dir()
    raise _missing(
        what,
        text,
        "that folder is no run's: it has no scenario.json"
        if is_folder
        else f"there is no such folder, and no such run in {reports}",
    )


def _missing(what: str, text: str, why: str) -> NotJudgedError:
    return NotJudgedError(
        f"{what} = {text!r}: {why}; name a run's folder, its id, SCENARIO/latest or latest "
        "(`harness history` lists the runs)"
    )


def _folders(folder: Path) -> Iterator[Path]:
    """Those in it; none where it cannot be read."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink() and not entry.name.startswith("."):
            yield entry
