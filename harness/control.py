"""A run's control: requests to a stub that the swap does not touch, on a schedule of their own.

Its samples are in a folder of their own, `<run folder>/control/`, with the names of a run's. What
goes wrong with it is told, and ends nothing: the run is judged without it then.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from pydantic import TypeAdapter

from harness.model.control import FOLDER, LOST, control_traffic
from harness.model.mark import MarkKind
from harness.model.scenario import Clock, Record, Scenario
from harness.target import HasControl, Target
from harness.timeline import Timeline
from harness.traffic.sender import ChildSender, Sender

__all__ = ["Control", "NoControl", "StubControl"]

_LEAD_NS: Final = 100_000_000
"""Orders are given this long before they take effect."""
_FINISH_S: Final = 2.0
_GRACE_S: Final = 5.0
_POLL_S: Final = 0.05
_RECORD: Final = TypeAdapter(Record)


class Control(Protocol):
    """Asks what the swap does not touch, beside the run."""

    def prepare(
        self, run: str, scenario: Scenario, target: Target, timeline: Timeline, folder: Path
    ) -> None:
        """Begins to get ready, beside the target's coming up. `folder` is the run's."""

    def begin(self) -> None:
        """Its schedule may begin. Does not wait for that."""

    def end(self) -> None:
        """The run's load has ended. Does not wait for its own end."""

    def close(self) -> None:
        """Ends whatever still runs; its history is on disk then. Idempotent."""


class NoControl:
    """Implements Control: there is none."""

    def prepare(
        self, run: str, scenario: Scenario, target: Target, timeline: Timeline, folder: Path
    ) -> None:
        """Nothing to get ready."""

    def begin(self) -> None:
        """Nothing begins."""

    def end(self) -> None:
        """Nothing ends."""

    def close(self) -> None:
        """Nothing runs."""


class StubControl:
    """Implements Control by a sender of its own, led by a thread: the run never waits for it."""

    def __init__(self, sender: Callable[[], Sender] = ChildSender) -> None:
        self._sender = sender()
        self._begun = threading.Event()
        self._over = threading.Event()
        self._leading: threading.Thread | None = None

    def prepare(
        self, run: str, scenario: Scenario, target: Target, timeline: Timeline, folder: Path
    ) -> None:
        own = replace(
            scenario,
            traffic=control_traffic(),
            swaps=0,
            calibrated=False,
            control=False,
            closed_loop=None,
        )
        self._leading = threading.Thread(
            target=self._lead,
            args=(Record(run=run, scenario=own, environment={}), target, timeline, folder / FOLDER),
            name="control",
            daemon=True,
        )
        self._leading.start()

    def begin(self) -> None:
        self._begun.set()

    def end(self) -> None:
        self._over.set()
        self._begun.set()

    def close(self) -> None:
        self.end()
        if self._leading is not None:
            self._leading.join(_GRACE_S)
        self._sender.close()
        if self._leading is not None:
            # What it waits for has ended with the sender.
            self._leading.join(_GRACE_S)

    def _lead(self, record: Record, target: Target, timeline: Timeline, folder: Path) -> None:
        try:
            folder.mkdir()
            _write(folder, record)
            self._ask(record, target, timeline, folder)
        except Exception as error:  # noqa: BLE001 (a run without a control is judged without it)
            why = str(error) or repr(error)
            timeline.mark(MarkKind.event, LOST, detail={"why": why})

    def _ask(self, record: Record, target: Target, timeline: Timeline, folder: Path) -> None:
        if not isinstance(target, HasControl):
            return
        while (endpoint := target.control()) is None:
            if self._over.wait(_POLL_S):
                return
        record = replace(record, path=endpoint.path)
        self._sender.start(record.run, record.scenario, endpoint, folder)
        self._begun.wait()
        if self._over.is_set():
            return
        clock = timeline.clock
        now_ns = clock.now_ns()
        record = replace(record, clocks=(Clock(monotonic_ns=now_ns, wall_ns=clock.wall_ns()),))
        try:
            self._sender.go(now_ns + _LEAD_NS)
            while not self._over.wait(_POLL_S):
                self._sender.check()
            self._sender.finish(clock.now_ns() + _LEAD_NS, _FINISH_S)
        finally:
            _write(folder, replace(record, sent=self._sender.sent()))


def _write(folder: Path, record: Record) -> None:
    partial = folder / "scenario.json.partial"
    partial.write_bytes(_RECORD.dump_json(record, indent=1))
    partial.replace(folder / "scenario.json")
