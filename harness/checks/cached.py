"""`cached`: copies were served of what may be kept, for as long as it may, and of nothing else."""

from typing import Any

import pandas as pd

from harness.analysis.history import History
from harness.analysis.outages import outages
from harness.analysis.phases import SECOND_NS, Window, within
from harness.analysis.requests import OK
from harness.checks.swap_completed import completed_swaps
from harness.checks.wording import EXAMPLES, at, counted, example
from harness.model.finding import Finding, Verdict
from harness.model.outcome import Cache
from harness.model.scenario import COPY_GRAIN_S

__all__ = ["check"]

NAME = "cached"
FOREVER = 2**63 - 1


def check(history: History) -> Finding:
    """Fail where an answer that may never be a copy was one, or where a copy of the old release
    was served after its time. Inconclusive where a stream that may be cached saw no copy, or
    nothing but copies: then its cache was not tried. Streams of which nothing is known are not
    judged.

    Copies hide that nobody answers behind the cache. How many were served while other requests
    failed is said; they are no fault, where they may be kept for so long.
    """
    streams = history.record.scenario.traffic.streams
    told = [stream for stream in streams if stream.cached_s is not None]
    if not told:
        return _finding(Verdict.passed, "of no stream it is known whether it may be cached", {})
    good = history.requests[history.requests["state"] == OK]
    hits = good[good["cache"] == Cache.hit.name]
    never = [stream.name for stream in told if not stream.cached_s]
    stale = pd.concat([hits[hits["stream"].isin(never)], _outlived(history, good)])
    evidence: dict[str, Any] = {
        "hits": {
            str(name): int(number)
            for name, number in hits["stream"].value_counts()[:EXAMPLES].items()
            if number
        }
    }
    meanwhile = _meanwhile(history, hits)
    if meanwhile:
        evidence["while_others_failed"] = meanwhile
    if len(stale):
        stale = stale.sort_values(["sent_ns", "seq"])
        first = stale.iloc[0]
        why = (
            "may never be cached"
            if first["stream"] in never
            else f"is of release {first['release']}, which was gone for longer than a copy may live"
        )
        evidence["examples"] = [example(history, row) for _, row in stale[:EXAMPLES].iterrows()]
        return _finding(
            Verdict.failed,
            f"{counted(len(stale), 'answer')} came from a cache that should not have; first "
            f"#{first['seq']} of {first['stream']} at {at(history, int(first['sent_ns']))}, "
            f"which {why}",
            evidence,
        )
    untried = [
        f"{stream.name} (no {kind.name})"
        for stream in told
        if stream.cached_s
        for kind in (Cache.hit, Cache.miss)
        if not ((good["stream"] == stream.name) & (good["cache"] == kind.name)).any()
    ]
    if untried:
        return _finding(
            Verdict.inconclusive,
            f"a cache was not tried: {', '.join(untried[:3])}; raise the stream's rate",
            evidence,
        )
    return _finding(
        Verdict.passed,
        f"{counted(len(hits), 'answer')} came from a cache, each of what may be kept and in its "
        "time" + (f"; {meanwhile:,} of them while other requests failed" if meanwhile else ""),
        evidence,
    )


def _meanwhile(history: History, hits: pd.DataFrame) -> int:
    """How many copies were asked for within an outage of the run in which requests failed."""
    found = outages(
        history.requests, limits=history.limits, steps=history.steps, start_ns=history.start_ns
    )
    spans = [
        Window(
            swap=0,
            begin_ns=history.start_ns + round(one.start_s * SECOND_NS),
            end_ns=history.start_ns + round(one.end_s * SECOND_NS),
        )
        for one in found
        if one.failed
    ]
    return int(within(hits["sent_ns"], spans).sum())


def _outlived(history: History, good: pd.DataFrame) -> pd.DataFrame:
    """Copies of the old release that were asked for later than one can have lived.

    Where the old release itself still answers it is not gone, which is `replaced`'s to tell.
    """
    is_copy = good["cache"] == Cache.hit.name
    swaps = [phase for phase in history.phases if phase.name == "swap"]
    found = [good[:0]]
    for index, phase in enumerate(swaps):
        old, _ = history.record.scenario.releases_of(phase.swap)
        until = swaps[index + 1].begin_ns if index + 1 < len(swaps) else FOREVER
        after = good["sent_ns"].between(phase.end_ns, until, inclusive="neither")
        of_old = after & (good["release"] == old)
        is_gone = old and phase.swap in completed_swaps(history) and not (of_old & ~is_copy).any()
        for stream in history.record.scenario.traffic.streams if is_gone else ():
            if stream.cached_s:
                dead_ns = phase.end_ns + int((stream.cached_s + COPY_GRAIN_S) * SECOND_NS)
                late = (good["stream"] == stream.name) & (good["sent_ns"] > dead_ns)
                found.append(good[of_old & is_copy & late])
    return pd.concat(found)


def _finding(verdict: Verdict, message: str, evidence: dict[str, Any]) -> Finding:
    return Finding(check=NAME, verdict=verdict, message=message, evidence=evidence)
