"""Faults that were put in, held against what the harness says of them."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

import numpy as np
import pandas as pd

from harness.analysis.attribution import attributions
from harness.analysis.history import History, load
from harness.analysis.phases import Window
from harness.analysis.resolution import largest_gap_ns
from harness.analysis.servers import Servers
from harness.model.mark import Edge, MarkKind
from harness.model.result import Outage
from harness.verify import Judged

MS = 1e6
_REPEATED_MS = 200.0
"""The least time after which Linux sends a packet again (TCP_RTO_MIN)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Injected:
    """One fault and what was seen of it. `kind` and `whom` are of its step; times are monotonic."""

    step: str
    kind: str
    whom: str
    earliest_ns: int
    surely_ns: int
    until_ns: int
    latest_ns: int
    met: pd.DataFrame
    """The failed and slow requests that were on their way while it held."""
    saved: int
    """Of those on their way, how many a proxy saved by another try."""
    outages: tuple[Outage, ...]
    told_ns: tuple[int, int]
    """From the beginning of the first of `outages` to the end of the last; 0 without any."""
    causes: Counter[tuple[str, str, str]]
    """Of `met`: (cause, component, instance)."""
    first_ns: int
    """When the first request that it touched was sent: one that failed, was slow, or was saved by
    a proxy; 0 without any."""
    last_ns: int
    limit_ms: float
    """What a request may take in that run before it is slow."""
    gap_ns: int
    """The largest between two starts, there, of requests that it can meet."""

    @property
    def held_ms(self) -> float:
        return (self.until_ns - self.surely_ns) / MS

    @property
    def is_found(self) -> bool:
        """By an outage, and by requests that are put down to whom it befell."""
        right = sum(
            n for (_, component, _), n in self.causes.items() if component == self.component
        )
        return bool(self.outages) and right > 0

    @property
    def component(self) -> str:
        return "website" if self.whom.startswith("website") else self.whom

    @property
    def measured_ms(self) -> float:
        return (self.last_ns - self.first_ns) / MS

    @property
    def late_ms(self) -> float:
        """From its surely holding to its first effect; negative before."""
        return (self.first_ns - self.surely_ns) / MS

    @property
    def can_show(self) -> bool:
        """Whether it keeps anybody waiting for longer than that run's limit: what a pause holds
        waits for its length, a dropped packet is repeated after 0.2 s, all else fails at once.
        """
        least_ms = {"pause": self.held_ms, "drop": _REPEATED_MS}.get(self.kind, math.inf)
        return self.limit_ms < least_ms

    @property
    def is_dated(self) -> bool:
        """To within its own uncertainty plus the largest gap between two starts.

        A refusal at the edge by the outages that the report tells of; what holds requests up by
        those that it touched, as the answers that come after it are late too.
        """
        if self.kind == "reject" and self.whom == "edge":
            begin_ns, end_ns = self.told_ns
            return (
                self.earliest_ns - self.gap_ns <= begin_ns <= self.surely_ns + self.gap_ns
                and self.until_ns - self.gap_ns <= end_ns <= self.latest_ns + self.gap_ns
            )
        begins = self.earliest_ns - self.gap_ns <= self.first_ns <= self.surely_ns + self.gap_ns
        # At a pause's end who waits for less than the limit is not slow.
        least_ns = self.until_ns - (self.limit_ms * MS if self.kind == "pause" else 0)
        if self.kind == "kill":
            # It ends when HAProxy has found out, not when the instance is replaced.
            least_ns = self.earliest_ns
        return begins and least_ns - self.gap_ns <= self.last_ns <= self.latest_ns + self.gap_ns

    @property
    def wrong(self) -> list[tuple[str, str, str]]:
        """Causes that are not this fault's. What the sender itself was late with is nobody else's;
        an instance that cannot be told is left open, which blames nobody.
        """
        return [
            (cause, component, instance)
            for cause, component, instance in self.causes
            if component not in {"sender", self.component} or instance not in {"", self.whom}
        ]


def injected(judged: Judged) -> list[Injected]:
    """In the order of time."""
    history = load(judged.folder)
    return [
        _injected(history, judged, mark.name.removeprefix("held "))
        for mark in sorted(history.marks, key=lambda mark: mark.at_ns)
        if mark.kind is MarkKind.event and mark.edge is Edge.begin and mark.name.startswith("held ")
    ]


def skipped(judged: Judged) -> list[str]:
    """What could not be done on this machine, and why."""
    return [
        f"{mark.name}: {mark.detail['why']}"
        for mark in load(judged.folder).marks
        if mark.name.startswith("skipped ")
    ]


def table(found: Iterable[Injected]) -> list[str]:
    """Injected by attributed cause, and how well each was measured."""
    groups: dict[str, list[Injected]] = {}
    for one in found:
        groups.setdefault(f"{one.kind} {one.component}", []).append(one)
    lines = []
    for name, group in groups.items():
        seen = [one for one in group if one.first_ns]
        causes: Counter[str] = Counter()
        for one in group:
            for (cause, component, instance), count in one.causes.items():
                whose = "that instance" if instance and instance == one.whom else instance
                causes[" ".join(filter(None, (cause, f"({component} {whose}".strip() + ")")))] += (
                    count
                )
        said = ", ".join(f"{cause} {count}" for cause, count in causes.most_common())
        measured = (
            f"held {_span(one.held_ms for one in seen)} ms, "
            f"measured {_span(one.measured_ms for one in seen)} ms, "
            f"begun {_span(one.late_ms for one in seen)} ms late, "
            f"largest start gap {_span(one.gap_ns / MS for one in seen)} ms"
            if seen
            else "nothing seen"
        )
        lines.append(
            f"{name}: {sum(one.is_found for one in group)} of {len(group)} found, "
            f"{sum(one.saved for one in group)} near misses; {measured}; {said}"
        )
    return lines


def _injected(history: History, judged: Judged, step: str) -> Injected:
    begin, end = sorted(
        (mark for mark in history.marks if mark.name == f"held {step}"), key=lambda mark: mark.at_ns
    )
    kind, whom = step.split(" ")[:2]
    earliest, latest = int(begin.detail["earliest_ns"]), int(begin.detail["latest_ns"])
    can = _can_meet(history, kind, whom)
    window = Window(swap=1, begin_ns=earliest, end_ns=latest)
    gap_ns = largest_gap_ns(np.sort(can.loc[can["sent_ns"] > 0, "sent_ns"].to_numpy()), [window])
    ways = int(history.record.scenario.settings["replicas"]) if whom.startswith("website") else 1
    on_the_way = can[(can["sent_ns"] <= latest) & (can["finished_ns"] >= earliest)]
    met = history.bad[history.bad["seq"].isin(on_the_way["seq"])]
    if kind == "reject" and whom == "edge":
        met = met[~met["is_slow"]]
    servers = Servers(history.marks, history.logs)
    told = attributions(met, history.logs, servers, history.steps, history.start_ns)
    causes: Counter[tuple[str, str, str]] = Counter()
    for one in told:
        causes[one.cause, one.component, one.instance] += one.failed + one.slow
    limits_ms = [limit.limit_ms for limit in history.limits.values() if limit is not None]
    again = set(history.logs.retried) | set(history.logs.edge_retried)
    good = on_the_way[on_the_way["outcome"] == "ok"]
    saved = good[good["seq"].isin(again)]
    touched = [int(sent_ns) for part in (met, saved) for sent_ns in part["sent_ns"]]
    dues = (met["due_ns"].to_numpy() - history.start_ns) / 1e9
    outages = tuple(
        outage
        for outage in judged.result.outages
        if any((outage.start_s - 1e-6 <= dues) & (dues <= outage.end_s + 1e-6))
    )
    return Injected(
        step=step,
        kind=kind,
        whom=whom,
        earliest_ns=earliest,
        surely_ns=begin.at_ns,
        until_ns=end.at_ns,
        latest_ns=latest,
        met=met,
        saved=len(saved),
        outages=outages,
        told_ns=(
            history.start_ns + int(min((one.start_s for one in outages), default=0.0) * 1e9),
            history.start_ns + int(max((one.end_s for one in outages), default=0.0) * 1e9),
        ),
        causes=causes,
        first_ns=min(touched, default=0),
        last_ns=max(touched, default=0),
        limit_ms=max(limits_ms, default=0.0),
        gap_ns=(gap_ns or 0) * ways,
    )


def _can_meet(history: History, kind: str, whom: str) -> pd.DataFrame:
    """The requests that such a fault can touch, those that are slow on purpose left out."""
    rows = history.requests[~history.requests["slow_stream"]]
    if whom == "store":
        return rows[rows["stream"] == "write"]
    if whom != "edge":
        # Those the edge answers by itself.
        rows = rows[~rows["stream"].isin(["asset", "cached"])]
    if kind == "reject" and whom == "edge":
        streams = history.record.scenario.traffic.streams
        new = [stream.name for stream in streams if stream.connection.value == "new"]
        # One on a pooled connection is refused too where the pool had to grow.
        return rows[rows["stream"].isin(new) | (rows["outcome"] == "refused")]
    return rows


def _span(values: Iterable[float]) -> str:
    ordered = sorted(values)
    return f"{ordered[0]:.0f} to {ordered[-1]:.0f} (median {median(ordered):.0f})"
