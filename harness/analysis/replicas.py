"""What of an outage of one replica a client would have seen, behind a balancer that tries again."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from harness.analysis.phases import Window
from harness.analysis.requests import OK
from harness.analysis.resolution import largest_gap_ns
from harness.model.outcome import Cache
from harness.model.result import ReplicaOutage, SeenAs

__all__ = ["FAILURE", "LATENCY", "NOTHING", "replica_outage"]

NOTHING: Final = "nothing"
LATENCY: Final = "latency"
FAILURE: Final = "failure"
_NEXT: Final = re.compile(r"roundrobin|static-rr|random")
"""Of HAProxy's algorithms those that try another server at once (lbprm.algo of kind RR)."""
_OTHERS: Final = re.compile(r"leastconn|first")
"""Those that try another one after a pause; the rest may ask the same one again."""
_MS: Final = 1e6


def replica_outage(
    requests: pd.DataFrame,
    windows: Sequence[Window],
    environment: Mapping[str, str | int | float | bool],
    settings: Mapping[str, str | int | float | bool],
) -> ReplicaOutage | None:
    """By the balancer's settings, as the run recorded them; None for a target that tells none.

    Source: HAProxy's configuration manual (`retries`, `option redispatch`, `timeout connect`):
    after a refused connection it waits for the shorter of a second and `timeout connect` before it
    asks again, but where it turns to another server under an algorithm of the round-robin kind.
    """
    waits_ms, retries, down_ms = (
        environment.get(f"balancer_{name}") for name in ("connect_ms", "retries", "down_ms")
    )
    replicas = settings.get("replicas")
    if not all(isinstance(value, int) for value in (waits_ms, retries, down_ms, replicas)):
        return None
    algorithm = str(environment.get("algorithm_running") or settings.get("algorithm") or "")
    others = int(replicas or 1) > 1
    is_next, is_other = (bool(kind.match(algorithm)) for kind in (_NEXT, _OTHERS))
    again_ms = float(min(1_000, int(waits_ms or 0)))
    all_ms = again_ms * int(retries or 0)
    if others and (is_next or is_other):
        refused = SeenAs(
            kind="refused",
            seen_as=NOTHING if is_next else LATENCY,
            latency_ms=0.0 if is_next else again_ms,
        )
        unanswered = SeenAs(kind="unanswered", seen_as=LATENCY, latency_ms=float(waits_ms or 0))
    else:
        fails_ms = float(down_ms or 0)
        refused = SeenAs(kind="refused", seen_as=LATENCY, latency_ms=all_ms, fails_from_ms=fails_ms)
        unanswered = SeenAs(
            kind="unanswered",
            seen_as=LATENCY,
            latency_ms=all_ms + float(waits_ms or 0),
            fails_from_ms=fails_ms,
        )
    return ReplicaOutage(
        replicas=int(replicas or 1),
        certain_ms=_certain_ms(requests, windows),
        seen=(
            refused,
            unanswered,
            SeenAs(kind="broken", seen_as=FAILURE, fails_from_ms=0.0),
            SeenAs(kind="held", seen_as=LATENCY),
        ),
    )


def _certain_ms(requests: pd.DataFrame, windows: Sequence[Window]) -> float | None:
    """The largest gap between two requests that one instance answered, while it served in a swap.

    Copies from a cache name an instance that was not asked.
    """
    asked = requests[(requests["state"] == OK) & (requests["cache"] != Cache.hit.name)]
    largest: list[int] = []
    for name, sent in asked.groupby("instance", observed=True)["sent_ns"]:
        starts = np.sort(sent.to_numpy())
        spans = [
            replace(
                window,
                begin_ns=max(window.begin_ns, int(starts[0])),
                end_ns=min(window.end_ns, int(starts[-1])),
            )
            for window in windows
        ]
        gap_ns = largest_gap_ns(starts, [span for span in spans if span.begin_ns < span.end_ns])
        if name and gap_ns:
            largest.append(gap_ns)
    return round(max(largest) / _MS, 3) if largest else None
