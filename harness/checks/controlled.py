"""What the control says of slow and failed requests: whether the machine hiccuped meanwhile."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis.control import blips, explained
from harness.analysis.history import History
from harness.analysis.phases import within
from harness.analysis.requests import FAILED, OK
from harness.checks.wording import at, bounded, counted

__all__ = ["evidence", "excuse", "failures", "hiccups", "machine_made"]

_NS = 1e6


def excuse(
    history: History, good: pd.DataFrame, limit_ms: float, fails: Callable[[int, int], bool]
) -> str | None:
    """What kept the control waiting too, where no fail is left without the slow answers that it
    explains; None where one is, or where it explains none.

    `good` are a stream's answers, `fails` says of so many, and so many of them slow, whether that
    is a fail. What is explained is left out of both numbers.
    """
    window = good[within(good["due_ns"], history.windows)]
    slow = window[window["latency_ms"] > limit_ms]
    is_explained = machine_made(history, slow)
    number = int(is_explained.sum())
    if not number or fails(len(window) - number, len(slow) - number):
        return None
    return f"{number:,} of them the machine explains: {hiccups(history, slow[is_explained])}"


def machine_made(history: History, answers: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which of the answers the control explains (analysis.control.explained)."""
    if history.control is None or not len(answers):
        return np.zeros(len(answers), dtype=bool)
    rows = history.requests
    steady = rows[(rows["state"] == OK) & (rows["phase"] == "steady")]
    medians = steady.groupby("stream", observed=True)["latency_ms"].median()
    # Of a stream without a steady state the whole latency counts: more is then to be explained.
    usual_ms = answers["stream"].astype("str").map(medians).fillna(0.0).to_numpy(dtype=float)
    excess_ns = (answers["latency_ms"].to_numpy() - usual_ms) * _NS
    return explained(
        history.control,
        answers["due_ns"].to_numpy(),
        answers["finished_ns"].to_numpy(),
        np.maximum(excess_ns, 0.0).astype(np.int64),
    )


def hiccups(history: History, answers: pd.DataFrame) -> str:
    """``the control, which the swap does not touch, waited 140 ms at +4.200 s too``: the longest of
    its blips that met one of the answers.
    """
    due, finished = answers["due_ns"].to_numpy(), answers["finished_ns"].to_numpy()
    lasting = blips(history.control) if history.control is not None else ()
    met = [(begin, end) for begin, end in lasting if bool(((due < end) & (finished > begin)).any())]
    begin, end = max(met, key=lambda blip: blip[1] - blip[0])
    more = f" (and {counted(len(met) - 1, 'more time')})" if len(met) > 1 else ""
    return (
        f"the control, which the swap does not touch, waited {(end - begin) / _NS:.0f} ms at "
        f"{at(history, begin)} too{more}"
    )


def evidence(history: History) -> Mapping[str, Any]:
    """What the control saw in the swap windows, or that there was none; nothing where none was
    asked for.
    """
    if not history.record.scenario.control:
        return {}
    found = history.control_figures
    why = f": {bounded(found.errors[0], 200)}" if found.errors else ""
    if not _was_there(history):
        return {"control": f"there was no control in the swap window{why}"}
    told = (
        f"{counted(found.in_window, 'answer')} in the swap window, the slowest after "
        f"{found.max_ms:.1f} ms"
        if found.max_ms is not None
        else "no right answer in the swap window"
    )
    return {"control": f"{told}{why}"}


def failures(history: History) -> Mapping[str, Any]:
    """That the machine hiccuped, where requests to the control failed too."""
    if history.control is None:
        return {}
    rows = history.control.requests
    failed = rows[rows["state"] == FAILED]
    if not len(failed):
        return {}
    first = failed.sort_values(["failed_ns", "seq"]).iloc[0]
    return {
        "control": (
            f"{len(failed):,} of {counted(len(rows), 'request')} to the control, which the swap "
            f"does not touch, failed too, first {first['outcome']} at "
            f"{at(history, int(first['failed_ns']))}: the machine hiccuped, or the way; what "
            "failed stays failed"
        )
    }


def _was_there(history: History) -> bool:
    found = history.control
    return found is not None and bool(within(found.requests["due_ns"], history.windows).any())
