"""Run folders as runs leave them, judged by the very code that judges real ones."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from synthetic import RUN, SWAP_AT, Draft, clean

from harness.model.operations import Operations
from harness.model.outcome import Outcome
from harness.verify import Judged, judge_folder

FIRST, SECOND, THIRD = (f"2026010{day}T000000Z-aaaa" for day in (1, 2, 3))


def as_it_is(_: Draft) -> None:
    """A clean run."""


def left(
    reports: Path, run: str, change: Callable[[Draft], None] = as_it_is, scenario: str = "drain"
) -> Path:
    """The folder of a run that was not judged."""
    draft = clean()
    change(draft)
    draft.scenario(name=scenario)
    draft.record = replace(draft.record, run=run)
    if draft.operations is not None:
        once = {key.replace(RUN, run): 1 for key in draft.operations.applied}
        draft.operations = Operations(applied=once, arrived=once)
    return draft.write(reports / scenario / run)


def made(
    reports: Path, run: str, change: Callable[[Draft], None] = as_it_is, scenario: str = "drain"
) -> Judged:
    return judge_folder(left(reports, run, change, scenario))


def slower(by_ms: float, *, since: float = SWAP_AT, until: float = 1e9) -> Callable[[Draft], None]:
    """Whatever is due then takes so long."""

    def change(draft: Draft) -> None:
        for stream in ("get-reused", "get-new", "write"):
            draft.delay(draft.seqs(stream, since=since, until=until), by_ms)

    return change


def failing(number: int, *, since: float = SWAP_AT) -> Callable[[Draft], None]:
    def change(draft: Draft) -> None:
        draft.fail(draft.seqs("get-reused", since=since)[:number], Outcome.reset)

    return change


def within(**changes: object) -> Callable[[Draft], None]:
    """Other facts of where it was made."""

    def change(draft: Draft) -> None:
        environment = {**draft.record.environment, **changes}
        draft.record = replace(draft.record, environment=environment)

    return change
