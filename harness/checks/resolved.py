"""`resolved`: how short an outage the run would have seen, held against what was asked for."""

from typing import Any

from harness.analysis.history import History
from harness.analysis.resolution import TOTAL
from harness.checks.wording import EXAMPLES
from harness.model.finding import Finding, Verdict

__all__ = ["check", "remedy"]

NAME = "resolved"
_SPARE = 0.8
"""Of the asked-for length, what the arrivals' interval may take: starts are late at times."""


def check(history: History) -> Finding:
    """Inconclusive where a total outage of the asked-for length could have hidden in a swap.

    Says which rate would show it, where the interval between arrivals is too long; else it is the
    machine that starts requests too unevenly.
    """
    asked_ms = history.record.scenario.limits.resolve_ms
    found = history.certain_outage_ms
    certain_ms = found.get(TOTAL)
    evidence: dict[str, Any] = {
        "asked_ms": asked_ms or None,
        "certain_outage_ms": dict(list(found.items())[: EXAMPLES + 3]),
    }
    if not history.windows:
        verdict = (
            Verdict.inconclusive if asked_ms and history.record.scenario.swaps else Verdict.passed
        )
        return _finding(verdict, "no swap was begun: there is nothing to resolve", evidence)
    if certain_ms is None:
        verdict = Verdict.inconclusive if asked_ms else Verdict.passed
        return _finding(verdict, "no length of an outage is certain to have been seen", evidence)
    seen = f"the largest gap between two requests sent in a swap is {certain_ms:.1f} ms"
    if not asked_ms:
        return _finding(
            Verdict.passed, f"{seen}: an outage of that length was sure to be seen", evidence
        )
    if certain_ms <= asked_ms:
        return _finding(Verdict.passed, f"{seen}, {asked_ms:g} ms were asked for", evidence)
    return _finding(
        Verdict.inconclusive,
        f"{seen}, and an outage of {asked_ms:g} ms was to be seen: {remedy(history, asked_ms)}",
        evidence,
    )


def remedy(history: History, asked_ms: float) -> str:
    """What makes an outage of that length sure to be seen, where it is not."""
    if history.record.scenario.closed_loop is not None:
        return "more --users, or a shorter wait_time in the locustfile, would show it"
    needed_hz = 1_000 / (asked_ms * _SPARE)
    if needed_hz > history.record.scenario.traffic.rate_hz:
        return f"--rate {needed_hz:.0f} or more would show it"
    return "this machine starts requests too unevenly for it at this rate: take a quieter one"


def _finding(verdict: Verdict, message: str, evidence: dict[str, Any]) -> Finding:
    return Finding(check=NAME, verdict=verdict, message=message, evidence=evidence)
