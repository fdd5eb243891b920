"""The run that another is to be held against: read before that one starts, and kept with it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from harness.analysis.runfolder import BASELINE
from harness.model.errors import NotJudgedError
from harness.model.past import Past
from harness.past.facts import read_past
from harness.past.runs import resolved

__all__ = ["Named", "past_named", "write_baseline"]

_REMEDY: Final = "name another run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A run that was found by its name."""

    folder: Path
    past: Past


def past_named(text: str, reports: Path) -> Named:
    """NotJudgedError where there is no such run, where it is damaged or was not judged; with the
    remedy.
    """
    folder = resolved(text, reports, what="baseline")
    try:
        return Named(folder=folder, past=read_past(folder))
    except NotJudgedError as error:
        remedy = "" if _REMEDY in str(error) else f"; or {_REMEDY}"
        raise NotJudgedError(f"baseline = {text!r}: {error}{remedy}") from error
    except (OSError, ValueError, KeyError) as error:
        raise NotJudgedError(
            f"baseline = {text!r}: {folder} cannot be read: "
            f"{(str(error).splitlines() or [repr(error)])[0]}; {_REMEDY}"
        ) from error


def write_baseline(folder: Path, past: Past) -> None:
    """Into a run's folder, so that it can be judged again once the baseline is gone."""
    text = json.dumps(asdict(past), separators=(",", ":"))
    (folder / BASELINE).write_text(f"{text}\n", encoding="utf-8")
