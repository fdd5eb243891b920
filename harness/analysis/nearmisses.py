"""Near misses: requests that succeeded only because somebody tried again: a proxy before the
website, or over HTTP/2 the client.
"""

from typing import Final

import pandas as pd

from harness.analysis.logs import Logs
from harness.analysis.requests import OK
from harness.model.result import NearMisses

__all__ = ["near_misses"]

_EXAMPLES: Final = 20


def near_misses(requests: pd.DataFrame, logs: Logs) -> NearMisses:
    """Counts of them, and what they took beyond the median of their own stream's other successes,
    but of streams that are slow on purpose: a visit lasts as long as it is held.

    A request that several tried again counts once, and for each.
    """
    good = requests[requests["state"] == OK]
    again = set(logs.retried) | set(logs.edge_retried)
    is_saved = good["seq"].isin(again) | (good["again"] > 0)
    saved = good[is_saved]
    usual = good[~is_saved].groupby("stream", observed=True)["latency_ms"].median()
    brief = saved[~saved["slow_stream"]]
    cost = brief["latency_ms"] - brief["stream"].astype("str").map(usual).astype(float).fillna(0.0)
    return NearMisses(
        count=len(saved),
        by_balancer=int(saved["seq"].isin(set(logs.retried)).sum()),
        by_edge=int(saved["seq"].isin(set(logs.edge_retried)).sum()),
        by_client=int((saved["again"] > 0).sum()),
        cost_ms=round(float(cost.median()), 3) if len(brief) else None,
        most_ms=round(float(cost.max()), 3) if len(brief) else None,
        examples=tuple(int(seq) for seq in saved["seq"][:_EXAMPLES]),
    )
