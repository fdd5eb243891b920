"""`longest`: no answer in the swap took longer than a limit on the longest, where one is set."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis.history import History
from harness.analysis.latency import ALL_STREAMS
from harness.analysis.phases import within
from harness.analysis.requests import OK
from harness.checks.excused import excused
from harness.checks.wording import EXAMPLES, counted, describe, example
from harness.model.finding import Finding, Verdict

__all__ = ["check"]

NAME = "longest"


def check(history: History) -> Finding:
    """Fail where one success in the swap window took longer than `max_ms`, or than `max_factor` x
    the steady p99 of its stream. Streams that are slow on purpose are not judged, nor what failed.

    The factor counts from the steady p99, not from the steady longest: that is a single answer,
    which any hiccup moves, and which grows with the length of the steady phase. Inconclusive where
    that p99 is not resolved.

    It is a plain fact, so no number of answers is needed; but each one that is late by the sender's
    own lateness, that fell into a starved window, or that the control explains is not blamed on the
    target, and where no other is left the finding is inconclusive.
    """
    limits = history.record.scenario.limits
    is_asked = bool(limits.max_ms or limits.max_factor)
    wanting = Verdict.inconclusive if is_asked else Verdict.passed
    if not history.windows:
        verdict = wanting if history.record.scenario.swaps else Verdict.passed
        return _finding(verdict, "no swap was begun: there is no longest answer in it", {})
    rows = history.requests
    judged = rows[(rows["state"] == OK) & ~rows["slow_stream"]]
    judged = judged[within(judged["due_ns"], history.windows)]
    if rows["slow_stream"].all() and len(rows):
        return _finding(Verdict.passed, "every stream is slow on purpose: none is judged", {})
    if not len(judged):
        return _finding(wanting, "no answer succeeded in the swap window", {})
    slowest = judged.iloc[int(judged["latency_ms"].to_numpy().argmax())]
    evidence: dict[str, Any] = {"longest_ms": round(float(slowest["latency_ms"]), 3)}
    told = f"the longest answer in the swap window took {slowest['latency_ms']:.1f} ms"
    if not is_asked:
        return _finding(Verdict.passed, told, evidence)
    most_ms = _most_ms(history, judged)
    evidence["max_ms"] = limits.max_ms or None
    evidence["max_factor"] = limits.max_factor or None
    above = (judged["latency_ms"] > most_ms).to_numpy()
    if above.any():
        return _too_long(history, judged, above, most_ms, evidence)
    unresolved = _unresolved(history)
    if unresolved:
        return _finding(
            Verdict.inconclusive,
            f"{told}, and limits.max_factor cannot be held against it: the steady p99 of "
            f"{', '.join(unresolved[:3])} is not resolved; raise its rate or lengthen steady_s",
            evidence | {"unresolved": unresolved[:EXAMPLES]},
        )
    return _finding(Verdict.passed, f"{told}, allowed {_span(most_ms)}", evidence)


def _too_long(
    history: History,
    judged: pd.DataFrame,
    above: npt.NDArray[np.bool_],
    most_ms: npt.NDArray[np.float64],
    evidence: dict[str, Any],
) -> Finding:
    long = judged[above].assign(most_ms=most_ms[above])
    found = excused(history, long, most_ms[above])
    blamed = long[~found.rows]
    shown = blamed if len(blamed) else long
    first = shown.iloc[int(shown["latency_ms"].to_numpy().argmax())]
    evidence["examples"] = [
        example(history, row)
        for _, row in shown.sort_values("latency_ms", ascending=False)[:EXAMPLES].iterrows()
    ]
    told = (
        f"{len(long):,} of {counted(len(judged), 'answer')} in the swap window took longer than "
        f"{_span(long['most_ms'].to_numpy())}, allowed 0; {first['latency_ms']:.1f} ms took "
        f"{describe(history, first)}"
    )
    if not len(blamed):
        return _finding(
            Verdict.inconclusive,
            f"{told}; not blamed on the target: {found.why}; run on a quieter machine",
            evidence,
        )
    other = f"; of the others {found.why}" if found.why else ""
    return _finding(Verdict.failed, f"{told}{other}", evidence)


def _most_ms(history: History, judged: pd.DataFrame) -> npt.NDArray[np.float64]:
    """What each answer may take; without end where that is not known."""
    by_stream = {name: limit.longest_ms for name, limit in history.limits.items() if limit}
    most = judged["stream"].astype("str").map(by_stream).astype(float).fillna(np.inf)
    return np.asarray(most, dtype=np.float64)


def _unresolved(history: History) -> list[str]:
    """Streams without a steady p99, where the factor needs it. In a closed loop how often a stream
    is asked is the locustfile's choice, so there, as in `latency`, `all` alone must have it.
    """
    scenario = history.record.scenario
    if not scenario.limits.max_factor:
        return []
    return [
        name
        for name, limit in history.limits.items()
        if (limit is None or limit.percentile != "p99")
        and (name == ALL_STREAMS or scenario.closed_loop is None)
    ]


def _span(most_ms: npt.NDArray[np.float64]) -> str:
    """`250.0 ms`; `15.0 to 24.0 ms` where streams have limits of their own."""
    least, most = (f"{value:.1f}" for value in (most_ms.min(), most_ms.max()))
    return f"{most} ms" if least == most else f"{least} to {most} ms"


def _finding(verdict: Verdict, message: str, evidence: dict[str, Any]) -> Finding:
    return Finding(check=NAME, verdict=verdict, message=message, evidence=evidence)
