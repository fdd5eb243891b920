"""Slow answers that are no fault of the target: sent late, on a starved machine, or while the
control waited too.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis.history import History
from harness.analysis.phases import Window, within
from harness.analysis.steal import steal_share
from harness.checks.controlled import hiccups, machine_made
from harness.checks.wording import percent

__all__ = ["Excused", "excused", "starved_windows", "without_lateness_ms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Excused:
    """Which of some slow answers are excused, a truth value each, and by what."""

    rows: npt.NDArray[np.bool_]
    why: str
    """Empty where none is."""


def excused(history: History, slow: pd.DataFrame, limits_ms: npt.NDArray[np.float64]) -> Excused:
    """Of answers that took longer than their limits, each by itself.

    Late: without the sender's own lateness it took no longer than its limit. Starved: due in a
    swap window in which more of the CPU was stolen than is allowed. Hiccup: the control explains
    it (analysis.control.explained).
    """
    if not len(slow):
        return Excused(rows=np.zeros(0, dtype=bool), why="")
    late = without_lateness_ms(history, slow) <= limits_ms
    windows, share = starved_windows(history)
    starved = np.asarray(within(slow["due_ns"], windows), dtype=bool) & ~late
    explained = machine_made(history, slow) & ~late & ~starved
    most = history.record.scenario.limits.steal_share
    told = []
    if late.any():
        told.append(f"{late.sum():,} were sent late by the sender itself")
    if starved.any():
        told.append(
            f"{starved.sum():,} fell where {percent(share)} of the CPU was stolen, more than "
            f"{percent(most)}"
        )
    if explained.any():
        told.append(
            f"{explained.sum():,} the machine explains: {hiccups(history, slow[explained])}"
        )
    return Excused(rows=late | starved | explained, why=" and ".join(told))


def without_lateness_ms(history: History, answers: pd.DataFrame) -> npt.NDArray[np.float64]:
    """What answers took without the sender's own lateness, as latency counts from the due time.

    In a closed loop a user that waits for its last answer is no lateness of the sender's.
    """
    begin_ns = answers["due_ns"].to_numpy()
    if history.record.scenario.closed_loop is not None:
        ordered = history.requests.sort_values(["connection", "sent_ns", "seq"])
        last_ns = ordered.groupby("connection")["finished_ns"].shift().fillna(0)
        begin_ns = np.maximum(begin_ns, last_ns.reindex(answers.index).to_numpy())
    late_ns = answers["sent_ns"].to_numpy() - begin_ns
    taken_ns = (answers["finished_ns"] - answers["due_ns"]).to_numpy() - late_ns
    return np.asarray(taken_ns, dtype=np.float64) / 1e6


def starved_windows(history: History) -> tuple[tuple[Window, ...], float]:
    """The swap windows in which too much was stolen, and the largest share."""
    shares = {window: steal_share(history.machine, [window]) or 0.0 for window in history.windows}
    most = history.record.scenario.limits.steal_share
    overall = steal_share(history.machine, history.windows) or 0.0
    starved = tuple(window for window, share in shares.items() if share > most)
    return starved, max([overall, *shares.values()])
