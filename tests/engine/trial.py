"""A bad release tried by one strategy while visitors come, and what it must end in."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Any

import docker
from stacks import Up
from visitors import Visits, visiting

from harness.mix import HOME
from harness.model.errors import HarnessError, ReleaseError
from harness.stack.owner import LABEL
from harness.stack.smoke import Question
from harness.stack.variation import Variation
from harness.stack.website import Patience
from harness.swap import Swap
from harness.swap.strategy import Steps
from harness.timeline import SystemTime, Timeline

QUESTION = Question(path="/", bodies={"v1": HOME["v1"], "*": HOME["v2"]})
PATIENCE = Patience(ready_s=2.5, try_s=1.0, drain_s=5.0, stop_s=2.0)
LITTLE_MEMORY = Variation(name="little memory", memory="160m")
DEADLINE_S = 30.0
"""For a whole swap with those: each of its waits is bounded."""


class End(Enum):
    """What a swap ends in."""

    refused = "refused: not ready, or its first answer wrong"
    rolled_back = "exposed, and rolled back"
    unseen = "swapped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What is expected of one release under one strategy."""

    end: End
    told: str = ""
    """A part of the error."""
    least: int = 0
    """Visits that must fail, as otherwise the release is not what it is said to be."""
    most: int = 0
    """That may."""


@dataclass
class Tried:
    """What became of a swap."""

    error: HarnessError | None
    took_s: float
    visits: Visits
    steps: list[str] = field(default_factory=list)

    def figures(self) -> str:
        return f"{len(self.visits.failed)} of {self.visits.asked} failed, {self.took_s:.1f} s"

    def said(self) -> str:
        causes: dict[str, int] = {}
        for why in self.visits.failed:
            causes[why] = causes.get(why, 0) + 1
        return (
            f"{len(self.visits.failed)} of {self.visits.asked} failed {causes}, "
            f"{self.took_s:.1f} s, by release {self.visits.by_release}, {self.error}, {self.steps}"
        )


def tried(up: Up, folder: Path, swap: Swap, *, old: str, new: str) -> Tried:
    """That swap while visitors come, and a second on either side of it."""
    path = folder / f"{swap.name}-{new}-{time.monotonic_ns()}.jsonl"
    timeline = Timeline(path, SystemTime())
    error = None
    try:
        with visiting(up.endpoint) as visits:
            time.sleep(0.5)
            begin = time.monotonic()
            try:
                swap.replace(up.stack.stage(), Steps(timeline, swap=1, old=old, new=new))
            except HarnessError as raised:
                error = raised
            took_s = time.monotonic() - begin
            time.sleep(0.5)
    finally:
        timeline.close()
    return Tried(error, took_s, visits, [name for name, edge in spans(path) if edge == "end"])


def spans(path: Path) -> list[tuple[str, str]]:
    marks: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines()]
    return [(mark["name"], mark["edge"]) for mark in marks if mark["kind"] == "step"]


def running(engine: docker.DockerClient, up: Up) -> Mapping[str, str]:
    """Image by name of the website's instances that run."""
    found = engine.containers.list(filters={"label": f"{LABEL}={up.run}"}, ignore_removed=True)
    named = {each.labels[f"{LABEL}.instance"]: each for each in found}
    return {
        name: each.attrs["Config"]["Image"]
        for name, each in named.items()
        if name.startswith("website-")
    }


def assert_ends(
    engine: docker.DockerClient,
    up: Up,
    folder: Path,
    swap: Swap,
    release: str,
    ending: Ending,
) -> Tried:
    """The swap from v1 ends so, within its deadline, and leaves what it must."""
    before = running(engine, up)
    assert len(before) == up.stack.stage().replicas(), "an earlier trial left something else"
    seen = tried(up, folder, swap, old="v1", new=release)
    assert seen.took_s < DEADLINE_S, seen.said()
    assert ending.least <= len(seen.visits.failed) <= ending.most, seen.said()
    if ending.end is End.unseen:
        assert seen.error is None, seen.said()
        assert not before.keys() & running(engine, up).keys(), seen.said()
        back = tried(up, folder, swap, old=release, new="v1")
        assert back.error is None, back.said()
        return seen
    assert isinstance(seen.error, ReleaseError), seen.said()
    assert ending.told in str(seen.error), seen.said()
    assert running(engine, up) == before, "the old one as it was, and nothing of the new one"
    shown = [step for step in seen.steps if step.split()[0] in {"admit", "switch", "share"}]
    assert bool(shown) is (ending.end is End.rolled_back), seen.said()
    drained = {name for name in before if f"drain {name}" in seen.steps}
    back = {name for name in before if f"admit {name}" in seen.steps}
    assert drained <= back, seen.said()
    assert not {f"stop {name}" for name in before} & set(seen.steps), seen.said()
    answers = [up.ask("GET", "/") for _ in range(6)]
    assert {(code, body) for code, body, _ in answers} == {(200, HOME["v1"])}
    return seen


def assert_swapped_out(
    engine: docker.DockerClient, up: Up, folder: Path, swap: Swap, *, releases: Sequence[str],
    most: int,
) -> None:  # fmt: skip
    """From v1 to each of them in turn and back to v1: each ends by SIGKILL, within the deadline."""
    for old, new in pairwise(("v1", *releases, "v1")):
        before = running(engine, up)
        seen = tried(up, folder, swap, old=old, new=new)
        assert seen.error is None, seen.said()
        assert seen.took_s < DEADLINE_S, seen.said()
        assert len(seen.visits.failed) <= (most if old in releases else 0), seen.said()
        assert not before.keys() & running(engine, up).keys(), seen.said()
        codes = {exit_code(engine, up, name) for name in before}
        assert codes == ({137} if old in releases else {0}), (codes, seen.said())


def exit_code(engine: docker.DockerClient, up: Up, instance: str) -> int:
    """Of one that has ended; 137 is by SIGKILL."""
    container = engine.containers.get(f"harness-{up.run}-{instance}")
    return int(container.attrs["State"]["ExitCode"])
