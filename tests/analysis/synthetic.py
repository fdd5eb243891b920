"""A synthetic clean run: the history that every hand-written one is a change of.

300 requests/s in four streams; warm-up 1 s, steady 10 s, then each swap 3 s with 1 s after it (4 s
after the last). Times are from the schedule's beginning. Successes take 2 to 5 ms; the slow
stream 400 ms, so that 4 of its requests are always in flight.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from harness.analysis.history import History
from harness.analysis.runfolder import MachineSecond
from harness.model.arrivals import arrivals_until
from harness.model.mark import Edge, Mark, MarkKind
from harness.model.operations import Operations
from harness.model.outcome import Cache, Handshake, Outcome
from harness.model.row import PROBE_STREAM, Sample, pack_name, pack_sample
from harness.model.scenario import Clock, Record, Scenario, Sent, Timing
from harness.model.traffic import PROBE, Connection, Stream, Traffic
from harness.model.visit import Visited

S = 1_000_000_000
MS = 1_000_000
START = 5_000 * S
RUN = "20260102T030405-abcd"
PROBES = 3
SWAP_AT = 11.0
SWAP_S = 3.0
STOP_ENDS = 2.9
"""When the old instance's stop ends, in seconds since its swap began."""
DIES = 2.8
"""And when it itself does, as the engine tells."""

STREAMS = (
    Stream(name="get-reused", path="/items", rate_hz=150),
    Stream(name="get-new", path="/", rate_hz=100, connection=Connection.new),
    Stream(name="write", path="/items/{operation}", rate_hz=40, method="POST", write=True),
    Stream(name="slow", path="/slow", rate_hz=10, slow=True),
)
ENUMS = {"outcome": Outcome, "cache": Cache, "handshake": Handshake}
NAMES = {PROBE_STREAM: PROBE} | {index: stream.name for index, stream in enumerate(STREAMS)}


@dataclass
class Draft:
    """A history that can still be changed; `history()` freezes it."""

    record: Record
    samples: pd.DataFrame
    marks: list[Mark]
    machine: list[MachineSecond]
    operations: Operations | None
    details: dict[int, str] = field(default_factory=dict)
    visits: tuple[Visited, ...] = ()
    damaged: int = 0
    damage: tuple[str, ...] = ()

    def history(self) -> History:
        return History(
            folder=Path("run"),
            record=self.record,
            recorded=categorised(self.samples),
            damaged=self.damaged,
            marks=tuple(self.marks),
            machine=tuple(self.machine),
            operations=self.operations,
            details=self.details,
            visits=self.visits,
            damage=self.damage,
        )

    def seqs(self, stream: str | None = None, since: float = -1e9, until: float = 1e9) -> list[int]:
        """Seqs of requests (no probes) due in [since, until) seconds, in order."""
        rows = self.samples[self.samples["stream"] != PROBE]
        due = (rows["due_ns"] - START) / S
        chosen = (due >= since) & (due < until)
        if stream:
            chosen &= rows["stream"] == stream
        return [int(seq) for seq in rows["seq"][chosen]]

    def set(self, seqs: Iterable[int], **columns: object) -> None:
        rows = self.samples["seq"].isin(list(seqs))
        for name, value in columns.items():
            self.samples.loc[rows, name] = value

    def fail(self, seqs: Iterable[int], outcome: Outcome, **columns: object) -> None:
        """Turns them into failures without an answer, unless columns say otherwise."""
        empty: dict[str, object] = {"status": 0, "release": "", "instance": "", "bytes": 0}
        self.set(seqs, outcome=outcome.name, **(empty | columns))

    def delay(self, seqs: Iterable[int], latency_ms: float) -> None:
        rows = self.samples["seq"].isin(list(seqs))
        due = self.samples.loc[rows, "due_ns"]
        self.samples.loc[rows, "finished_ns"] = due + int(latency_ms * MS)

    def drop(self, seqs: Iterable[int]) -> None:
        self.samples = self.samples[~self.samples["seq"].isin(list(seqs))]

    def again(self, seqs: Iterable[int], **columns: object) -> None:
        copies = self.samples[self.samples["seq"].isin(list(seqs))].assign(**columns)
        self.samples = pd.concat([self.samples, copies], ignore_index=True)

    def scenario(self, **changes: object) -> None:
        self.record = replace(self.record, scenario=replace(self.record.scenario, **changes))

    def environment(self, **more: str | float | bool) -> None:
        self.record = replace(self.record, environment={**self.record.environment, **more})

    def sent(self, **changes: object) -> None:
        assert self.record.sent is not None
        self.record = replace(self.record, sent=replace(self.record.sent, **changes))

    def steal(self, share: float | None, since: float, until: float) -> None:
        self.machine = [
            replace(row, steal_share=share) if since < (row.at_ns - START) / S <= until else row
            for row in self.machine
        ]

    def write(self, folder: Path) -> Path:
        """The run folder that a run would have left before conversion."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "scenario.json").write_bytes(TypeAdapter(Record).dump_json(self.record))
        (folder / "requests.bin").write_bytes(packed(self.samples))
        lines = {
            "marks.jsonl": [asdict(mark) for mark in self.marks],
            "machine.jsonl": [asdict(row) for row in self.machine],
            "details.jsonl": [
                {"seq": seq, "outcome": "wrong_status", "text": text}
                for seq, text in self.details.items()
            ],
            "visits.jsonl": [asdict(visited) for visited in self.visits],
        }
        for name, values in lines.items():
            (folder / name).write_text("".join(json.dumps(value) + "\n" for value in values))
        if self.operations is not None:
            (folder / "operations.json").write_text(json.dumps(asdict(self.operations)))
        return folder


def at(seconds: float) -> int:
    return START + round(seconds * S)


def mark(kind: MarkKind, name: str, seconds: float, edge: Edge, **detail: str | int) -> Mark:
    return Mark(at_ns=at(seconds), kind=kind, name=name, edge=edge, detail=detail)


def span(kind: MarkKind, name: str, begin: float, end: float, **detail: str | int) -> list[Mark]:
    return [
        mark(kind, name, begin, Edge.begin, **detail),
        mark(kind, name, end, Edge.end, **detail),
    ]


def error(seconds: float, text: str, blame: str) -> Mark:
    return mark(MarkKind.error, "deploy", seconds, Edge.at, blame=blame, text=text)


def event(name: str, seconds: float, **detail: str | int) -> Mark:
    """What the engine said of a container: `start website-1`, `die website-1`."""
    instance = name.partition(" ")[2]
    return mark(MarkKind.event, name, seconds, Edge.at, instance=instance, **detail)


def clean(swaps: int = 1) -> Draft:
    """A clean run of so many swaps, fresh for each caller."""
    record, samples, marks, machine, operations = _clean(swaps)
    return Draft(record, samples.copy(), list(marks), list(machine), operations)


@cache
def _clean(swaps: int) -> tuple[Record, pd.DataFrame, list[Mark], list[MachineSecond], Operations]:
    stop = SWAP_AT + swaps * (SWAP_S + 1) + 3
    scenario = Scenario(
        name="drain",
        target="stack",
        swap="drain",
        swaps=swaps,
        releases=("v1", "v2"),
        traffic=Traffic(streams=STREAMS),
        timing=Timing(warmup_s=1, steady_s=10),
        settings={"algorithm": "roundrobin"},
    )
    record = Record(
        run=RUN,
        scenario=scenario,
        environment={"haproxy": "3.0.11", "cores": 2, "dirty": False},
        clocks=tuple(
            Clock(monotonic_ns=at(moment), wall_ns=1_767_323_045 * S + round(moment * S))
            for moment in (0, stop + 2)
        ),
        sent=Sent(probes=PROBES, start_ns=START, stop_ns=at(stop)),
    )
    machine = [
        MachineSecond(at_ns=at(second), steal_share=0.01, cpu_pressure=1.0, load1=0.5)
        for second in range(int(stop) + 1)
    ]
    samples = _samples(record, swaps)
    writes = samples.loc[samples["stream"] == "write", "seq"]
    once = {f"{RUN}-{seq}": 1 for seq in writes}
    return record, samples, _marks(swaps, stop), machine, Operations(applied=once, arrived=once)


def _marks(swaps: int, stop: float) -> list[Mark]:
    phase, step = MarkKind.phase, MarkKind.step
    marks = [
        *span(phase, "up", -3, -2),
        *span(phase, "answering", -2, 0),
        *span(phase, "warmup", 0, 1),
        *span(phase, "steady", 1, SWAP_AT),
        *(event(f"start {name}", -2.5) for name in ("store", "balancer", "edge", "website-1")),
    ]
    for swap in range(1, swaps + 1):
        begin = SWAP_AT + (swap - 1) * (SWAP_S + 1)
        old, new = ("v1", "v2") if swap % 2 else ("v2", "v1")
        of: dict[str, str | int] = {"swap": swap, "old": old, "new": new}
        marks += span(phase, "swap", begin, begin + SWAP_S, **of)
        for verb, instance, release, since, until in (
            ("start", "", new, 0.0, 0.4),
            ("ready", f"website-{swap + 1}", new, 0.4, 1.0),
            ("admit", f"website-{swap + 1}", new, 1.0, 1.1),
            ("drain", f"website-{swap}", old, 1.1, 1.6),
            ("stop", f"website-{swap}", old, 1.6, STOP_ENDS),
        ):
            name = f"{verb} {instance or release}"
            detail = of | {"verb": verb, "instance": instance, "release": release}
            marks += span(step, name, begin + since, begin + until, **detail)
        marks += [
            event(f"start website-{swap + 1}", begin + 0.3),
            event(f"die website-{swap}", begin + DIES, exitCode="0"),
        ]
        end = begin + SWAP_S + 1 if swap < swaps else stop
        marks += span(phase, "after", begin + SWAP_S, end, **of)
    return [*marks, *span(phase, "down", stop, stop + 2)]


def _samples(record: Record, swaps: int) -> pd.DataFrame:
    sent = record.sent
    assert sent is not None
    rows = [
        Sample(seq, PROBE_STREAM, at(seq - PROBES), outcome=Outcome.refused)
        for seq in range(PROBES)
    ]
    admitted = [at(SWAP_AT + index * (SWAP_S + 1) + 1.1) for index in range(swaps)]
    for seq, stream, due in arrivals_until(
        sent.stop_ns, record.scenario.traffic, start_ns=sent.start_ns, first_seq=PROBES
    ):
        turn = sum(due >= moment for moment in admitted)
        latency = 400 * MS if STREAMS[stream].slow else 2 * MS + seq % 7 * 500_000
        rows.append(
            Sample(
                seq=seq,
                stream=stream,
                due_ns=due,
                sent_ns=due + 100_000,
                first_byte_ns=due + latency - 50_000,
                finished_ns=due + latency,
                outcome=Outcome.ok,
                status=200,
                bytes=12,
                release="v2" if turn % 2 else "v1",
                instance=f"website-{turn + 1}",
                connection=seq % 8 + 1,
                reuse=seq // 8,
            )
        )
    frame = pd.DataFrame(rows, columns=list(Sample._fields))
    frame["stream"] = frame["stream"].map(NAMES)
    for name, kind in ENUMS.items():
        frame[name] = [kind(number).name for number in frame[name]]
    return frame


def categorised(samples: pd.DataFrame) -> pd.DataFrame:
    """Plain columns as the log decodes them."""
    frame = samples.reset_index(drop=True)
    for name in ("stream", "release", "instance"):
        frame[name] = frame[name].astype("str").astype("category")
    for name, kind in ENUMS.items():
        names = pd.Index([member.name for member in kind], dtype="str")
        frame[name] = pd.Categorical(frame[name], categories=names)
    return frame


def packed(samples: pd.DataFrame) -> bytes:
    """The samples as the recorder writes them, names before their first use."""
    numbers: dict[str, int] = {}
    indices = {name: index for index, name in NAMES.items()}
    rows: list[bytes] = []
    for row in samples.itertuples(index=False):
        for name in (row.release, row.instance):
            if name not in numbers:
                numbers[name] = len(numbers)
                rows.append(pack_name(numbers[name], name))
        named = row._asdict()
        numbered = {name: kind[named[name]] for name, kind in ENUMS.items()}
        sample = Sample(**named | numbered | {"stream": indices[row.stream]})
        rows.append(pack_sample(sample, numbers[row.release], numbers[row.instance]))
    return b"".join(rows)


def random_order(samples: pd.DataFrame, seed: int) -> pd.DataFrame:
    order = np.random.default_rng(seed).permutation(len(samples))
    return samples.iloc[order]
