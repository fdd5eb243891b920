"""`swap_completed`: every swap that was asked for went through."""

from typing import Any, Final

from harness.analysis.history import History
from harness.analysis.latency import ALL_STREAMS
from harness.analysis.phases import Window, within
from harness.analysis.requests import OK
from harness.analysis.steal import steal_share
from harness.checks.controlled import excuse
from harness.checks.wording import EXAMPLES, at, bounded, counted, percent
from harness.model.finding import Finding, Verdict
from harness.model.mark import Mark

__all__ = ["check", "completed_swaps"]

NAME = "swap_completed"
_SLOW: Final = ("latency", "silence")
"""Causes of a rollback (swap/exposure.py) that a starved machine gives as well."""


def completed_swaps(history: History) -> tuple[int, ...]:
    """Numbers of the swaps that ended without an error.

    A swap's phase ends however it went, so an error between its beginning and the next phase's
    tells that it did not complete. One in a later phase, as in teardown, does not.
    """
    phases = history.phases
    found = []
    for index, phase in enumerate(phases):
        later = phases[index + 1].begin_ns if index + 1 < len(phases) else history.last_ns + 1
        broken = any(phase.begin_ns <= error.at_ns <= later for error in history.errors)
        if phase.name == "swap" and phase.ended and not broken:
            found.append(phase.swap)
    return tuple(found)


def check(history: History) -> Finding:
    """Fail where the release is to blame, inconclusive where the harness is or a swap lacks.

    A release that was taken back because it was slow or silent is not to blame where the machine
    was starved while it was watched, or where the control explains why its answers were slow.
    """
    wanted = history.record.scenario.swaps
    ended = [phase for phase in history.phases if phase.name == "swap" and phase.ended]
    evidence: dict[str, Any] = {
        "asked": wanted,
        "ended": len(ended),
        "errors": [
            f"{at(history, mark.at_ns)} {_text(mark)}" for mark in history.errors[:EXAMPLES]
        ],
    }
    for mark in history.errors[:1]:
        if trace := str(mark.detail.get("traceback", "")):
            evidence["traceback"] = [bounded(line) for line in trace.splitlines()[-EXAMPLES:]]
    blamed = [mark for mark in history.errors if mark.detail.get("blame") == "release"]
    if blamed:
        told = f"the deploy failed at {at(history, blamed[0].at_ns)}: {_text(blamed[0])}"
        excused = _excuse(history, blamed[0])
        if excused:
            told += f"; not blamed on the release: {excused}; run on a quieter machine"
        return Finding(
            check=NAME,
            verdict=Verdict.inconclusive if excused else Verdict.failed,
            message=told,
            evidence=evidence,
        )
    if history.errors:
        first = history.errors[0]
        return Finding(
            check=NAME,
            verdict=Verdict.inconclusive,
            message=(
                f"the harness had an error of its own at {at(history, first.at_ns)}: {_text(first)}"
            ),
            evidence=evidence,
        )
    if len(ended) < wanted:
        return Finding(
            check=NAME,
            verdict=Verdict.inconclusive,
            message=(
                f"{len(ended)} of {counted(wanted, 'swap')} ended, and no error says why; "
                "see marks.jsonl, and run again"
            ),
            evidence=evidence,
        )
    return Finding(
        check=NAME,
        verdict=Verdict.passed,
        message=f"{counted(wanted, 'swap')} completed" if wanted else "no swap was asked for",
        evidence=evidence,
    )


def _excuse(history: History, failed: Mark) -> str | None:
    """What made a release slow that was taken back for it; None where it is to blame itself."""
    judged = [mark for mark in history.marks if mark.detail.get("cause")]
    judged = [mark for mark in judged if mark.at_ns <= failed.at_ns]
    if not judged or judged[-1].detail["cause"] not in _SLOW:
        return None
    last = judged[-1]
    swap = int(last.detail.get("swap", 0))
    watched = Window(
        swap=swap, begin_ns=int(last.detail.get("since_ns", last.at_ns)), end_ns=last.at_ns
    )
    most = history.record.scenario.limits.steal_share
    share = steal_share(history.machine, [watched]) or 0.0
    if share > most:
        return f"{percent(share)} of the CPU was stolen meanwhile, more than {percent(most)}"
    limit = history.limits.get(ALL_STREAMS)
    if limit is None:
        return None
    rows = history.requests
    good = rows[(rows["state"] == OK) & ~rows["slow_stream"] & within(rows["due_ns"], [watched])]
    good = good[good["release"] == history.record.scenario.releases_of(swap)[1]]
    return excuse(history, good, limit.limit_ms, lambda answers, slow: slow * 100 > answers)


def _text(mark: Mark) -> str:
    detail = mark.detail
    text = detail.get("text") or detail.get("message") or ""
    # What a container printed last may be in it, a line each.
    lines = (f"{mark.name}: {text}" if text else mark.name).splitlines()
    return bounded(" | ".join(line.strip() for line in lines if line.strip()))
