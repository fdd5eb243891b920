"""The verdict in one sentence, the bound that the run supports first."""

from collections.abc import Mapping, Sequence

from harness.analysis.latency import ALL_STREAMS, SWAP_WINDOW
from harness.checks import observed
from harness.checks.observed import NOT_OBSERVED
from harness.checks.wording import counted, percent
from harness.model.finding import TOLERATED, Finding, Verdict, worst
from harness.model.result import Latency, Requests
from harness.model.scenario import Scenario

__all__ = ["bound_of", "drop_bound", "sentence"]

MILESTONES = (10, 30, 100, 300, 1_000)
DOUBT = 0.05
_OF_SPEED = frozenset({"latency", "longest"})
MOST_NAMES = 4
"""Of releases, in the sentence."""


def bound_of(swaps: int) -> float:
    """Upper 95 % bound on the probability of a drop in a swap, after so many clean ones.

    1 - 0.05^(1/N): with a higher probability, N clean swaps in a row would come by chance less
    than 1 time in 20. 1: 95 %, 10: 26 %, 100: 3.0 %. Source: design.md, 7.
    """
    return float(1 - DOUBT ** (1 / swaps))


def drop_bound(swaps: int, completed: Sequence[int], findings: Sequence[Finding]) -> float | None:
    """The bound where every swap was clean; None where one was not or it cannot be known.

    Clean: all were completed, no limit was needed, and every check passed but those of the speed,
    where nothing is dropped, and `baseline`, which says nothing of this run alone.
    """
    clean = all(
        finding.verdict is Verdict.passed and TOLERATED not in finding.evidence
        for finding in findings
        if finding.check not in {*_OF_SPEED, "baseline"}
    )
    if not findings or not clean or not swaps or len(set(completed)) < swaps:
        return None
    return bound_of(swaps)


def sentence(
    scenario: Scenario,
    findings: Sequence[Finding],
    requests: Requests,
    latency_ms: Mapping[str, Mapping[str, Latency]],
    bound: float | None,
    *,
    certain_ms: float | None = None,
) -> str:
    """What the run says, with its figures; the worst findings' own words where it did not pass."""
    verdict = worst(findings)
    done = f"{counted(scenario.swaps, 'swap')} ({_how(scenario, findings)})"
    if verdict is not Verdict.passed:
        wrong = [finding for finding in findings if finding.verdict is verdict]
        if not wrong:
            return f"{verdict}: no check was made: there is no evidence; {done}"
        more = f" (and {counted(len(wrong) - 1, 'more finding')})" if len(wrong) > 1 else ""
        return f"{verdict}: {wrong[0].check}: {wrong[0].message}{more}; {done}"
    tolerated = [str(one.evidence[TOLERATED]) for one in findings if TOLERATED in one.evidence]
    if tolerated:
        return _within_limits(scenario, done, tolerated, latency_ms)
    dropped = f"dropped 0 of {counted(requests.sent, 'request')}"
    speed = latency_ms[ALL_STREAMS]
    if bound is None:
        what = done if scenario.swaps else "no swap was asked for"
        return f"{verdict}: {what}; {dropped}; p99 {_p99(speed['steady'])} steady"
    return (
        f"{verdict}: at 95 % confidence a swap drops something with a probability below "
        f"{percent(bound)} ({_trials(scenario.swaps)}): {done} {dropped}; "
        f"{_loop(scenario)}{_certain(certain_ms)}; "
        f"p99 {_p99(speed['steady'])} steady, {_p99(speed[SWAP_WINDOW])} in the swap"
    )


def _within_limits(
    scenario: Scenario,
    done: str,
    tolerated: Sequence[str],
    latency_ms: Mapping[str, Mapping[str, Latency]],
) -> str:
    """A pass in which something failed that limits allow: that is said first, and nothing of what
    clean swaps would prove.
    """
    speed = latency_ms[ALL_STREAMS]
    inside = f", {_p99(speed[SWAP_WINDOW])} in the swap" if scenario.swaps else ""
    return (
        f"{Verdict.passed}, within the limits that were set: {'; '.join(tolerated)}; "
        f"{_loop(scenario)}{done}: not clean, so it bounds no drop; "
        f"p99 {_p99(speed['steady'])} steady{inside}"
    )


def _loop(scenario: Scenario) -> str:
    """Nothing of a schedule; of a closed loop that it is one."""
    loop = scenario.closed_loop
    return "" if loop is None else f"in a closed loop of {counted(loop.users, 'user')} "


def _certain(certain_ms: float | None) -> str:
    if certain_ms is None:
        return "no length of an outage is certain to have been seen"
    return f"a total outage of {certain_ms:.1f} ms at any moment of the swap would have been seen"


def _how(scenario: Scenario, findings: Sequence[Finding]) -> str:
    """`drain, v1 to v2`: the names as planned, else as observed, as far as they are known."""
    names = list(scenario.releases)
    if not any(names):
        if not scenario.traffic.tells_release:
            return f"{scenario.swap}, {NOT_OBSERVED}"
        seen = [f.evidence.get("releases", ()) for f in findings if f.check == observed.NAME]
        names = [str(name) for name in seen[0]] if seen else []
    if len(names) < 2:
        return scenario.swap
    return (
        f"{scenario.swap}, {' to '.join(names[:MOST_NAMES])}{' to …' * (len(names) > MOST_NAMES)}"
    )


def _trials(swaps: int) -> str:
    better = next((number for number in MILESTONES if number > swaps), None)
    hint = f"; {better:,} would say {percent(bound_of(better))}" if better else ""
    return f"{counted(swaps, 'clean swap')}{hint}"


def _p99(latency: Latency) -> str:
    return "not resolved" if latency.p99 is None else f"{latency.p99:.1f} ms"
