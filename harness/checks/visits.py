"""`visits`: what lasts crossed each swap whole, or was closed in order and answered again."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from harness.analysis.history import History
from harness.analysis.phases import SECOND_NS
from harness.analysis.requests import FAILED, OK
from harness.checks.swap_completed import completed_swaps
from harness.checks.wording import EXAMPLES, counted, describe, example
from harness.model.finding import Finding, Verdict
from harness.model.mark import Edge, MarkKind
from harness.model.traffic import Stream
from harness.model.visit import Until, Visited, VisitKind

__all__ = ["check"]

NAME: Final = "visits"
_TOO_FEW: Final = "raise the stream's rate"


def check(history: History) -> Finding:
    """Fail where a visit failed (a session lost, a stream of events with a gap, a connection cut),
    or where one that was closed in order was not answered again within the limit.

    Inconclusive where a visit that succeeded left no account of itself, or where, in a swap that
    was completed, none of a stream was open from before its first step until it was let go.
    """
    streams = [each for each in history.record.scenario.traffic.streams if each.visit is not None]
    if not streams:
        return _finding(Verdict.passed, "no stream makes visits: none asked", {})
    rows = history.requests[history.requests["stream"].isin([each.name for each in streams])]
    if not len(rows):
        return _finding(Verdict.inconclusive, "no visit was made", {})
    accounts = {visited.seq: visited for visited in history.visits}
    failed, good = rows[rows["state"] == FAILED], rows[rows["state"] == OK]
    slow = [
        (visited, max(visited.reconnect_ms))
        for visited in history.visits
        if visited.reconnect_ms
        and max(visited.reconnect_ms) > history.record.scenario.limits.reconnect_ms
    ]
    evidence = _evidence(streams, rows, history.visits)
    if len(failed):
        first = failed.sort_values(["failed_ns", "seq"]).iloc[0]
        by_stream = failed["stream"].value_counts()
        names = ", ".join(f"{name} {n:,}" for name, n in by_stream.items() if n)
        evidence["examples"] = [example(history, row) for _, row in failed[:EXAMPLES].iterrows()]
        return _finding(
            Verdict.failed,
            f"{len(failed):,} of {counted(len(rows), 'visit')} failed ({names}); first "
            f"{describe(history, first)}",
            evidence,
        )
    if slow:
        worst, ms = max(slow, key=lambda one: one[1])
        evidence["late"] = [one.seq for one, _ in slow[:EXAMPLES]]
        return _finding(
            Verdict.failed,
            f"{counted(len(slow), 'visit')} waited too long after an orderly close, the longest "
            f"#{worst.seq} for {ms:,.0f} ms; allowed "
            f"{history.record.scenario.limits.reconnect_ms:g} ms",
            evidence,
        )
    untold = [int(seq) for seq in good["seq"] if int(seq) not in accounts]
    if untold:
        evidence["untold"] = untold[:EXAMPLES]
        return _finding(
            Verdict.inconclusive,
            f"{counted(len(untold), 'visit')} left no account in visits.jsonl, the first "
            f"#{untold[0]}: whether its connection was kept is not known",
            evidence,
        )
    if not_crossed := _not_crossed(history, streams, good):
        evidence["not_crossed"] = not_crossed[:EXAMPLES]
        return _finding(
            Verdict.inconclusive,
            f"no visit was open over the whole of what it is to cross: {not_crossed[0]}"
            f"{f' (and {len(not_crossed) - 1} more)' if len(not_crossed) > 1 else ''}",
            evidence,
        )
    return _finding(Verdict.passed, _passed(history.visits), evidence)


def _finding(verdict: Verdict, message: str, evidence: Mapping[str, Any]) -> Finding:
    return Finding(check=NAME, verdict=verdict, message=message, evidence=evidence)


def _evidence(
    streams: list[Stream], rows: pd.DataFrame, visits: tuple[Visited, ...]
) -> dict[str, Any]:
    longest = max((ms for visited in visits for ms in visited.reconnect_ms), default=None)
    return {
        "visits": {each.name: int((rows["stream"] == each.name).sum()) for each in streams},
        "held": sum(visited.is_held for visited in visits),
        "closed": sum(visited.closed > 0 for visited in visits),
        "longest_reconnect_ms": longest,
    }


def _not_crossed(history: History, streams: list[Stream], good: pd.DataFrame) -> list[str]:
    """Streams without a visit that was open for as long as it was to be held, by swap. Where
    visits leave a connection idle, it is the connection that must have been open.
    """
    found = []
    left = {visited.seq: visited.left_ns for visited in history.visits if visited.left_ns}
    completed = completed_swaps(history)
    for phase in history.phases:
        if phase.name != "swap" or phase.swap not in completed:
            continue
        admitted = [
            mark.at_ns
            for mark in history.marks
            if mark.kind is MarkKind.step
            and mark.edge is Edge.end
            and mark.detail.get("verb") == "admit"
            and phase.begin_ns <= mark.at_ns <= phase.end_ns
        ]
        for stream in streams:
            until = stream.visit.until if stream.visit is not None else None
            if until is None:
                continue
            is_short = until is Until.admitted and admitted
            end_ns = min(admitted) if is_short else phase.end_ns
            own = good[good["stream"] == stream.name]
            crossed = own[(own["sent_ns"] <= phase.begin_ns) & (own["finished_ns"] >= end_ns)]
            is_idle = stream.visit is not None and stream.visit.kind is VisitKind.idle
            kept = [seq for seq in crossed["seq"] if not is_idle or left.get(seq, end_ns) >= end_ns]
            if not kept:
                length_s = (end_ns - phase.begin_ns) / SECOND_NS
                why = "an answer announced the close of each" if len(crossed) else _TOO_FEW
                found.append(
                    f"{stream.name} over the first {length_s:.1f} s of {phase.label}; {why}"
                )
    return found


def _passed(visits: tuple[Visited, ...]) -> str:
    held = sum(visited.is_held for visited in visits)
    closed = [visited for visited in visits if visited.closed]
    longest = max((ms for visited in closed for ms in visited.reconnect_ms), default=0.0)
    again = (
        f"{len(closed):,} closed in order and answered again, within {longest:,.0f} ms"
        if closed
        else "none closed by the other side"
    )
    return f"{counted(len(visits), 'visit')} went well, {held:,} held over a swap: {again}"
