"""Telling a job: what cannot be told ends nothing and changes no exit code."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from harness.ci.annotations import annotations, unjudged
from harness.ci.commands import is_listening
from harness.ci.step_summary import add_to_summary
from harness.verify import Judged

__all__ = ["is_a_job", "tell", "tell_unjudged"]


def is_a_job(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether there is a job to tell anything."""
    return is_listening(environment) or bool(environment.get("GITHUB_STEP_SUMMARY"))


def tell(runs: Sequence[Judged], say: Callable[[str], None]) -> None:
    """Adds the runs to the summary of the job that this is, if it is one, and `say`s their
    annotations, each a line of its own that must be printed as it is.
    """
    _tried("the job's summary", lambda: add_to_summary((each.result, each.folder) for each in runs))
    _tried("annotations", lambda: _annotate(runs, say))


def tell_unjudged(
    message: str, say: Callable[[str], None], *, is_inconclusive: bool = False
) -> None:
    """`say`s the annotation of a run of which nothing was judged, or too little is known."""
    if is_listening():
        say(unjudged(message, is_inconclusive=is_inconclusive))


def _annotate(runs: Sequence[Judged], say: Callable[[str], None]) -> None:
    if is_listening():
        unwritten = [each.unwritten for each in runs if each.unwritten]
        for line in annotations([each.result for each in runs], unwritten):
            say(line)


def _tried(what: str, tell_it: Callable[[], None]) -> None:
    try:
        tell_it()
    except OSError as error:
        print(f"harness: {what}: {error.strerror or error}", file=sys.stderr)
    except Exception as error:  # noqa: BLE001 (what is told changes no verdict)
        print(f"harness: {what}: a defect of its own: {error!r}", file=sys.stderr)
