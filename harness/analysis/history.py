"""All that a run has left, as one value, and what every check derives from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from harness.analysis.attribution import attributions, bad_requests
from harness.analysis.calibration import FOLDER as CALIBRATION
from harness.analysis.calibration import measured
from harness.analysis.calibration import read as read_calibration
from harness.analysis.control import Controlled, figures
from harness.analysis.control import read as read_control
from harness.analysis.facts import facts_of_run
from harness.analysis.latency import Limit, limits_by_stream
from harness.analysis.logs import Logs, read_logs
from harness.analysis.nearmisses import near_misses
from harness.analysis.phases import (
    SECOND_NS,
    Phase,
    Step,
    Window,
    phases,
    steps,
    swap_windows,
    with_phase,
)
from harness.analysis.plan import Completeness, begun, compare, planned
from harness.analysis.replicas import replica_outage
from harness.analysis.requestlog import COLUMNS
from harness.analysis.requests import merge_lost_connections, requests
from harness.analysis.resolution import certain_outage_ms
from harness.analysis.runfolder import (
    BASELINE,
    Explanation,
    MachineSecond,
    RunFolderError,
    convert,
    read_baseline,
    read_lines,
    read_operations,
    read_record,
    read_samples,
)
from harness.analysis.servers import Servers
from harness.model.calibration import Calibration
from harness.model.control import FOLDER as CONTROL
from harness.model.control import ControlFigures
from harness.model.mark import Mark, MarkKind
from harness.model.operations import Operations
from harness.model.past import Past
from harness.model.result import Attribution, NearMisses, ReplicaOutage
from harness.model.scenario import Record
from harness.model.visit import Visited

__all__ = ["History", "RunFolderError", "convert", "load"]

_STARTS = "start "
_WEBSITE = "website-"
"""How its instances' names begin (stack.website)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class History:
    """Samples, marks and the rest of a run folder. Frozen; the tables are not to be written to.

    The order of samples carries no meaning.
    """

    folder: Path
    record: Record
    recorded: pd.DataFrame
    """The samples as recorded (columns requestlog.COLUMNS)."""
    damaged: int = 0
    """Rows of the request log that could not be read."""
    marks: tuple[Mark, ...] = ()
    machine: tuple[MachineSecond, ...] = ()
    operations: Operations | None = None
    """None: the store could not be read."""
    details: Mapping[int, str] = field(default_factory=dict)
    """By seq, what the sender wrote down of a failed sample: untrusted text."""
    visits: tuple[Visited, ...] = ()
    """What became of visits, in the order of their ends."""
    calibration: Calibration | None = None
    """None: the run has none, or it could not be read."""
    control: Controlled | None = None
    """None: the run has none, or it could not be read."""
    baseline: Past | None = None
    """None: the run has none, or it could not be read."""
    damage: tuple[str, ...] = ()
    """Lines and files beside the request log that could not be read: `marks.jsonl:12`."""

    @cached_property
    def start_ns(self) -> int:
        """When the schedule began; without one, the first thing that is known. Monotonic."""
        if self.record.sent is not None and self.record.sent.start_ns:
            return self.record.sent.start_ns
        moments = [mark.at_ns for mark in self.marks]
        if len(self.recorded):
            moments.append(int(self.recorded["due_ns"].min()))
        return min(moments, default=0)

    @cached_property
    def last_ns(self) -> int:
        """The last moment that anything is known of."""
        moments = [mark.at_ns for mark in self.marks] + [row.at_ns for row in self.machine]
        if len(self.recorded):
            moments += [
                int(self.recorded[column].max()) for column in ("due_ns", "sent_ns", "finished_ns")
            ]
        return max(moments, default=0)

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        return phases(self.marks, self.last_ns)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        return steps(self.marks, self.last_ns)

    @cached_property
    def errors(self) -> tuple[Mark, ...]:
        return tuple(mark for mark in self.marks if mark.kind is MarkKind.error)

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """The swaps, each with what settles after it."""
        return swap_windows(self.phases, self.record.scenario.timing.settle_s)

    @cached_property
    def samples(self) -> pd.DataFrame:
        """Every sample, probes too, with `phase` and `swap`, in an order of its own content."""
        rows = self.recorded
        if self.record.path == "published":
            rows = merge_lost_connections(rows)
        doubled = rows["seq"].duplicated().any()
        rows = rows.sort_values(list(COLUMNS) if doubled else ["due_ns", "seq"])
        return with_phase(rows.reset_index(drop=True), self.phases)

    @cached_property
    def requests(self) -> pd.DataFrame:
        """One row a request that is not a probe, judged (analysis.requests)."""
        return requests(self.samples, self.record, self.operations)

    @cached_property
    def plan(self) -> pd.DataFrame:
        if self.record.scenario.closed_loop is not None:
            return begun(self.record, self.recorded)
        return planned(self.record)

    @cached_property
    def completeness(self) -> Completeness:
        return compare(self.recorded, self.plan)

    @cached_property
    def limits(self) -> Mapping[str, Limit | None]:
        """What a success may take, by stream that is not slow on purpose, and for `all`."""
        return limits_by_stream(self.requests, self.record.scenario)

    @cached_property
    def certain_outage_ms(self) -> Mapping[str, float | None]:
        """By `all`, connection policy and stream (analysis.resolution)."""
        sent = self.record.sent
        end_ns = sent.stop_ns if sent is not None else self.last_ns
        scenario = self.record.scenario
        return certain_outage_ms(
            self.requests,
            scenario.traffic,
            self.windows,
            end_ns,
            is_closed_loop=scenario.closed_loop is not None,
        )

    @cached_property
    def replica_outage(self) -> ReplicaOutage | None:
        record = self.record
        return replica_outage(
            self.requests, self.windows, record.environment, record.scenario.settings
        )

    @cached_property
    def bad(self) -> pd.DataFrame:
        """The requests that failed or were slow (analysis.attribution)."""
        return bad_requests(self.requests, self.limits)

    @cached_property
    def logs(self) -> Logs:
        """What the target logged of bad requests and of those that were tried again; read from the
        folder when it is asked for.
        """
        wanted = {int(seq) for seq in self.bad["seq"]}
        started = {
            mark.name.removeprefix(_STARTS)
            for mark in self.marks
            if mark.kind is MarkKind.event and mark.name.startswith(f"{_STARTS}{_WEBSITE}")
        }
        return read_logs(
            self.folder / "logs", self.record.run, wanted, self._monotonic, instances=started
        )

    @cached_property
    def attributions(self) -> tuple[Attribution, ...]:
        """What bad requests are put down to; none for a target without logs."""
        if not self.logs.known:
            return ()
        servers = Servers(self.marks, self.logs)
        of_run = facts_of_run(self.record.environment)
        streams = self.record.scenario.traffic.streams
        return attributions(
            self.bad,
            self.logs,
            servers,
            self.steps,
            self.start_ns,
            of_run=of_run,
            details=self.details,
            exchange_ns={
                stream.name: int(stream.timeout_s * SECOND_NS)
                for stream in streams
                if stream.visit is not None
            },
        )

    @cached_property
    def control_figures(self) -> ControlFigures:
        return figures(self.control, self.marks, self.windows, self.start_ns)

    @cached_property
    def near_misses(self) -> NearMisses:
        return near_misses(self.requests, self.logs)

    def _monotonic(self, wall_ns: int) -> int:
        """The monotonic moment of one since the epoch: the clocks' difference at the run's start,
        and what it drifted by its end.
        """
        clocks = self.record.clocks
        if not clocks:
            return wall_ns
        first, last = clocks[0], clocks[-1]
        offset = first.monotonic_ns - first.wall_ns
        span = last.wall_ns - first.wall_ns
        drift = (last.monotonic_ns - last.wall_ns) - offset
        share = (wall_ns - first.wall_ns) / span if span > 0 else 0.0
        return wall_ns + offset + int(drift * share)


def load(folder: Path) -> History:
    """The history in a run folder, whole or cut short.

    Raises RunFolderError where the folder is not a run's or is of another schema. Whatever else
    cannot be read is counted in the history, and the check `recorded` tells of it.
    """
    record = read_record(folder)
    decoded = read_samples(folder, record)
    damage: list[str] = []
    details = read_lines(folder / "details.jsonl", Explanation, damage)
    calibrating = read_calibration(folder / CALIBRATION, damage)
    return History(
        folder=folder,
        record=record,
        recorded=decoded.samples[list(COLUMNS)],
        damaged=decoded.damaged,
        marks=read_lines(folder / "marks.jsonl", Mark, damage),
        machine=read_lines(folder / "machine.jsonl", MachineSecond, damage),
        operations=read_operations(folder / "operations.json", damage),
        details={entry.seq: entry.text for entry in reversed(details)},
        visits=read_lines(folder / "visits.jsonl", Visited, damage),
        calibration=measured(calibrating) if calibrating is not None else None,
        control=read_control(folder / CONTROL, damage) if record.scenario.control else None,
        baseline=read_baseline(folder / BASELINE) if record.scenario.baseline else None,
        damage=tuple(damage),
    )
