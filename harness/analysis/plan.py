"""Completeness: the recorded samples held against the schedule, computed anew."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.model.arrivals import arrivals_until
from harness.model.scenario import Record
from harness.model.traffic import PROBE

__all__ = ["Completeness", "begun", "compare", "planned"]

EXAMPLES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """What differs between plan and samples: counts, and the first 20 seqs of each kind."""

    missing: int
    missing_examples: tuple[int, ...]
    duplicated: int
    """Seqs with more than one sample."""
    duplicated_examples: tuple[int, ...]
    unexpected: int
    unexpected_examples: tuple[int, ...]
    mismatched: int
    """Samples whose stream or due time is not the planned one."""
    mismatched_examples: tuple[int, ...]


def planned(record: Record) -> pd.DataFrame:
    """The plan: columns `seq`, `stream` (name) and `due_ns`; probes (due -1: no schedule) first.

    Empty where the sender left no account of itself, or its schedule never began.
    """
    sent = record.sent
    if sent is None:
        return pd.DataFrame({"seq": [], "stream": [], "due_ns": []}).astype(
            {"seq": np.int64, "stream": "str", "due_ns": np.int64}
        )
    scenario = record.scenario
    arrivals = (
        list(
            arrivals_until(
                sent.stop_ns,
                scenario.traffic,
                start_ns=sent.start_ns,
                seed=scenario.seed,
                first_seq=sent.probes,
            )
        )
        if sent.start_ns
        else []
    )
    names = np.array([*scenario.traffic.stream_names(), PROBE], dtype=object)
    index = [-1] * sent.probes + [arrival.stream for arrival in arrivals]
    return pd.DataFrame(
        {
            "seq": np.arange(sent.probes + len(arrivals), dtype=np.int64),
            "stream": pd.Series(names[index], dtype="str"),
            "due_ns": np.array(
                [-1] * sent.probes + [arrival.due_ns for arrival in arrivals], dtype=np.int64
            ),
        }
    )


def begun(record: Record, samples: pd.DataFrame) -> pd.DataFrame:
    """As `planned`, in a closed loop, where nothing is planned: the requests that the sender
    counted as it began them. Each is due when its sample says; one without, at the beginning.
    """
    sent = record.sent
    if sent is None or not sent.start_ns:
        return planned(record)
    count = sent.probes + sent.started
    seqs = np.arange(count, dtype=np.int64)
    known = samples[samples["seq"] < count].drop_duplicates("seq").set_index("seq")
    stream = known["stream"].astype("str").reindex(seqs, fill_value="").to_numpy(object, copy=True)
    due_ns = known["due_ns"].reindex(seqs, fill_value=sent.start_ns).to_numpy(np.int64, copy=True)
    stream[: sent.probes], due_ns[: sent.probes] = PROBE, -1
    return pd.DataFrame({"seq": seqs, "stream": pd.Series(stream, dtype="str"), "due_ns": due_ns})


def _first(seqs: pd.Series) -> tuple[int, ...]:
    return tuple(int(seq) for seq in np.sort(seqs.unique())[:EXAMPLES])


def compare(samples: pd.DataFrame, plan: pd.DataFrame) -> Completeness:
    """How samples differ from the plan, whatever order they are in."""
    seqs = samples["seq"]
    missing = plan["seq"][~plan["seq"].isin(seqs)]
    unexpected = seqs[~seqs.isin(plan["seq"])]
    doubles = seqs[seqs.duplicated()]
    both = samples[["seq", "stream", "due_ns"]].merge(plan, on="seq", suffixes=("", "_planned"))
    probe = both["due_ns_planned"] == -1
    wrong = (both["stream"].astype("str") != both["stream_planned"]) | (
        ~probe & (both["due_ns"] != both["due_ns_planned"])
    )
    return Completeness(
        missing=len(missing),
        missing_examples=_first(missing),
        duplicated=int(doubles.nunique()),
        duplicated_examples=_first(doubles),
        unexpected=len(unexpected),
        unexpected_examples=_first(unexpected),
        mismatched=int(wrong.sum()),
        mismatched_examples=_first(both["seq"][wrong]),
    )
