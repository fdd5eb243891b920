"""Outages with what happened around each: the step before, marks, the requests themselves."""

from collections.abc import Iterator
from typing import Final

import pandas as pd

from harness.analysis.history import History
from harness.analysis.phases import SECOND_NS
from harness.analysis.requests import FAILED, OK, UNKNOWN
from harness.analysis.series import seconds
from harness.checks.wording import describe
from harness.model.mark import Edge, Mark, MarkKind
from harness.model.result import Outage, Result
from harness.report.figures import milliseconds
from harness.report.markup import bounded, safe, table

__all__ = ["outages"]

_NEAR_S: Final = 1.0
_MARKS: Final = 16
_EXAMPLES: Final = 4
_ROWS: Final = 50
_MOST_BYTES: Final = 160_000
_ROUNDING_S: Final = 1e-6
_VERBS: Final = {Edge.begin: " begins", Edge.end: " ends", Edge.at: ""}
_TOLD: Final = ("signal", "exitCode", "blame", "text")


def outages(history: History, result: Result) -> str:
    """A table of them, then each with what happened around it, the first one open."""
    if not result.outages:
        return "<p>None: no request failed, and none stalled.</p>\n"
    head = ("from s", "to s", "kind", "failed", "slow", "streams", "phase", "step begun last")
    rows = [
        (
            f"{one.start_s:+.3f}", f"{one.end_s:+.3f}", safe(one.kind, 60), f"{one.failed:,}",
            f"{one.slow:,}", safe(", ".join(one.streams), 200), safe(one.phase, 60),
            safe(one.step or "none yet", 100),
        )
        for one in result.outages[:_ROWS]
    ]  # fmt: skip
    more = len(result.outages) - _ROWS
    return (
        table("Outages", head, rows, numbers=(0, 1, 3, 4))
        + (f"<p>{more:,} more are in result.json.</p>\n" if more > 0 else "")
        + bounded(
            (
                _around(history, outage, is_open=not index)
                for index, outage in enumerate(result.outages[:_ROWS])
            ),
            _MOST_BYTES,
            "<p>What happened around {} more is not shown.</p>\n",
        )
    )


def _around(history: History, outage: Outage, *, is_open: bool) -> str:
    lasted = milliseconds((outage.end_s - outage.start_s) * 1_000)
    marks = _near(history, outage)
    more = len(marks) - _MARKS
    shown = sorted(marks[:_MARKS], key=lambda mark: mark.at_ns)
    parts = [
        f"<details{' open' if is_open else ''}>",
        f"<summary>Around {outage.start_s:+.3f} s: ",
        f"{safe(outage.kind, 60)} for {lasted} ms</summary>",
        f"\n<p>{_before(history, outage)}</p>\n<ul class='plain marks'>\n",
        *(_mark(history, outage, mark) for mark in shown),
        f"<li><i></i><span>and {more:,} more marks</span></li>\n" if more > 0 else "",
        "</ul>\n<ul class=plain>\n",
        *_examples(history, outage),
        "</ul>\n</details>\n",
    ]
    return "".join(parts)


def _before(history: History, outage: Outage) -> str:
    if not outage.step:
        return "No step of a swap had begun."
    begun = [
        step.begin_ns
        for step in history.steps
        if step.name == outage.step and _at(history, step.begin_ns) <= outage.end_s
    ]
    since = f", begun at {_at(history, max(begun)):+.3f} s" if begun else ""
    return f"The step that had begun last: <code>{safe(outage.step, 100)}</code>{since}."


def _near(history: History, outage: Outage) -> list[Mark]:
    """Marks from 1 s before to 1 s after, those nearest to its beginning first."""
    near = [
        mark
        for mark in history.marks
        if outage.start_s - _NEAR_S <= _at(history, mark.at_ns) <= outage.end_s + _NEAR_S
    ]
    return sorted(near, key=lambda mark: abs(_at(history, mark.at_ns) - outage.start_s))


def _mark(history: History, outage: Outage, mark: Mark) -> str:
    at = _at(history, mark.at_ns)
    inside = " class=during" if outage.start_s <= at <= outage.end_s else ""
    swap = (
        f" {mark.detail['swap']}" if mark.kind is MarkKind.phase and "swap" in mark.detail else ""
    )
    told = ", ".join(f"{key} {mark.detail[key]}" for key in _TOLD if key in mark.detail)
    return (
        f"<li{inside}><time>{at:+.3f} s</time><span>{mark.kind} "
        f"<b>{safe(mark.name + swap, 100)}</b>{_VERBS[mark.edge]} {safe(told, 300)}</span></li>\n"
    )


def _examples(history: History, outage: Outage) -> Iterator[str]:
    rows = history.requests
    due = seconds(history, rows["due_ns"])
    held = rows[(due >= outage.start_s - _ROUNDING_S) & (due <= outage.end_s + _ROUNDING_S)]
    bad = held[held["state"].isin([FAILED, UNKNOWN])].sort_values(["failed_ns", "seq"])
    if not len(bad):
        slow = held[(held["state"] == OK) & ~held["slow_stream"]]
        bad = slow.nlargest(_EXAMPLES, "latency_ms")
    for _, row in bad[:_EXAMPLES].iterrows():
        yield f"<li>{_request(history, row)}</li>\n"
    left = outage.failed - _EXAMPLES
    if left > 0:
        yield f"<li>and {left:,} more failed requests</li>\n"


def _request(history: History, row: pd.Series) -> str:
    took = "" if pd.isna(row["latency_ms"]) else f", {milliseconds(row['latency_ms'])} ms"
    text = history.details.get(int(row["seq"]), "")
    quoted = f"<q>{safe(text, 300)}</q>" if text else ""
    return f"<code>{safe(describe(history, row), 400)}{took}</code> {quoted}"


def _at(history: History, moment_ns: int) -> float:
    return (moment_ns - history.start_ns) / SECOND_NS
