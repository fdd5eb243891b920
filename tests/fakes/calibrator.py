"""A calibration on paper: what the sender and the scripted server leave, in no time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from fakes.sender import packed
from fakes.trouble import Trouble
from harness.model.arrivals import Arrival, arrivals_until
from harness.model.calibration import Injected, Injections, OutageKind, ServerPause, seeing
from harness.model.outcome import Outcome
from harness.model.row import Sample
from harness.model.scenario import Record, Scenario, Sent
from harness.model.traffic import Connection, Stream, Traffic

S, MS = 1_000_000_000, 1_000_000
START = 4_000 * S
LAG_NS, ANSWER_NS = 100_000, 2 * MS
TRAFFIC = Traffic(
    streams=(
        Stream(name="reused", path="/", rate_hz=150),
        Stream(name="new", path="/", rate_hz=50, connection=Connection.new),
        Stream(name="late", path="/late", rate_hz=5, slow=True),
    )
)


def injected(
    kind: OutageKind, at_ms: float, length_ms: float, *, intervals: int = 2, interval_ms: float = 20
) -> Injected:
    began = START + int(at_ms * MS)
    return Injected(
        kind=kind,
        intervals=intervals,
        interval_ns=int(interval_ms * MS),
        began_ns=began,
        ended_ns=began + int(length_ms * MS),
    )


def paused(begin_ms: float, end_ms: float) -> ServerPause:
    return ServerPause(began_ns=START + int(begin_ms * MS), ended_ns=START + int(end_ms * MS))


@dataclass
class Paper:
    """A calibration that can still be changed; `write` leaves its files.

    By default 1 s of 205 requests/s, each answered after 2 ms but in an outage.
    """

    outages: tuple[Injected, ...] = (
        injected(OutageKind.refused, 200, 40),
        injected(OutageKind.stall, 600, 40),
    )
    traffic: Traffic = TRAFFIC
    length_ms: float = 1_000.0
    spoil: Callable[[list[Sample]], list[Sample]] = lambda samples: samples
    left_out: tuple[str, ...] = ()
    pauses: tuple[ServerPause, ...] = ()
    errors: tuple[str, ...] = ()
    ended: str = "finished"

    def record(self) -> Record:
        scenario = Scenario(
            name="n", target="t", swap="s", swaps=0, releases=("", ""), traffic=self.traffic
        )
        stop_ns = START + int(self.length_ms * MS)
        sent = Sent(start_ns=START, stop_ns=stop_ns, errors=self.errors, ended=self.ended)
        return Record(run="r1", scenario=scenario, environment={}, path="direct", sent=sent)

    def samples(self) -> list[Sample]:
        record = self.record()
        assert record.sent is not None
        plan = arrivals_until(record.sent.stop_ns, self.traffic, start_ns=START)
        return self.spoil([self._sample(arrival) for arrival in plan])

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "requests.bin").write_bytes(packed(self.samples()))
        record = TypeAdapter(Record).dump_json(self.record())
        (folder / "scenario.json").write_bytes(record)
        left = Injections(injected=self.outages, left_out=self.left_out, pauses=self.pauses)
        (folder / "calibration.json").write_bytes(TypeAdapter(Injections).dump_json(left))
        return folder

    def _sample(self, arrival: Arrival) -> Sample:
        stream = self.traffic.streams[arrival.stream]
        sent = arrival.due_ns + LAG_NS
        end = arrival.due_ns + ANSWER_NS
        whole = Sample(*arrival, sent, end, end, Outcome.ok, 200, 5, connection=1)
        outage = _meeting(self.outages, sent)
        if outage is None:
            return whole
        if outage.kind is OutageKind.stall:
            return whole._replace(first_byte_ns=outage.ended_ns, finished_ns=outage.ended_ns)
        if outage.kind is OutageKind.refused and stream not in seeing(self.traffic, outage.kind):
            return whole
        return whole._replace(outcome=_outcome(outage.kind, stream), finished_ns=sent + ANSWER_NS)


def _meeting(outages: Iterable[Injected], moment_ns: int) -> Injected | None:
    return next((each for each in outages if each.began_ns <= moment_ns < each.ended_ns), None)


def _outcome(kind: OutageKind, stream: Stream) -> Outcome:
    if kind is OutageKind.closed:
        is_new = stream.connection is Connection.new
        return Outcome.closed_before_answer if is_new else Outcome.closed_on_reuse
    return {
        OutageKind.refused: Outcome.refused,
        OutageKind.reset: Outcome.reset,
        OutageKind.truncated: Outcome.truncated,
        OutageKind.unavailable: Outcome.wrong_status,
    }[kind]


class FakeCalibrator:
    """Implements Calibrator: leaves `paper`, whose clock is its own."""

    def __init__(self, trouble: Trouble) -> None:
        # Short: most runs on fakes are about something else.
        self.paper = Paper(outages=(injected(OutageKind.reset, 100, 40),), length_ms=300)
        self.closes = 0
        self._trouble = trouble
        self._folder: Path | None = None

    def prepare(self, run: str, scenario: Scenario, folder: Path) -> None:
        with self._trouble.around("calibrator.prepare"):
            self._folder = folder / "calibration"

    def calibrate(self) -> None:
        with self._trouble.around("calibrator.calibrate") as within:
            within()
            if self._folder is not None:
                self.paper.write(self._folder)

    def close(self) -> None:
        self.closes += 1
        with self._trouble.around("calibrator.close"):
            pass
