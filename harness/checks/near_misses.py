"""`near_misses`: requests that only a proxy's second try saved, held against a limit."""

from dataclasses import asdict

from harness.analysis.history import History
from harness.checks.wording import counted, seqs
from harness.model.finding import Finding, Verdict

__all__ = ["check"]

NAME = "near_misses"


def check(history: History) -> Finding:
    """Fail above the limit, where one is set; inconclusive where one is set and no log tells."""
    most = history.record.scenario.limits.near_misses
    found = history.near_misses
    evidence = asdict(found) | {"limit": None if most < 0 else most}
    if not {"edge", "balancer"} & history.logs.known:
        verdict = Verdict.passed if most < 0 else Verdict.inconclusive
        message = "no log of a proxy tells whether it tried again"
    elif not found.count:
        verdict, message = Verdict.passed, "no request was tried again by a proxy"
    else:
        verdict = Verdict.failed if 0 <= most < found.count else Verdict.passed
        allowed = "" if most < 0 else f", allowed {most:,}"
        message = (
            f"{counted(found.count, 'request')} succeeded only because a proxy tried again"
            f"{allowed}: {found.by_balancer:,} by HAProxy, {found.by_edge:,} by NGINX; it cost "
            f"them {found.cost_ms:.1f} ms, at most {found.most_ms:.1f} ms ({seqs(found.examples)})"
        )
    return Finding(check=NAME, verdict=verdict, message=message, evidence=evidence)
