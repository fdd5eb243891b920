"""What makes a round no evidence of its algorithm."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.bench.behaviour import contradiction
from harness.bench.model import BUSY_LIMIT, Keyed, Round
from harness.bench.swapping import incomplete
from harness.bench.traffic import traffic
from harness.model.arrivals import arrivals_until
from harness.model.scenario import Sent

if TYPE_CHECKING:
    from harness.bench.measure import Order

__all__ = ["is_torn", "problems"]

Times = npt.NDArray[np.int64]
Names = npt.NDArray[np.object_]

_LATE_NS: Final = 250_000_000
_LEAST_SENT: Final = 0.99


def problems(
    order: "Order", done: Round, samples: pd.DataFrame, *, damaged: int, sent: Sent
) -> tuple[str, ...]:
    """What makes the round no evidence of its algorithm."""
    found = list(sent.errors)
    planned = sum(
        1
        for _ in arrivals_until(
            done.stop_ns,
            traffic(order.workload, order.rate_hz),
            start_ns=done.start_ns,
            seed=order.seed,
        )
    )
    if damaged or len(samples) != planned:
        found.append(f"{planned} requests were planned, {len(samples)} recorded whole")
    in_time = (samples["sent_ns"] > 0) & (samples["sent_ns"] - samples["due_ns"] <= _LATE_NS)
    if len(samples) and in_time.mean() < _LEAST_SENT:
        found.append(f"only {in_time.mean():.1%} of the requests were sent within 250 ms")
    if done.busy_share + done.steal_share > BUSY_LIMIT:
        found.append(
            f"the cores were {done.busy_share + done.steal_share:.0%} taken, above "
            f"{BUSY_LIMIT:.0%}: they may have been the bottleneck"
        )
    running = order.algorithm.running
    if running and done.algorithm_running != running:
        found.append(f"HAProxy ran {done.algorithm_running!r}, not {running!r}")
    if done.swap is not None:
        answered = samples.loc[samples["outcome"] == "ok", "server"].value_counts()
        counts = {str(server): int(count) for server, count in answered.items()}
        found += incomplete(done.swap, order.workload.servers, counts, done.stop_ns)
    elif other := contradiction(order.algorithm, order.workload, samples):
        found.append(other)
    strays = _strays(order, done, samples)
    if strays:
        found.append(f"{strays} keys were answered by more than one server")
    return tuple(found)


def _strays(order: "Order", done: Round, samples: pd.DataFrame) -> int:
    """Keys that met a server which they cannot have met."""
    if done.swap is not None:
        # Before it and after it a key has one server, though not the same.
        alone = replace(done, swap=None)
        before = samples["finished_ns"] < done.swap.begun_ns
        after = samples["due_ns"] > (done.swap.over_ns or done.stop_ns)
        return _strays(order, alone, samples[before]) + _strays(order, alone, samples[after])
    changes = order.workload.changes
    if any(change.is_away for change in changes):
        return 0
    if order.workload.is_sticky:
        return sum(is_torn(session) for _, session in samples.groupby("key"))
    if order.algorithm.keyed is Keyed.nothing or any(change.weight for change in changes):
        return 0  # with another weight a consistent hash moves keys, and rightly so
    met = samples.loc[samples["server"] != "", ["key", "server"]].drop_duplicates()
    return int((met["key"].value_counts() > 1).sum())


def is_torn(session: pd.DataFrame) -> bool:
    """Whether a session met a server that no order of HAProxy's doings explains.

    `stick on` looks a session up when its request comes, and stores its server with each answer,
    the last one counting; until the first is stored a request is balanced freely (stream.c). When
    it did either is not known: after a request was sent and before its answer was received. So a
    request is explained where nothing need have been stored when it was looked up, or where one
    that is itself explained may have stored that server last. A session with an unanswered request
    is not judged: what that one stored nobody knows.
    """
    if (session["server"] == "").any() or session["server"].nunique() < 2:
        return False
    sent, finished = session["sent_ns"].to_numpy(), session["finished_ns"].to_numpy()
    server = session["server"].to_numpy()
    is_explained = sent <= finished.min()
    while True:
        new = [
            at
            for at in np.flatnonzero(~is_explained).tolist()
            if any(
                _may_be_last(at, by, sent, finished, server)
                for by in np.flatnonzero(is_explained & (server == server[at])).tolist()
            )
        ]
        if not new:
            return not bool(is_explained.all())
        is_explained[new] = True


def _may_be_last(at: int, by: int, sent: Times, finished: Times, server: Names) -> bool:
    """Whether `by` may have stored its server last before `at` was looked up: no other server was
    surely stored between the latest moment of the one and the earliest of the other.
    """
    if sent[by] > finished[at]:
        return False
    between = (sent > finished[by]) & (finished < sent[at]) & (server != server[at])
    return not bool(between.any())
