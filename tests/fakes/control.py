"""A control on paper: what its sender leaves, in no time."""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from fakes.sender import packed
from fakes.trouble import Trouble
from harness.analysis.control import Controlled
from harness.analysis.requestlog import decode
from harness.model.arrivals import arrivals_until
from harness.model.control import control_traffic
from harness.model.outcome import Outcome
from harness.model.row import Sample
from harness.model.scenario import Record, Scenario, Sent
from harness.target import Target
from harness.timeline import Timekeeper, Timeline

S, MS = 1_000_000_000, 1_000_000
LAG_NS, ANSWER_NS = 100_000, MS // 2


@dataclass
class ControlPaper:
    """Answers after 0.5 ms, but during its `stalls`; moments are seconds since `start_ns`."""

    start_ns: int
    length_s: float
    begins_s: float = 0.0
    stalls: list[tuple[float, float]] = field(default_factory=list)
    failing: list[tuple[float, float, Outcome]] = field(default_factory=list)
    ended: str = "finished"
    errors: tuple[str, ...] = ()

    def record(self) -> Record:
        scenario = Scenario(
            name="n", target="t", swap="s", swaps=0, releases=("", ""), traffic=control_traffic()
        )
        sent = Sent(
            start_ns=self._at(self.begins_s),
            stop_ns=self._at(self.length_s),
            ended=self.ended,
            errors=self.errors,
        )
        return Record(run="r1", scenario=scenario, environment={}, sent=sent)

    def samples(self) -> list[Sample]:
        record = self.record()
        assert record.sent is not None
        plan = arrivals_until(
            record.sent.stop_ns, record.scenario.traffic, start_ns=record.sent.start_ns
        )
        return [
            self._sample(Sample(*one, one.due_ns + LAG_NS, outcome=Outcome.ok, status=200))
            for one in plan
        ]

    def controlled(self) -> Controlled:
        record = self.record()
        decoded = decode(packed(self.samples()), record.scenario.traffic.stream_names())
        return Controlled(record=record, recorded=decoded.samples)

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "requests.bin").write_bytes(packed(self.samples()))
        (folder / "scenario.json").write_bytes(TypeAdapter(Record).dump_json(self.record()))
        return folder

    def _sample(self, sample: Sample) -> Sample:
        at_s = (sample.due_ns - self.start_ns) / S
        over_ns = sample.due_ns + ANSWER_NS
        for begin, end in self.stalls:
            if begin <= at_s < end:
                over_ns = self._at(end)
        for begin, end, outcome in self.failing:
            if begin <= at_s < end:
                sample = sample._replace(outcome=outcome, status=0)
        return sample._replace(first_byte_ns=over_ns, finished_ns=over_ns)

    def _at(self, seconds: float) -> int:
        return self.start_ns + round(seconds * S)


class FakeControl:
    """Implements Control: leaves the samples of a control that is never kept waiting."""

    def __init__(self, trouble: Trouble) -> None:
        self.closes = 0
        self.stalls: list[tuple[float, float]] = []
        self._trouble = trouble
        self._folder: Path | None = None
        self._clock: Timekeeper | None = None
        self._begun_ns = 0
        self._ended_ns = 0

    def prepare(
        self, run: str, scenario: Scenario, target: Target, timeline: Timeline, folder: Path
    ) -> None:
        with self._trouble.around("control.prepare"):
            self._folder, self._clock = folder / "control", timeline.clock

    def begin(self) -> None:
        with self._trouble.around("control.begin"):
            if self._clock is not None:
                self._begun_ns = self._clock.now_ns()

    def end(self) -> None:
        with self._trouble.around("control.end"):
            if self._clock is not None:
                self._ended_ns = self._clock.now_ns()

    def close(self) -> None:
        self.closes += 1
        with self._trouble.around("control.close"):
            if self._folder is not None and self._begun_ns:
                length_s = (self._ended_ns - self._begun_ns) / S
                paper = ControlPaper(self._begun_ns, length_s, stalls=self.stalls)
                paper.write(self._folder)
