"""`near_misses`: requests that only a second try saved, held against a limit."""

from dataclasses import asdict
from typing import Any

from harness.analysis.history import History
from harness.checks.wording import bounded, counted, seqs
from harness.model.finding import Finding, Verdict
from harness.model.result import NearMisses

__all__ = ["check"]

NAME = "near_misses"


def check(history: History) -> Finding:
    """Fail above the limit, where one is set; inconclusive where one is set and the proxies' logs
    do not tell of every request.
    """
    most = history.record.scenario.limits.near_misses
    found = history.near_misses
    lacking = _lacking(history)
    evidence = asdict(found) | {"limit": None if most < 0 else most}
    verdict = Verdict.inconclusive if lacking and most >= 0 else Verdict.passed
    if found.count:
        verdict = Verdict.failed if 0 <= most < found.count else verdict
        allowed = "" if most < 0 else f", allowed {most:,}"
        who, by_client = "a proxy", ""
        if found.by_client:
            who = "a proxy or the client"
            by_client = f", {found.by_client:,} by the client, as NGINX had not processed them"
        message = (
            f"{counted(found.count, 'request')} succeeded only because {who} tried again"
            f"{allowed}: {found.by_balancer:,} by HAProxy, {found.by_edge:,} by NGINX{by_client}"
            f"{_cost(found)} ({seqs(found.examples)})"
        )
    elif not {"edge", "balancer"} & history.logs.known:
        return _finding(verdict, "no log of a proxy tells whether it tried again", evidence)
    else:
        message = "no request was tried again by a proxy"
    if lacking:
        message += f", as far as is known: {lacking}"
    return _finding(verdict, message, evidence)


def _cost(found: NearMisses) -> str:
    if found.cost_ms is None or found.most_ms is None:
        return ""
    return f"; it cost them {found.cost_ms:.1f} ms, at most {found.most_ms:.1f} ms"


def _lacking(history: History) -> str:
    """What the proxies' logs lack; empty where they are whole."""
    logs = history.logs
    found = [
        f"{name} left no log"
        for name, component in (("NGINX", "edge"), ("HAProxy", "balancer"))
        if component not in logs.known
    ]
    if logs.unread:
        found.append(f"{counted(logs.unread, 'line')} of logs could not be read")
    if logs.missing:
        found.append(f"logs could not be gathered ({bounded(logs.missing)})")
    return "; ".join(found)


def _finding(verdict: Verdict, message: str, evidence: dict[str, Any]) -> Finding:
    return Finding(check=NAME, verdict=verdict, message=message, evidence=evidence)
