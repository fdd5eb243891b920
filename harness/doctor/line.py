"""What is said of one thing that a run needs."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Line", "State", "missing", "note", "ok"]


class State(StrEnum):
    """Only what is missing keeps a run from being judged."""

    ok = "ok"
    missing = "missing"
    note = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing, how it is, and what to do."""

    name: str
    state: State
    text: str
    remedy: str = ""


def ok(name: str, text: str) -> Line:
    return Line(name=name, state=State.ok, text=text)


def missing(name: str, text: str, remedy: str = "") -> Line:
    return Line(name=name, state=State.missing, text=text, remedy=remedy)


def note(name: str, text: str, remedy: str = "") -> Line:
    return Line(name=name, state=State.note, text=text, remedy=remedy)
