"""The order of a run's phases, and nothing else.

up, calibration, answering, warm-up, steady, then swap and after for each swap; logs, down. Whatever
happens on the way, teardown runs, logs first, and what is known is on disk.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import TypeAdapter

from harness.blame import as_evidence, guarded, tell
from harness.calibration.calibrator import Calibrator, NoCalibration
from harness.control import Control, NoControl
from harness.machine import MachineWatch
from harness.model.errors import Interrupted, NotJudgedError, ReleaseError, SilentError
from harness.model.mark import Edge, Mark, MarkKind
from harness.model.scenario import Clock, Record, Scenario
from harness.model.visit import Until
from harness.swap.strategy import Steps
from harness.target import KnowsRemedies, Target
from harness.teardown import take_down
from harness.timeline import Detail, SystemTime, Timekeeper, Timeline
from harness.traffic.sender import Sender

__all__ = ["Parts", "execute"]

_LEAD_S = 0.3
"""Orders to the sender are given this long before they take effect."""
_POLL_S = 0.1
_INTERRUPTED = "interrupted: the run was stopped and nothing was judged"
_RECORD = TypeAdapter(Record)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a run is made of; fakes of each run it in milliseconds."""

    target: Target
    replace: Callable[[Steps], None]
    """One swap, from its first step to its last. Raises ReleaseError where the release, or what
    deploys it, is at fault."""
    sender: Sender
    calibrator: Calibrator = field(default_factory=NoCalibration)
    control: Control = field(default_factory=NoControl)
    clock: Timekeeper = field(default_factory=SystemTime)
    on_mark: Callable[[Mark], None] = lambda _: None
    environment: Mapping[str, str | int | float | bool] = field(default_factory=dict)


def execute(run: str, scenario: Scenario, parts: Parts, folder: Path) -> None:
    """Runs the scenario and leaves its history in `folder`, which must exist and be empty.

    Raises NotJudgedError where load never began, Interrupted on Ctrl-C. All else that goes
    wrong is evidence: a mark of kind `error`, for the judgement to find.
    """
    record = Record(
        run=run, scenario=scenario, environment=dict(parts.environment), clocks=(_now(parts.clock),)
    )
    _write_record(folder, record)
    defects: list[str] = []
    timeline = Timeline(
        folder / "marks.jsonl", parts.clock, guarded(_watching(scenario, parts), defects)
    )
    machine = MachineWatch(folder / "machine.jsonl", parts.clock)
    path = record.path

    def complete(environment: Mapping[str, str | int | float | bool]) -> None:
        machine.stop()
        sent = parts.sender.sent()
        errors = (*sent.errors, *timeline.errors, *machine.errors, *defects)
        done = replace(
            record,
            path=path,
            environment={**record.environment, **environment},
            clocks=(*record.clocks, _now(parts.clock)),
            sent=replace(sent, errors=errors),
        )
        _write_record(folder, done)

    try:
        try:
            with as_evidence(timeline):
                # Beside what comes up: its processes are slow to start.
                parts.calibrator.prepare(run, scenario, folder)
            with as_evidence(timeline):
                parts.control.prepare(run, scenario, parts.target, timeline, folder)
            with timeline.span(MarkKind.phase, "up"):
                endpoint = parts.target.up(timeline)
            path = endpoint.path
            if scenario.calibrated:
                with as_evidence(timeline), timeline.span(MarkKind.phase, "calibration"):
                    parts.calibrator.calibrate()
            parts.sender.start(run, scenario, endpoint, folder)
            with timeline.span(MarkKind.phase, "answering"):
                _probe(parts, scenario.timing.probe_s)
        except Exception as error:
            told = tell(timeline, error)
            if isinstance(error, NotJudgedError):
                raise
            raise NotJudgedError(told) from error
        with as_evidence(timeline):
            parts.control.begin()
        with as_evidence(timeline):
            _under_load(scenario, parts, timeline)
    except KeyboardInterrupt:
        raise Interrupted(_INTERRUPTED) from None
    finally:
        is_interrupted = take_down(
            parts.target,
            (parts.calibrator, parts.sender, parts.control),
            timeline,
            folder,
            complete,
        )
        timeline.close()
    if is_interrupted:
        raise Interrupted(_INTERRUPTED)


def _probe(parts: Parts, timeout_s: float) -> None:
    try:
        parts.sender.probe(timeout_s)
    except SilentError as error:
        if not isinstance(parts.target, KnowsRemedies):
            raise
        remedy = parts.target.remedy(error.outcome, error.status)
        raise NotJudgedError(f"{error}; {remedy}") from error


def _under_load(scenario: Scenario, parts: Parts, timeline: Timeline) -> None:
    timing, sender = scenario.timing, parts.sender
    start_ns = parts.clock.now_ns() + int(_LEAD_S * 1e9)
    sender.go(start_ns)
    _hold(parts, start_ns)
    with timeline.span(MarkKind.phase, "warmup"):
        _hold(parts, start_ns + int(timing.warmup_s * 1e9))
    with timeline.span(MarkKind.phase, "steady"):
        _hold(parts, parts.clock.now_ns() + int(timing.steady_s * 1e9))
    for number in range(1, scenario.swaps + 1):
        old, new = scenario.releases_of(number)
        detail: dict[str, Detail] = {"swap": number, "old": old, "new": new}
        steps = Steps(timeline, swap=number, old=old, new=new, delay_s=_jitter(scenario, number))
        if scenario.traffic.has_visits:
            sender.hold()
        with timeline.span(MarkKind.phase, "swap", detail):
            is_replaced = _replace(parts, steps, timeline)
        if scenario.traffic.has_visits:
            for until in Until:
                sender.let_go(until)
        is_last = number == scenario.swaps or not is_replaced
        with timeline.span(MarkKind.phase, "after", detail):
            wait_s = timing.after_s if is_last else timing.between_s
            end_ns = parts.clock.now_ns() + int(max(wait_s, _LEAD_S) * 1e9)
            if is_last:
                # The end is ordered ahead, so that no request is due beyond it.
                sender.finish(end_ns, timing.finish_s)
                return
            _hold(parts, end_ns)


def _watching(scenario: Scenario, parts: Parts) -> Callable[[Mark], None]:
    """Lets visits go, too, once a new instance is admitted: an old one can then be drained."""

    def watching(mark: Mark) -> None:
        parts.on_mark(mark)
        is_admitted = mark.kind is MarkKind.step and mark.detail.get("verb") == "admit"
        if is_admitted and mark.edge is Edge.end and scenario.traffic.has_visits:
            parts.sender.let_go(Until.admitted)

    return watching


def _jitter(scenario: Scenario, number: int) -> Callable[[], float]:
    rng = random.Random(scenario.seed_of(number))  # noqa: S311 (a schedule, not a secret)
    return lambda: rng.uniform(0.0, scenario.timing.jitter_s)


def _replace(parts: Parts, steps: Steps, timeline: Timeline) -> bool:
    """False where it did not come to its end: the load goes on, and what serves is watched."""
    is_replaced = False
    with as_evidence(timeline):
        try:
            parts.replace(steps)
            is_replaced = True
        except ReleaseError as error:
            timeline.mark(MarkKind.error, str(error), detail={"blame": "release"})
    return is_replaced


def _hold(parts: Parts, until_ns: int) -> None:
    """Waits, while the sender lives."""
    while (left_s := (until_ns - parts.clock.now_ns()) / 1e9) > 0:
        parts.sender.check()
        parts.clock.sleep(min(left_s, _POLL_S))


def _now(clock: Timekeeper) -> Clock:
    return Clock(monotonic_ns=clock.now_ns(), wall_ns=clock.wall_ns())


def _write_record(folder: Path, record: Record) -> None:
    partial = folder / "scenario.json.partial"
    partial.write_bytes(_RECORD.dump_json(record, indent=1))
    partial.replace(folder / "scenario.json")
