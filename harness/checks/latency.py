"""`latency`: a slow success is a finding too, judged against the run's own steady state."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.analysis.history import History
from harness.analysis.latency import ALL_STREAMS, Limit, percentile
from harness.analysis.phases import Window, within
from harness.analysis.requests import OK
from harness.analysis.steal import steal_share
from harness.checks.cause import blamed, evidence_of
from harness.checks.controlled import evidence as of_control
from harness.checks.controlled import excuse
from harness.checks.wording import EXAMPLES, percent
from harness.model.finding import Finding, Verdict

__all__ = ["check"]

NAME = "latency"
SHARE, CHANCE = 0.01, 0.95
LEAST = 10
"""Samples above the limit that a fail takes; so with fewer in all, none could be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    stream: str
    verdict: Verdict
    words: str
    """Why, unless it passed."""
    evidence: dict[str, Any]


def check(history: History) -> Finding:
    """By stream that is not slow on purpose, and for `all`: of n successes in the swap window,
    k took longer than the limit. Fail: k >= 10 and k > n/100. Pass: k <= n/100, or so few that a
    share of 1 % gives as many by chance (in 1 of 20 cases): of 89 answers one to three say nothing
    against the stream. Between them, or with n < 10, or with fewer than 20 samples in the steady
    state: inconclusive.

    A fail stands on the windows in which the machine was not starved alone; where it does not
    stand there it is inconclusive. Where steal was not measured a fail stands.

    It must also stand without the slow answers that the control explains: what kept waiting a stub
    that the swap does not touch was the machine. Without a control a fail stands.

    It must also stand without the sender's own lateness: latency counts from the due time, but
    what passed before a request was sent is no fault of the target, which cannot delay it.
    """
    if not history.limits:
        return _finding(Verdict.passed, "every stream is slow on purpose: none is judged", {})
    if not history.windows:
        if not history.record.scenario.swaps:
            return _finding(Verdict.passed, "no swap was asked for: none is judged", {})
        return _finding(Verdict.inconclusive, "no swap was begun: latency has no window", {})
    judged = [_stream(history, name, limit) for name, limit in history.limits.items()]
    if history.record.scenario.closed_loop is not None:
        # How often its users ask is the locustfile's choice: what is rare counts in `all` alone.
        judged = [one for one in judged if one.stream == ALL_STREAMS or _is_judgeable(one)]
    steal = steal_share(history.machine, history.windows)
    evidence: dict[str, Any] = {
        "steal_share": None if steal is None else round(steal, 4),
        "streams": {one.stream: one.evidence for one in judged[:EXAMPLES]},
        **evidence_of(history, slow=True),
        **of_control(history),
    }
    for verdict in (Verdict.failed, Verdict.inconclusive):
        wrong = [one for one in judged if one.verdict is verdict]
        if wrong:
            more = f"; and {len(wrong) - 3} more" if len(wrong) > 3 else ""
            words = "; ".join(one.words for one in wrong[:3]) + more
            return _finding(verdict, words + blamed(history, slow=True), evidence)
    everything = evidence["streams"][ALL_STREAMS] if judged else {}
    return _finding(
        Verdict.passed,
        f"p99 {_ms(everything['steady_p99_ms'])} steady, "
        f"{_ms(everything['window_p99_ms'])} in the swap window; "
        f"{everything['above']:,} of {everything['in_window']:,} above "
        f"{_ms(everything['limit_ms'])}",
        evidence,
    )


def _is_judgeable(one: _Judged) -> bool:
    """Whether it has the samples that a verdict of its own takes."""
    return one.evidence["in_window"] >= LEAST and "limit_ms" in one.evidence


def _stream(history: History, name: str, limit: Limit | None) -> _Judged:
    good = history.requests[history.requests["state"] == OK]
    chosen = ~good["slow_stream"] if name == ALL_STREAMS else good["stream"] == name
    good = good[chosen]
    window = good.loc[within(good["due_ns"], history.windows), "latency_ms"].to_numpy()
    steady = good.loc[good["phase"] == "steady", "latency_ms"].to_numpy()
    evidence: dict[str, Any] = {
        "steady": len(steady),
        "in_window": len(window),
        "steady_p99_ms": _rounded(percentile(steady, 990)),
        "window_p99_ms": _rounded(percentile(window, 990)),
    }
    if limit is None:
        words = (
            f"{name}: {len(steady)} answers in the steady state, 20 are needed; "
            "raise its rate or lengthen steady_s"
        )
        return _judged(name, Verdict.inconclusive, words, evidence)
    above = int(np.count_nonzero(window > limit.limit_ms))
    evidence |= {
        "above": above,
        "limit_ms": _rounded(limit.limit_ms),
        "drawn_from": limit.percentile,
        "drawn_from_ms": _rounded(limit.steady_ms),
        "drawn_from_stream": limit.of,
    }
    verdict = _verdict(len(window), above)
    if verdict is Verdict.passed:
        return _judged(name, verdict, "", evidence)
    whose = "" if limit.of == name else " of all streams, its own is not resolved"
    whose += "" if limit.percentile == "p99" else ", stricter than p99 would be"
    words = (
        f"{name}: {above:,} of {len(window):,} answers in the swap window took longer than "
        f"{_ms(limit.limit_ms)} (from steady {limit.percentile} {_ms(limit.steady_ms)}{whose}), "
        f"allowed {len(window) // 100:,}"
    )
    if verdict is Verdict.inconclusive:
        words += "; too few samples to tell: raise its rate or make more swaps"
        return _judged(name, verdict, words, evidence)
    waited = (good["finished_ns"] - good["sent_ns"]).to_numpy() / 1e6
    waited = waited[within(good["due_ns"], history.windows)]
    if _verdict(len(waited), int(np.count_nonzero(waited > limit.limit_ms))) is not Verdict.failed:
        words += (
            "; not blamed on the target: most of it passed before they were sent, as the sender "
            "itself was late; run on a quieter machine or at a lower rate"
        )
        return _judged(name, Verdict.inconclusive, words, evidence)
    starved, share = _starved(history)
    if starved and not _stands(good, limit, history.windows, starved):
        words += (
            f"; not blamed on the target: {percent(share)} of the CPU was stolen meanwhile, more "
            f"than {percent(history.record.scenario.limits.steal_share)}; run on a quieter machine"
        )
        return _judged(name, Verdict.inconclusive, words, evidence)
    excused = excuse(history, good, limit.limit_ms, _fails)
    if excused is not None:
        words += f"; not blamed on the target: {excused}; run on a quieter machine"
        return _judged(name, Verdict.inconclusive, words, evidence)
    return _judged(name, verdict, words, evidence)


def _verdict(answers: int, above: int) -> Verdict:
    if answers < LEAST:
        return Verdict.inconclusive
    if above * 100 <= answers:
        return Verdict.passed
    if above >= LEAST:
        return Verdict.failed
    return Verdict.passed if above <= _by_chance(answers) else Verdict.inconclusive


def _fails(answers: int, above: int) -> bool:
    return _verdict(answers, above) is Verdict.failed


def _by_chance(answers: int) -> int:
    """The most that a share of 1 % gives in 19 of 20 cases: the binomial's 95 % quantile, below 10.

    Example: 3 of 89, as 4 or more come in 1.3 % of cases, and 3 or more in 6 %.
    """
    most, held = 0, (1 - SHARE) ** answers
    term = held
    while held < CHANCE and most < LEAST - 1:
        term *= (answers - most) / (most + 1) * SHARE / (1 - SHARE)
        most += 1
        held += term
    return most


def _starved(history: History) -> tuple[tuple[Window, ...], float]:
    """The windows in which too much was stolen, and the largest share."""
    shares = {window: steal_share(history.machine, [window]) or 0.0 for window in history.windows}
    most = history.record.scenario.limits.steal_share
    overall = steal_share(history.machine, history.windows) or 0.0
    starved = tuple(window for window, share in shares.items() if share > most)
    return starved, max([overall, *shares.values()])


def _stands(
    good: pd.DataFrame, limit: Limit, windows: Iterable[Window], starved: tuple[Window, ...]
) -> bool:
    fed = within(good["due_ns"], [window for window in windows if window not in starved])
    latency = good.loc[fed & ~within(good["due_ns"], starved), "latency_ms"].to_numpy()
    above = int(np.count_nonzero(latency > limit.limit_ms))
    return _verdict(len(latency), above) is Verdict.failed


def _judged(stream: str, verdict: Verdict, words: str, evidence: dict[str, Any]) -> _Judged:
    return _Judged(stream=stream, verdict=verdict, words=words, evidence=evidence)


def _finding(verdict: Verdict, message: str, evidence: dict[str, Any]) -> Finding:
    return Finding(check=NAME, verdict=verdict, message=message, evidence=evidence)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _ms(value: float | None) -> str:
    return "not resolved" if value is None else f"{value:.1f} ms"
