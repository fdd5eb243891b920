"""The fold as it was first written, on a table for each outage: slow, and the measure of the fast
one.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from harness.analysis.latency import Limit
from harness.analysis.outages import STALL
from harness.analysis.phases import SECOND_NS, Step, begun_at
from harness.analysis.requests import FAILED, OK, UNKNOWN
from harness.model.result import Outage

_GAP_NS = 200_000_000
_STALL_SAMPLES = 3
_STALL_SPAN_NS = 100_000_000


def outages(
    requests: pd.DataFrame,
    *,
    limits: Mapping[str, Limit | None],
    steps: Sequence[Step],
    start_ns: int,
) -> tuple[Outage, ...]:
    bad = _bad(requests, limits)
    begins = bad["due_ns"].to_numpy()
    ends = np.maximum(bad["finished_ns"].to_numpy(), begins)
    # The end so far is the latest of all before: an outage that broke off earlier ended before.
    so_far = np.maximum.accumulate(ends) if len(ends) else ends
    breaks = np.flatnonzero(begins[1:] - so_far[:-1] >= _GAP_NS) + 1
    found = []
    for part in np.split(np.arange(len(bad)), breaks):
        group = bad.iloc[part]
        if len(group) and _counts(group):
            found.append(_outage(group, int(ends[part].max()), steps, start_ns))
    return tuple(found)


def _bad(requests: pd.DataFrame, limits: Mapping[str, Limit | None]) -> pd.DataFrame:
    allowed = {name: limit.limit_ms for name, limit in limits.items() if limit is not None}
    streams = requests["stream"].cat
    most = np.array([allowed.get(name, np.inf) for name in streams.categories] or [np.inf])
    most = most[streams.codes.to_numpy()]
    slow = (requests["state"] == OK) & (requests["latency_ms"] > most)
    failed = requests["state"].isin([FAILED, UNKNOWN])
    bad = requests[slow | failed].assign(is_failed=failed[slow | failed])
    return bad.sort_values(["due_ns", "seq"], kind="stable")


def _counts(group: pd.DataFrame) -> bool:
    if group["is_failed"].any() or len(group) >= _STALL_SAMPLES:
        return True
    return int(group["due_ns"].max() - group["due_ns"].min()) >= _STALL_SPAN_NS


def _outage(group: pd.DataFrame, end_ns: int, steps: Sequence[Step], start_ns: int) -> Outage:
    failed = group[group["is_failed"]]
    kinds = Counter(failed["outcome"].astype("str"))
    # The cause precedes what it shows in: what was in flight at a stop was due before it.
    shown = int(failed["failed_ns"].min()) if len(failed) else int(group["due_ns"].min())
    step = begun_at(steps, shown)
    first = group.iloc[0]
    return Outage(
        start_s=round((int(first["due_ns"]) - start_ns) / SECOND_NS, 6),
        end_s=round((end_ns - start_ns) / SECOND_NS, 6),
        kind=min(kinds, key=lambda kind: (-kinds[kind], kind)) if kinds else STALL,
        streams=tuple(sorted(set(group["stream"].astype("str")))),
        failed=len(failed),
        slow=len(group) - len(failed),
        phase=f"{first['phase']} {first['swap']}" if first["swap"] else str(first["phase"]),
        step=step.name if step else "",
    )
