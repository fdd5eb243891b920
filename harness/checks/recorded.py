"""`recorded`: the log is whole: every planned request has its one sample."""

from typing import Any

from harness.analysis.history import History
from harness.analysis.phases import SECOND_NS
from harness.checks.wording import EXAMPLES, bounded, counted, seqs
from harness.model.finding import Finding, Verdict
from harness.model.outcome import Outcome

__all__ = ["check"]

NAME = "recorded"
STEP_S = 0.25
"""Slewing by NTP is at most 0.5 ms a second; more than this is a clock that was set."""
EARLY_NS = 1_000_000
"""A sender's timer may be this much early; more, and it did not keep to the schedule."""


def check(history: History) -> Finding:
    """Inconclusive where anything of the run's own record is missing, doubled or impossible."""
    problems: list[str] = []
    evidence: dict[str, Any] = {}
    _account(history, problems, evidence)
    _clock(history, problems)
    _files(history, problems, evidence)
    if history.record.sent is not None and history.record.sent.start_ns:
        _completeness(history, problems, evidence)
    _samples(history, problems, evidence)
    if problems:
        return Finding(
            check=NAME,
            verdict=Verdict.inconclusive,
            message=f"the record is not whole: {'; '.join(problems)}. Run again",
            evidence=evidence,
        )
    planned = len(history.plan)
    what = "planned request" if history.record.scenario.closed_loop is None else "request begun"
    return Finding(
        check=NAME,
        verdict=Verdict.passed,
        message=f"each of {counted(planned, what)} has its one sample",
        evidence={"planned": planned, "samples": len(history.recorded)},
    )


def _account(history: History, problems: list[str], evidence: dict[str, Any]) -> None:
    sent = history.record.sent
    if sent is None:
        problems.append("the run was never completed: the sender left no account of itself")
        return
    if not sent.start_ns:
        problems.append("the schedule never began")
    elif not (history.plan["due_ns"] >= 0).any():
        problems.append("the schedule ended before its first request was due")
    if sent.ended != "finished":
        problems.append(f"the sender ended as `{bounded(sent.ended, 200)}`, not `finished`")
    if sent.errors:
        problems.append(
            f"{counted(len(sent.errors), 'error')} in the sender, the first: "
            f"{bounded(sent.errors[0], 200)}"
        )
        evidence["sender_errors"] = [bounded(error) for error in sent.errors[:EXAMPLES]]


def _clock(history: History, problems: list[str]) -> None:
    """What logs date by the wall clock is placed by the difference of the two."""
    clocks = history.record.clocks
    if len(clocks) < 2:
        if history.record.sent is not None:
            problems.append("its clocks were not compared: whether one was set is not known")
        return
    offsets = [clock.wall_ns - clock.monotonic_ns for clock in clocks]
    step_s = (offsets[-1] - offsets[0]) / SECOND_NS
    if abs(step_s) > STEP_S:
        problems.append(
            f"the machine's clock was set by {step_s:+.3f} s in mid-run: the logs' dates mislead"
        )


def _files(history: History, problems: list[str], evidence: dict[str, Any]) -> None:
    if history.damaged:
        problems.append(f"{counted(history.damaged, 'damaged row')} in the request log")
        evidence["damaged_rows"] = history.damaged
    if history.damage:
        problems.append(f"unreadable: {', '.join(history.damage[:3])}")
        evidence["unreadable"] = list(history.damage[:EXAMPLES])


def _completeness(history: History, problems: list[str], evidence: dict[str, Any]) -> None:
    found = history.completeness
    for number, examples, key, words in (
        (found.missing, found.missing_examples, "missing", "without a sample"),
        (found.duplicated, found.duplicated_examples, "duplicated", "with several samples"),
        (found.unexpected, found.unexpected_examples, "unexpected", "that nobody planned"),
        (
            found.mismatched,
            found.mismatched_examples,
            "mismatched",
            "recorded with another stream or due time than planned",
        ),
    ):
        if number:
            problems.append(f"{counted(number, 'request')} {words} ({seqs(examples)})")
            evidence[key] = {"count": number, "first": list(examples[:EXAMPLES])}


def _samples(history: History, problems: list[str], evidence: dict[str, Any]) -> None:
    rows = history.samples
    if not len(history.requests):
        problems.append("there is no sample of any request")
        return
    not_sent = rows[rows["outcome"] == Outcome.not_sent.name]
    if len(not_sent):
        first = [int(seq) for seq in not_sent["seq"][:EXAMPLES]]
        problems.append(
            f"{counted(len(not_sent), 'request')} the sender could not send ({seqs(first)})"
        )
        evidence["not_sent"] = {"count": len(not_sent), "first": first}
    sent = rows["sent_ns"] > 0
    ok = rows["outcome"] == Outcome.ok.name
    impossible = rows[
        (ok & ~sent)
        | (sent & (rows["sent_ns"] < rows["due_ns"] - EARLY_NS))
        | (ok & (rows["finished_ns"] < rows["sent_ns"]))
        | (ok & (rows["first_byte_ns"] < rows["sent_ns"]))
        | (ok & (rows["first_byte_ns"] > rows["finished_ns"]))
        | (~ok & (rows["finished_ns"] > 0) & (rows["finished_ns"] < rows["sent_ns"]))
    ]
    if len(impossible):
        first = [int(seq) for seq in impossible["seq"][:EXAMPLES]]
        problems.append(
            f"{counted(len(impossible), 'sample')} with times that cannot be ({seqs(first)})"
        )
        evidence["impossible_times"] = {"count": len(impossible), "first": first}
