"""`crossed`: requests that are slow on purpose were in flight across the swap's steps."""

import numpy as np

from harness.analysis.history import History
from harness.checks.wording import EXAMPLES, at, bounded
from harness.model.finding import Finding, Verdict
from harness.model.mark import MarkKind

__all__ = ["check"]

NAME = "crossed"


def check(history: History) -> Finding:
    """Inconclusive where, at a step's beginning or end, a slow stream had nothing in flight.

    In flight: sent_ns <= moment < finished_ns.
    """
    slow = [stream.name for stream in history.record.scenario.traffic.streams if stream.slow]
    if not slow:
        return Finding(
            check=NAME, verdict=Verdict.passed, message="no stream is slow on purpose: none asked"
        )
    marks = [mark for mark in history.marks if mark.kind is MarkKind.step]
    if not marks:
        swaps = history.record.scenario.swaps
        return Finding(
            check=NAME,
            verdict=Verdict.inconclusive if swaps else Verdict.passed,
            message="no step of a swap was marked: nothing could be in flight across one"
            if swaps
            else "no swap was asked for: there is no step to cross",
        )
    missed = []
    rows = history.requests[history.requests["sent_ns"] > 0]
    for stream in slow:
        own = rows[rows["stream"] == stream]
        begins = np.sort(own["sent_ns"].to_numpy())
        # Without an end it is in flight for as long as anything is known.
        finished = own["finished_ns"].to_numpy()
        ends = np.sort(np.where(finished > 0, finished, history.last_ns + 1))
        for mark in marks:
            begun = np.searchsorted(begins, mark.at_ns, side="right")
            ended = np.searchsorted(ends, mark.at_ns, side="right")
            if begun <= ended:
                missed.append(
                    f"{stream} at the {mark.edge} of `{bounded(mark.name, 100)}` "
                    f"({at(history, mark.at_ns)})"
                )
    if missed:
        return Finding(
            check=NAME,
            verdict=Verdict.inconclusive,
            message=(
                f"nothing was in flight across a step: {missed[0]}"
                f"{f' and {len(missed) - 1:,} more' if len(missed) > 1 else ''}; "
                "raise the stream's rate or let its requests take longer"
            ),
            evidence={"missed": missed[:EXAMPLES], "count": len(missed), "marks": len(marks)},
        )
    return Finding(
        check=NAME,
        verdict=Verdict.passed,
        message=f"{', '.join(slow[:6])}: in flight at each of {len(marks)} marks of steps",
        evidence={"streams": slow[:EXAMPLES], "marks": len(marks)},
    )
