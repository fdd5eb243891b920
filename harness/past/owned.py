"""Whose a run's folder is while it is written to: nobody removes what a living run writes."""

import contextlib
import json
import time
from pathlib import Path
from typing import Final

from harness.stack.owner import Owner, is_abandoned

__all__ = ["disown", "is_owned", "own"]

_FILE: Final = "owner.json"


def own(folder: Path, run: str) -> None:
    """Before anything else is written there."""
    labels = Owner.this_process().labels(run, int(time.time()))
    with contextlib.suppress(OSError):
        # Without it the folder may be pruned before its time; no run ends for that.
        (folder / _FILE).write_text(json.dumps(labels), encoding="utf-8")


def disown(folder: Path) -> None:
    """Once nothing more is written there."""
    with contextlib.suppress(OSError):
        (folder / _FILE).unlink()


def is_owned(folder: Path) -> bool:
    """Whether its run still lives; as far as that can be told from here, else for a day (see
    stack.owner). A mark that cannot be read counts as a living owner's.
    """
    try:
        labels = json.loads((folder / _FILE).read_bytes())
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True
    if not isinstance(labels, dict):
        return True
    return not is_abandoned({str(key): str(value) for key, value in labels.items()}, time.time())
