"""`latency`: a slow success is a finding too, judged against the run's own steady state."""

from collections.abc import Callable, Iterable
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
from harness.checks.excused import starved_windows, without_lateness_ms
from harness.checks.wording import EXAMPLES, percent
from harness.model.finding import Finding, Verdict

__all__ = ["check"]

NAME = "latency"
SHARE, CHANCE = 0.01, 0.95
LEAST = 10
"""Samples above the limit that a fail takes; so with fewer in all, none could be told."""
ASKED_LEAST = 100
"""Of fewer, a single one above is more than 1 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """A limit on p99."""

    limit_ms: float
    whence: str
    verdict: Callable[[int, int], Verdict]
    """Of so many answers, and so many of them above the limit."""

    def fails(self, answers: int, above: int) -> bool:
        return self.verdict(answers, above) is Verdict.failed


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

    A p99 that was asked for (`p99_ms`) is held against the same answers beside it: a p99 above it
    means that more than 1 % took longer. It passes with k <= n/100 of n >= 100 alone, as what
    cannot be told was not kept. What failed has no latency: see `no_failed_request` and `outage`.

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
    limits = history.record.scenario.limits
    if not limits.latency_factor and not limits.p99_ms:
        return _finding(Verdict.passed, "no limit on p99 is set: none is judged", {})
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
    everything = evidence["streams"][ALL_STREAMS]
    counts = " and ".join(
        f"{everything[above]:,} of {everything['in_window']:,} above {_ms(everything[limit])}"
        for above, limit in (("above", "limit_ms"), ("above_asked", "asked_ms"))
        if above in everything
    )
    return _finding(
        Verdict.passed,
        f"p99 {_ms(everything['steady_p99_ms'])} steady, "
        f"{_ms(everything['window_p99_ms'])} in the swap window; {counts}",
        evidence,
    )


def _is_judgeable(one: _Judged) -> bool:
    """Whether it has the samples that a verdict of its own takes."""
    is_asked = "asked_ms" in one.evidence
    enough = one.evidence["in_window"] >= (ASKED_LEAST if is_asked else LEAST)
    return one.verdict is Verdict.failed or (enough and (is_asked or "limit_ms" in one.evidence))


def _stream(history: History, name: str, limit: Limit | None) -> _Judged:
    """Against what is drawn from the steady state and what was asked for: the worse counts."""
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
    found = []
    limits = history.record.scenario.limits
    if limits.p99_ms:
        evidence |= {
            "above_asked": int(np.count_nonzero(window > limits.p99_ms)),
            "asked_ms": limits.p99_ms,
        }
        asked = _Rule(limit_ms=limits.p99_ms, whence="limits.p99_ms", verdict=_verdict_of_asked)
        found.append(_held(history, name, good, asked))
    if limits.latency_factor:
        if limit is None or limit.drawn_ms is None:
            words = (
                f"{name}: {len(steady)} answers in the steady state, 20 are needed; "
                "raise its rate or lengthen steady_s"
            )
            found.append((Verdict.inconclusive, words))
        else:
            evidence |= {
                "above": int(np.count_nonzero(window > limit.drawn_ms)),
                "limit_ms": _rounded(limit.drawn_ms),
                "drawn_from": limit.percentile,
                "drawn_from_ms": _rounded(limit.steady_ms),
                "drawn_from_stream": limit.of,
            }
            whose = "" if limit.of == name else " of all streams, its own is not resolved"
            whose += "" if limit.percentile == "p99" else ", stricter than p99 would be"
            whence = f"from steady {limit.percentile} {_ms(limit.steady_ms)}{whose}"
            drawn = _Rule(limit_ms=limit.drawn_ms, whence=whence, verdict=_verdict)
            found.append(_held(history, name, good, drawn))
    verdict, words = next(
        one
        for kind in (Verdict.failed, Verdict.inconclusive, Verdict.passed)
        for one in found
        if one[0] is kind
    )
    return _Judged(stream=name, verdict=verdict, words=words, evidence=evidence)


def _held(history: History, name: str, good: pd.DataFrame, rule: _Rule) -> tuple[Verdict, str]:
    """A stream's answers held against one limit; why, unless it passed."""
    inside = within(good["due_ns"], history.windows)
    window = good.loc[inside, "latency_ms"].to_numpy()
    above = int(np.count_nonzero(window > rule.limit_ms))
    verdict = rule.verdict(len(window), above)
    if verdict is Verdict.passed:
        return verdict, ""
    words = (
        f"{name}: {above:,} of {len(window):,} answers in the swap window took longer than "
        f"{_ms(rule.limit_ms)} ({rule.whence}), allowed {len(window) // 100:,}"
    )
    if verdict is Verdict.inconclusive:
        return verdict, f"{words}; too few samples to tell: raise its rate or make more swaps"
    excused = _excused(history, good, rule)
    if excused:
        return Verdict.inconclusive, f"{words}; not blamed on the target: {excused}"
    return verdict, words


def _excused(history: History, good: pd.DataFrame, rule: _Rule) -> str:
    """What else than the target made them slow, where no fail is left without it."""
    window = good[within(good["due_ns"], history.windows)]
    waited = without_lateness_ms(history, window)
    if not rule.fails(len(waited), int(np.count_nonzero(waited > rule.limit_ms))):
        return (
            "most of it passed before they were sent, as the sender "
            "itself was late; run on a quieter machine or at a lower rate"
        )
    starved, share = starved_windows(history)
    if starved and not _stands(good, rule, history.windows, starved):
        most = history.record.scenario.limits.steal_share
        return (
            f"{percent(share)} of the CPU was stolen meanwhile, more "
            f"than {percent(most)}; run on a quieter machine"
        )
    made = excuse(history, good, rule.limit_ms, rule.fails)
    return "" if made is None else f"{made}; run on a quieter machine"


def _verdict(answers: int, above: int) -> Verdict:
    if answers < LEAST:
        return Verdict.inconclusive
    if above * 100 <= answers:
        return Verdict.passed
    if above >= LEAST:
        return Verdict.failed
    return Verdict.passed if above <= _by_chance(answers) else Verdict.inconclusive


def _verdict_of_asked(answers: int, above: int) -> Verdict:
    """As `_verdict`, but that chance excuses nothing and a percentile takes a hundred answers: who
    asks for a p99 is not told that it was kept where nobody can tell.
    """
    verdict = _verdict(answers, above)
    if verdict is Verdict.passed and (answers < ASKED_LEAST or above * 100 > answers):
        return Verdict.inconclusive
    return verdict


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


def _stands(
    good: pd.DataFrame, rule: _Rule, windows: Iterable[Window], starved: tuple[Window, ...]
) -> bool:
    fed = within(good["due_ns"], [window for window in windows if window not in starved])
    latency = good.loc[fed & ~within(good["due_ns"], starved), "latency_ms"].to_numpy()
    return rule.fails(len(latency), int(np.count_nonzero(latency > rule.limit_ms)))


def _finding(verdict: Verdict, message: str, evidence: dict[str, Any]) -> Finding:
    return Finding(check=NAME, verdict=verdict, message=message, evidence=evidence)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _ms(value: float | None) -> str:
    return "not resolved" if value is None else f"{value:.1f} ms"
