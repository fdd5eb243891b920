"""A run's calibration: the child, streams, rate and recorder of the run against a scripted server.

Its samples are in a folder of their own, `<run folder>/calibration/`, with the names of a run's.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from pydantic import TypeAdapter

from harness.calibration.answers import STREAM_HEADER
from harness.calibration.plan import CalibrationPlan, plan
from harness.calibration.scripted import ScriptedServer
from harness.model.calibration import Injections
from harness.model.errors import MissingEvidenceError
from harness.model.scenario import Clock, Record, Scenario
from harness.model.traffic import Stream, Traffic
from harness.traffic.sender import ChildSender, Sender

__all__ = ["FOLDER", "Calibrator", "LoopbackCalibrator", "NoCalibration", "calibrator", "in_run"]

FOLDER: Final = "calibration"
_BUDGET_NS: Final = 3_700_000_000
"""Of load, less what it still has to wait for: with the orders before and after it, the phase takes
at most 4 s."""
_LEAD_NS: Final = 100_000_000
"""Orders are given this long before they take effect."""
_FINISH_S: Final = 2.0
_READY_S: Final = 60.0
_GRACE_S: Final = 5.0
_STRANGER: Final = "calibration"
"""The scripted server's release where those of the target have no names beforehand."""
_POLL_S: Final = 0.1
_RECORD: Final = TypeAdapter(Record)
_INJECTIONS: Final = TypeAdapter(Injections)


class Calibrator(Protocol):
    """Tries what the sender and the analysis notice, before the run relies on them."""

    def prepare(self, run: str, scenario: Scenario, folder: Path) -> None:
        """Begins to get ready, beside whatever else goes on. `folder` is the run's."""

    def calibrate(self) -> None:
        """Puts in the outages and leaves their history. MissingEvidenceError where it cannot."""

    def close(self) -> None:
        """Ends whatever still runs. Idempotent."""


class NoCalibration:
    """Implements Calibrator: none was asked for."""

    def prepare(self, run: str, scenario: Scenario, folder: Path) -> None:
        """Nothing to get ready."""

    def calibrate(self) -> None:
        """Nothing to try."""

    def close(self) -> None:
        """Nothing runs."""


def in_run(scenario: Scenario, budget_ns: int = _BUDGET_NS) -> CalibrationPlan:
    """The outages of a run's own calibration."""
    return plan(scenario.traffic, seed=scenario.seed, budget_ns=budget_ns)


def _brief(traffic: Traffic) -> Traffic:
    """Without what lasts by nature, and what is over HTTP/2: the scripted server answers single
    requests, at once, in HTTP/1.1.
    """
    streams = tuple(
        _scripted(number, each)
        for number, each in enumerate(traffic.streams)
        if each.visit is None and not (each.upload_s or each.http2)
    )
    if not streams:
        raise MissingEvidenceError(
            "calibration: every stream of the traffic lasts by nature, or is over HTTP/2"
        )
    return replace(traffic, streams=streams, health="")


def _scripted(number: int, stream: Stream) -> Stream:
    """As it can be sent to the scripted server, which answers by what it is asked."""
    if stream.expect_json and stream.expect_text:
        # Not every text can stand in JSON.
        stream = replace(stream, expect_text="")
    if not stream.origin:
        return stream
    # It may ask what another one asks, and expect something else.
    return replace(stream, origin="", headers={**stream.headers, STREAM_HEADER: str(number)})


class LoopbackCalibrator:
    """Implements Calibrator by a sender and a scripted server, both processes of their own."""

    def __init__(
        self,
        sender: Callable[[], Sender] = ChildSender,
        planned: Callable[[Scenario, int], CalibrationPlan] = in_run,
    ) -> None:
        self._sender = sender()
        self._server = ScriptedServer()
        self._planned = planned
        self._preparing: threading.Thread | None = None
        self._error: Exception | None = None
        self._record: Record | None = None
        self._folder = Path()

    def prepare(self, run: str, scenario: Scenario, folder: Path) -> None:
        """In a thread: what the processes import takes longer than the calibration itself."""
        self._folder = folder / FOLDER
        self._folder.mkdir()
        own = replace(scenario, swaps=0, calibrated=False, traffic=_brief(scenario.traffic))
        self._record = Record(run=run, scenario=own, environment={}, path="direct")
        self._preparing = threading.Thread(
            target=self._prepare, args=(self._record,), name="calibration", daemon=True
        )
        self._preparing.start()

    def _prepare(self, record: Record) -> None:
        try:
            release = record.scenario.releases[0] or _STRANGER
            endpoint = self._server.start(record.scenario.traffic, release, self._folder)
            self._sender.start(record.run, record.scenario, endpoint, self._folder)
        except Exception as error:  # noqa: BLE001 (raised where it is waited for)
            self._error = error

    def calibrate(self) -> None:
        if self._preparing is None or self._record is None:
            raise MissingEvidenceError("calibration: not prepared")
        began_ns = time.monotonic_ns()
        self._preparing.join(_READY_S)
        if self._error is not None:
            raise self._error
        if self._preparing.is_alive():
            raise MissingEvidenceError(f"calibration: not ready within {_READY_S:g} s")
        waited_ns = time.monotonic_ns() - began_ns
        todo = self._planned(self._record.scenario, max(0, _BUDGET_NS - waited_ns))
        start_ns = time.monotonic_ns() + _LEAD_NS
        stop_ns = start_ns + todo.length_ns
        self._server.show(
            [replace(each, begin_ns=start_ns + each.begin_ns) for each in todo.outages]
        )
        self._sender.go(start_ns)
        while time.monotonic_ns() < stop_ns - 2 * _LEAD_NS:
            self._sender.check()
            time.sleep(_POLL_S)
        self._sender.finish(stop_ns, _FINISH_S)
        shown = self._server.shown(_GRACE_S)
        injections = Injections(
            injected=shown.injected, left_out=todo.left_out, pauses=shown.pauses
        )
        self._write("calibration.json", _INJECTIONS.dump_json(injections, indent=1))
        clock = Clock(monotonic_ns=start_ns, wall_ns=time.time_ns())
        self._complete(replace(self._record, clocks=(clock,), sent=self._sender.sent()))
        self.close()

    def close(self) -> None:
        self._server.close()
        self._sender.close()
        if self._preparing is not None and self._preparing.is_alive():
            # It was about to start one of them: what it started meanwhile ends here.
            self._preparing.join(_GRACE_S)
            self._server.close()
            self._sender.close()

    def _complete(self, record: Record) -> None:
        self._write("scenario.json", _RECORD.dump_json(record, indent=1))

    def _write(self, name: str, content: bytes) -> None:
        partial = self._folder / f"{name}.partial"
        partial.write_bytes(content)
        partial.replace(self._folder / name)


def calibrator(*, is_wanted: bool) -> Calibrator:
    """The one of a run that is to begin with a calibration, or not."""
    return LoopbackCalibrator() if is_wanted else NoCalibration()
