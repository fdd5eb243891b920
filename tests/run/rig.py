"""A run on fakes, put together: the scenario, its parts, and what it left."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from fakes.calibrator import FakeCalibrator
from fakes.clock import FakeTime
from fakes.control import FakeControl
from fakes.sender import FakeSender
from fakes.target import FakeTarget
from fakes.trouble import Point, Trouble

from harness.mix import default_mix
from harness.model.finding import Finding
from harness.model.mark import Mark
from harness.model.scenario import Scenario, Timing
from harness.run import Parts, execute
from harness.swap import named
from harness.swap.strategy import on_stage
from harness.verify import Judged, Plan, judge_folder

RUN = "20260102T030405Z-abcd"
RATE = 250.0
WARMUP_S, STEADY_S, BETWEEN_S, AFTER_S = 0.5, 3.0, 1.0, 2.495


class RigPlan(Plan):
    """The points of the run are told by its phases, whoever else watches."""

    def watched_by(self, on_mark: Callable[[Mark], None]) -> Self:
        own = self.parts.on_mark

        def both(mark: Mark) -> None:
            own(mark)
            on_mark(mark)

        return replace(self, parts=replace(self.parts, on_mark=both))


class Rig:
    """`execute()` runs, `judge()` judges; everything that tests change is an attribute."""

    def __init__(
        self, folder: Path, *, swap: str = "drain", swaps: int = 1, replicas: int = 1
    ) -> None:
        self.folder = folder
        self.clock = FakeTime()
        self.trouble = Trouble()
        self.target = FakeTarget(self.clock, self.trouble, replicas=replicas)
        self.sender = FakeSender(self.clock, self.target, self.trouble)
        self.calibrator = FakeCalibrator(self.trouble)
        self.control = FakeControl(self.trouble)
        self.swap = named(swap)
        self.scenario = Scenario(
            name=swap,
            target="fake",
            swap=swap,
            swaps=swaps,
            releases=("v1", "v2"),
            traffic=default_mix(RATE),
            calibrated=True,
            control=True,
            timing=Timing(
                warmup_s=WARMUP_S, steady_s=STEADY_S, between_s=BETWEEN_S, after_s=AFTER_S
            ),
        )

    def plan(self) -> RigPlan:
        self.folder.mkdir(parents=True)
        return RigPlan(run=RUN, scenario=self.scenario, parts=self.parts(), folder=self.folder)

    def parts(self) -> Parts:
        return Parts(
            target=self.target,
            replace=on_stage(self.swap, self.target),
            sender=self.sender,
            calibrator=self.calibrator,
            control=self.control,
            clock=self.clock,
            on_mark=self.trouble.on_mark,
        )

    def execute(self) -> None:
        plan = self.plan()
        execute(plan.run, plan.scenario, plan.parts, plan.folder)

    def judge(self) -> Judged:
        return judge_folder(self.folder)

    def run(self) -> Judged:
        self.execute()
        return self.judge()

    def marks(self) -> list[dict[str, Any]]:
        lines = (self.folder / "marks.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def spans(self, kind: str) -> list[tuple[str, str]]:
        """(name, edge) of each phase or step mark, in their order."""
        return [(mark["name"], mark["edge"]) for mark in self.marks() if mark["kind"] == kind]

    def errors(self) -> list[str]:
        return [mark["name"] for mark in self.marks() if mark["kind"] == "error"]

    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "scenario.json").read_text())
        return found


def finding(judged: Judged, check: str) -> Finding:
    return next(found for found in judged.result.findings if found.check == check)


def points(folder: Path, **settings: Any) -> list[Point]:
    """Every point that a clean run passes, in order."""
    rig = Rig(folder, **settings)
    rig.execute()
    return rig.trouble.seen


def serving_last(rig: Rig) -> list[str]:
    """Releases that served when the load ended."""
    return [who.release for who in rig.target.serving_at(rig.record()["sent"]["stop_ns"] - 1)]


def steps(rig: Rig) -> list[str]:
    return [name for name, edge in rig.spans("step") if edge == "begin"]


def judgements(rig: Rig) -> list[str]:
    return [mark["name"] for mark in rig.marks() if mark["name"].startswith("judged ")]
