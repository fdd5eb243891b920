"""`baseline`: no worse than the run that it is held against, as far as the two can tell."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from harness.analysis.history import History
from harness.analysis.latency import SWAP_WINDOW
from harness.analysis.phases import within
from harness.analysis.requests import OK
from harness.checks.controlled import excuse
from harness.checks.wording import EXAMPLES, bounded, counted, percent
from harness.model.finding import Finding, Verdict
from harness.model.past import ALL, Past
from harness.past.facts import STEADY, past_of
from harness.past.judge import FAILED_SHARE, P99, Compared, Line, compared, rise_shown
from harness.past.wording import interval, name_of, shift, title, value

__all__ = ["check"]

NAME: Final = "baseline"
_PERCENTILE: Final = 0.01
_MOST: Final = 3


def check(history: History) -> Finding:
    """Fail where more requests failed than in the baseline, or p99 in the swap window is higher, of
    all or of a stream, and the interval of the change excludes chance (past.judge).

    Inconclusive where the two are not comparable, where the baseline was inconclusive itself, where
    a figure that is to be compared cannot be, and where a p99 is higher that is not the target's
    doing: the steady state before the swap rose as much, the sender was late, the CPU was stolen,
    or the control waited too. Failed requests stay failed.
    """
    named = history.record.scenario.baseline
    before = history.baseline
    if not named:
        return _finding(Verdict.passed, "no baseline was named", {})
    if before is None:
        message = (
            f"what was kept of the baseline {bounded(named, 100)} is gone or damaged "
            "(baseline.json); run again, or compare by hand: harness compare"
        )
        return _finding(Verdict.inconclusive, message, {"baseline": bounded(named, 200)})
    after = past_of(history)
    found = compared(before, after)
    evidence = _evidence(found)
    against = bounded(name_of(before.scenario, before.run, before.git), 200)
    if before.verdict in {None, Verdict.inconclusive}:
        message = f"the baseline {against} is no evidence: it was itself inconclusive; name another"
        return _finding(Verdict.inconclusive, message, evidence)
    if found.unlike:
        message = (
            f"not comparable with {against}: {bounded('; '.join(found.unlike))}; name a baseline "
            "that was run alike"
        )
        return _finding(Verdict.inconclusive, message, evidence)
    worse = [one for one in found.lines if one.shown == "more" and _is_judged(one)]
    excuses = {id(one): _excuse(history, found, one) for one in worse}
    blamed = [one for one in worse if not excuses[id(one)]]
    if blamed:
        told = "; ".join(_words(one) for one in blamed[:_MOST]) + _more(len(blamed))
        return _finding(Verdict.failed, f"worse than {against}: {told}", evidence)
    if worse:
        told = "; ".join(f"{_words(one)}, {excuses[id(one)]}" for one in worse[:_MOST])
        message = f"worse than {against}, and not blamed on the target: {told}{_more(len(worse))}"
        return _finding(Verdict.inconclusive, message, evidence)
    if lacking := next(_lacking(history, found), None):
        message = (
            f"{title(lacking)} cannot be held against {against}: {lacking.why}; raise the rate, or "
            "make more swaps"
        )
        return _finding(Verdict.inconclusive, message, evidence)
    held = _held(found, history.record.scenario.limits.steal_share)
    return _finding(Verdict.passed, f"not shown to be worse than {against}: {held}", evidence)


def _is_judged(line: Line) -> bool:
    return line.figure == FAILED_SHARE or line.phase == SWAP_WINDOW


def _lacking(history: History, found: Compared) -> Iterator[Line]:
    """What has to be compared for a pass: both of all requests in the swaps."""
    for line in found.lines:
        is_latency = line.figure == P99
        if line.stream == ALL and line.phase == SWAP_WINDOW and line.low is None:
            # Where every stream is slow on purpose none is judged by its latency.
            if is_latency and not history.limits:
                continue
            yield line


def _excuse(history: History, found: Compared, line: Line) -> str:
    """Why a higher p99 is not the target's doing; empty where it is."""
    if line.figure != P99 or line.before is None or line.change is None or line.low is None:
        return ""
    steady = found.line(P99, STEADY, line.stream)
    if steady and steady.shown == "more" and line.low <= (steady.high or 0.0):
        return (
            f"as the steady state, before the swap, is slower too ({shift(steady)}): the machine "
            "or the old release is not what it was"
        )
    rows = history.requests
    good = rows[rows["state"] == OK]
    good = good[~good["slow_stream"] if line.stream == ALL else good["stream"] == line.stream]
    # Above it a p99 is shown to be higher.
    limit_ms = line.before + (line.change - line.low)
    window = good[within(good["due_ns"], history.windows)]
    waited_ms = (window["finished_ns"] - window["sent_ns"]).to_numpy() / 1e6
    if not _is_above(len(waited_ms), int(np.count_nonzero(waited_ms > limit_ms))):
        return "as most of it passed before they were sent: the sender itself was late"
    stolen, allowed = found.after.steal_share, history.record.scenario.limits.steal_share
    if stolen is not None and stolen > allowed:
        return f"as {percent(stolen)} of the CPU was stolen meanwhile, more than {percent(allowed)}"
    explained = excuse(history, good, limit_ms, _is_above)
    return f"as of the slow answers, {explained}" if explained else ""


def _is_above(answers: int, slow: int) -> bool:
    """Whether a p99 is above what so many are."""
    return slow > answers * _PERCENTILE


def _words(line: Line) -> str:
    """`p99 in the swaps of get-new 31.0 ms, was 5.0 ms (+26.0 ms; +9.1 ms to +42.9 ms)`."""
    return (
        f"{bounded(title(line), 100)} {value(line.after, line.unit)}, was "
        f"{value(line.before, line.unit)} ({shift(line)}; {interval(line)})"
    )


def _more(number: int) -> str:
    return f"; and {number - _MOST} more" if number > _MOST else ""


def _held(found: Compared, allowed: float) -> str:
    """What was compared, and which change would have been shown."""
    told, shown = [], []
    for line in (found.line(FAILED_SHARE, SWAP_WINDOW), found.line(P99, SWAP_WINDOW)):
        if line is None or line.low is None:
            continue
        told.append(_words(line))
        if line.figure == P99:
            shown.append(f"a p99 some {value(line.reach, line.unit)} higher")
        elif (least := rise_shown(line, found.before.in_swaps, found.after.in_swaps)) is not None:
            sent = found.after.in_swaps.sent
            shown.append(f"{counted(least, 'failed request')} of {sent:,}")
    of_streams = sum(one.stream != ALL and one.low is not None for one in found.lines) // 2
    also = f"; p99 of {counted(of_streams, 'stream')} too" if of_streams else ""
    stolen = found.before.steal_share or 0.0
    starved = (
        f"; but {percent(stolen)} of the CPU was stolen in the baseline's swaps, which made it "
        "slower"
        if stolen > allowed
        else ""
    )
    return f"{'; '.join(told)}{also}; {' or '.join(shown)} would have been shown{starved}"


def _evidence(found: Compared) -> dict[str, Any]:
    return {
        "baseline": _of(found.before),
        "unlike": list(found.unlike),
        "compared": [
            {
                "figure": title(line),
                "was": line.before,
                "is": line.after,
                **(
                    {"from": line.low, "to": line.high, "shown": line.shown or "no change"}
                    if line.low is not None
                    else {"why not": line.why}
                ),
            }
            for line in found.lines[:EXAMPLES]
        ],
    }


def _of(past: Past) -> dict[str, Any]:
    return {
        "run": past.run,
        "scenario": bounded(past.scenario, 200),
        "verdict": past.verdict.value if past.verdict else None,
        "git": bounded(past.git, 60),
    }


def _finding(verdict: Verdict, message: str, evidence: dict[str, Any]) -> Finding:
    return Finding(check=NAME, verdict=verdict, message=message, evidence=evidence)
