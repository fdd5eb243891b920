"""Resolving power: how short an outage a run could not have missed, by its achieved starts."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis.phases import Window
from harness.model.traffic import Traffic

__all__ = ["NEW", "REUSE", "TOTAL", "certain_outage_ms", "largest_gap_ns"]

TOTAL: Final = "all"
NEW: Final = "new connections"
REUSE: Final = "reused connections"
_MS: Final = 1e6


def certain_outage_ms(
    requests: pd.DataFrame,
    traffic: Traffic,
    windows: Iterable[Window],
    end_ns: int,
    *,
    is_closed_loop: bool = False,
) -> Mapping[str, float | None]:
    """The shortest outage, in ms, that no moment of the swap windows could have hidden: the largest
    gap between two requests sent there.

    By `all` (an outage that meets every request), by connection policy (one that meets only those)
    and by stream. `end_ns` is the schedule's end, beyond which nothing was due and no window is
    looked at. None: nothing was sent before some window, or one lies wholly beyond that end, so no
    length is certain. Empty without a window.
    """
    spans = [replace(window, end_ns=min(window.end_ns, end_ns)) for window in windows]
    if not spans:
        return {}
    sent = requests[requests["sent_ns"] > 0]
    # Of a locustfile's requests nobody knows over which connections they went.
    policy = {s.name: s.connection.value for s in traffic.streams if not is_closed_loop}
    policies = sent["stream"].astype("str").map(policy)
    groups: dict[str, pd.Series] = {TOTAL: sent["sent_ns"]}
    for name, value in ((REUSE, "reuse"), (NEW, "new")):
        if value in policy.values():
            groups[name] = sent.loc[policies == value, "sent_ns"]
    for stream in traffic.streams:
        groups[stream.name] = sent.loc[sent["stream"] == stream.name, "sent_ns"]
    return {
        # The end counts as a start: what a gap before it could hide ends there.
        name: _ms(largest_gap_ns(np.sort(np.append(of.to_numpy(), end_ns)), spans))
        for name, of in groups.items()
    }


def largest_gap_ns(starts: npt.NDArray[np.int64], windows: Iterable[Window]) -> int | None:
    """The largest gap between consecutive starts (sorted, ns) of which a part lies in a window.

    Example: starts at 0, 10, 40, 50 and a window [12, 45): the gaps are 10 to 40 and 40 to 50, the
    largest is 30. None where a window begins before the first start, ends after the last, or lies
    beyond it.
    """
    largest = 0
    for window in windows:
        first = int(np.searchsorted(starts, window.begin_ns, side="right")) - 1
        last = int(np.searchsorted(starts, window.end_ns, side="left"))
        if first < 0 or last >= len(starts) or window.begin_ns >= starts[-1]:
            return None
        largest = max(largest, int(np.diff(starts[first : last + 1]).max(initial=0)))
    return largest


def _ms(gap_ns: int | None) -> float | None:
    return None if gap_ns is None else round(gap_ns / _MS, 3)
