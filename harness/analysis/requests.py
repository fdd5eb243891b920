"""Requests from samples: one row a request, with the state that the judgement counts."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.model.operations import Operations
from harness.model.outcome import LOST_CONNECTION, UNANSWERED, Outcome
from harness.model.scenario import Record
from harness.model.traffic import PROBE

__all__ = ["FAILED", "NOT_SENT", "OK", "UNKNOWN", "merge_lost_connections", "requests"]

OK: Final = "ok"
FAILED: Final = "failed"
UNKNOWN: Final = "unknown"
"""A write without an answer, where the store could not be read."""
NOT_SENT: Final = "not_sent"
STATES: Final = (NOT_SENT, OK, UNKNOWN, FAILED)
"""In rising order: where a request has several samples, the worst one stands for it."""

_TIMEOUTS: Final = tuple(
    outcome.name
    for outcome in (
        Outcome.connect_timeout,
        Outcome.handshake_timeout,
        Outcome.answer_timeout,
        Outcome.read_timeout,
        Outcome.unfinished,
    )
)
_NS_PER_MS = 1e6


def merge_lost_connections(samples: pd.DataFrame) -> pd.DataFrame:
    """Refused, reset and connect timeout become one kind: the published path cannot tell."""
    lost = samples["outcome"].isin([outcome.name for outcome in LOST_CONNECTION])
    outcome = samples["outcome"].mask(lost, Outcome.connection_lost.name)
    return samples.assign(outcome=outcome.astype(samples["outcome"].dtype))


def requests(samples: pd.DataFrame, record: Record, operations: Operations | None) -> pd.DataFrame:
    """One row for each request that is not a probe, ordered by due time, then seq.

    Adds to the sample's columns:
    - `state`: ok, failed, unknown or not_sent. An unanswered write is failed once the store was
      read, applied or not: its visitor got no answer. Unread, it is unknown.
    - `latency_ms`: from due to the last byte; NaN unless ok.
    - `failed_ns`: when what failed it showed. The moment of its ending; of a timeout, the moment
      it was sent, as nothing happened at its ending; of a visit's, as long before its ending as
      its last exchange may take. 0 unless failed or unknown.
    - `slow_stream`, `write`: what its stream is.
    - `fate`: of an unanswered write, `applied`, `not applied` or `unknown`; else empty.
    """
    streams = record.scenario.traffic.streams
    writing = [stream.name for stream in streams if stream.write]
    slow = [stream.name for stream in streams if stream.slow]
    found = samples[samples["stream"] != PROBE]
    outcome = found["outcome"]
    write = found["stream"].isin(writing).to_numpy()
    unanswered = outcome.isin([kind.name for kind in UNANSWERED]).to_numpy()
    ok = (outcome == Outcome.ok.name).to_numpy()
    not_sent = (outcome == Outcome.not_sent.name).to_numpy()
    unknown = write & unanswered & (operations is None)
    code = np.select([ok, not_sent, unknown], [1, 0, 2], default=3)
    bad = code >= 2
    begun = _begun(found, record)
    moment = np.where(outcome.isin(_TIMEOUTS), begun, found["finished_ns"])
    moment = np.where(moment > 0, moment, found["due_ns"])
    latency = (found["finished_ns"] - found["due_ns"]).to_numpy() / _NS_PER_MS
    found = found.assign(
        state=pd.Categorical.from_codes(
            code, categories=pd.Index(STATES, dtype="str"), ordered=True
        ),
        latency_ms=np.where(ok, latency, np.nan),
        failed_ns=np.where(bad, moment, 0),
        slow_stream=found["stream"].isin(slow).to_numpy(),
        write=write,
        fate=_fates(found["seq"], write & unanswered, record.run, operations),
    )
    if found["seq"].duplicated().any():
        found = found.sort_values(["state", "finished_ns", "sent_ns"], kind="stable")
        found = found.drop_duplicates("seq", keep="last")
    return found.sort_values(["due_ns", "seq"], kind="stable").reset_index(drop=True)


def _begun(found: pd.DataFrame, record: Record) -> npt.NDArray[np.int64]:
    """When a request was sent; of a visit, the soonest that its last exchange was begun."""
    sent = found["sent_ns"].to_numpy()
    begun = sent
    for stream in record.scenario.traffic.streams:
        if stream.visit is not None:
            soonest = found["finished_ns"].to_numpy() - int(stream.timeout_s * 1e9)
            own = (found["stream"] == stream.name).to_numpy() & (sent > 0)
            begun = np.where(own, np.maximum(sent, soonest), begun)
    return begun


def _fates(
    seqs: pd.Series, asked: npt.NDArray[np.bool_], run: str, operations: Operations | None
) -> npt.NDArray[np.object_]:
    fates = np.full(len(seqs), "", dtype=object)
    numbers = seqs.to_numpy()
    for index in np.flatnonzero(asked).tolist():
        if operations is None:
            fates[index] = "unknown"
        else:
            times = operations.applied.get(f"{run}-{numbers[index]}", 0)
            fates[index] = "applied" if times else "not applied"
    return fates
