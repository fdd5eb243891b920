"""Mechanisms, and what their scenarios found."""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Final

from harness.model.finding import Verdict

__all__ = ["COMPONENTS", "Arm", "Kind", "Mechanism", "mechanisms"]

COMPONENTS: Final = ("website", "balancer", "edge", "store", "procedure")


class Kind(StrEnum):
    """Of an arm."""

    drops = "drops"
    """The mechanism is at work: the run must be judged fail, and what failed or was slow be put
    down to it."""
    avoids = "avoids"
    """Its twin, which differs by what avoids the mechanism alone: the run must pass."""
    refuses = "refuses"
    """A twin too, where the release itself is at fault: the swap must fail, by that alone, with no
    failed request, and the old release must serve on alone."""

    @property
    def is_twin(self) -> bool:
        return self is not Kind.drops


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanism:
    """A way to drop a request, by the number that the scenarios name it by."""

    number: int
    component: str
    """Of COMPONENTS: where it is at home."""
    title: str
    symptom: str
    avoided_by: str
    source: str = ""
    """Who has told of it: an issue, a manual's section."""
    not_shown: str = ""
    """Why no scenario shows it, with versions and tries; empty where one does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One run for a mechanism."""

    mechanism: int
    kind: Kind
    test: str
    """The scenario's name."""
    what: str
    """What this arm does, in a line."""
    verdict: Verdict
    unmet: str
    """What it had to end as and did not; empty where it ended as its kind must."""
    failed: int
    requests: int
    slow: int
    """Answers in the swap window above the latency limit."""
    outage_ms: float
    """All outages of the run together."""
    added_p99_ms: float | None
    """Of the swap window beside the steady state; null where one is not resolved."""
    cause: str
    """What most of the failed requests are put down to, or of the slow ones where none failed, as
    the report says it; of an arm that drops by a cause that it had to have, where there is one."""
    not_most: str
    """Why most may be put down to another cause than that; empty where it may not."""
    folder: str
    """Of the run, beside the catalogue's own."""
    run: str
    """Its id, which begins with its time."""
    harness: str
    """The version that ran it."""
    git_head: str
    """Of that version, shortened; `-dirty` behind it where it was changed; empty if not known."""

    @property
    def as_expected(self) -> bool:
        return not self.unmet


def mechanisms() -> tuple[Mechanism, ...]:
    """All known ones, in the order of their numbers. ValueError for a file that is wrong."""
    text = (files("harness.catalogue") / "mechanisms.toml").read_text("utf-8")
    found = tuple(Mechanism(**each) for each in tomllib.loads(text)["mechanism"])
    numbers = [each.number for each in found]
    if numbers != sorted(set(numbers)):
        raise ValueError("mechanisms.toml: numbers must rise")
    for each in found:
        if each.component not in COMPONENTS:
            raise ValueError(f"mechanisms.toml: {each.number}: unknown component {each.component}")
    return found
