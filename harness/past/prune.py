"""Old runs removed: of a scenario, all but the newest."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.past.owned import is_owned
from harness.past.runs import LATEST, is_run, of_scenario

__all__ = ["Pruned", "prune", "pruned_after"]

_RECORD: Final = "scenario.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What became of runs beyond the number that is kept."""

    removed: tuple[Path, ...] = ()
    spared: tuple[str, ...] = ()
    """Kept though they were beyond it, with the reason."""
    refused: tuple[str, ...] = ()
    """What could not be removed, with the reason."""


def pruned_after(folder: Path, keep: int, baseline: Path | None) -> Pruned:
    """Of the scenario that the run in `folder` is of, once it was judged."""
    if not keep:
        return Pruned()
    spare = [folder] if baseline is None else [folder, baseline]
    return prune(folder.parent.parent, folder.parent.name, keep, spare=spare)


def prune(reports: Path, scenario: str, keep: int, *, spare: Iterable[Path] = ()) -> Pruned:
    """Removes that scenario's runs but the `keep` newest, one that was not judged counting as one.

    Never one of `spare`, the one that `latest` points at, one that a living run writes to, a link,
    or a folder that no run began. Raises nothing of its own accord.
    """
    pointed = reports / LATEST
    spared = {_real(one): "it is named" for one in spare}
    if pointed.is_symlink():
        spared.setdefault(_real(pointed), "latest points at it")
    removed, kept, refused = [], [], []
    for folder in of_scenario(reports, scenario)[keep:]:
        why = spared.get(_real(folder), "it is being written" if is_owned(folder) else "")
        if why:
            kept.append(f"{folder}: {why}")
            continue
        try:
            _remove(folder)
        except OSError as error:
            refused.append(f"{folder}: {error.strerror or error}")
        else:
            removed.append(folder)
    return Pruned(removed=tuple(removed), spared=tuple(kept), refused=tuple(refused))


def _real(path: Path) -> Path:
    return path.resolve()


def _remove(folder: Path) -> None:
    """The record last: what is left where this fails is still known as a run's."""
    if not is_run(folder) or folder.is_symlink():
        raise OSError(f"{folder} is no run's folder")
    for entry in folder.iterdir():
        if entry.name == _RECORD:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    (folder / _RECORD).unlink()
    folder.rmdir()
