"""`writes`: what was acknowledged is in the store, and nothing is there twice."""

from typing import Any

from harness.analysis.history import History
from harness.analysis.writes import Writes, resolve
from harness.checks.wording import EXAMPLES, bounded, counted, seqs
from harness.model.finding import TOLERATED, Finding, Verdict
from harness.model.scenario import Limits

__all__ = ["check"]

NAME = "writes"


def check(history: History) -> Finding:
    """Fail where more writes were lost, or doubled, than is allowed (none, by default: a lost one
    was promised to somebody). Inconclusive where the store was not read, no write was acknowledged,
    or the store holds writes that no sample explains, whatever is allowed.

    Of a target without a store that is read nothing is asked here: its unanswered writes stay
    unknown, which `no_failed_request` takes for inconclusive.
    """
    if not any(stream.write for stream in history.record.scenario.traffic.streams):
        return _finding(Verdict.passed, "no stream writes: none to hold against the store", {})
    found = resolve(history.requests, history.record.run, history.operations)
    evidence = _evidence(found)
    if not history.record.scenario.keeps_store:
        return _finding(
            Verdict.passed,
            f"{counted(found.acknowledged, 'acknowledged write')}, held against no store, as none "
            "of this target is read: what is lost or doubled behind its answers is not seen",
            evidence,
        )
    if history.operations is None:
        return _finding(
            Verdict.inconclusive,
            f"the store could not be read: {counted(found.writes, 'write')} "
            f"({found.unanswered:,} unanswered) cannot be held against it; see logs/",
            evidence,
        )
    limits = history.record.scenario.limits
    wrong = []
    if found.lost:
        wrong.append(
            f"{len(found.lost):,} of {counted(found.acknowledged, 'acknowledged write')} "
            f"not in the store ({seqs(found.lost)}{_of(limits, limits.lost_writes)})"
        )
    if found.doubled:
        wrong.append(
            f"{len(found.doubled):,} of {counted(found.writes, 'write')} applied more than once "
            f"({seqs(found.doubled)}{_of(limits, limits.doubled_writes)})"
        )
    told = "; ".join(wrong if _allows(limits) else [*wrong, "allowed 0"])
    if len(found.lost) > limits.lost_writes or len(found.doubled) > limits.doubled_writes:
        return _finding(Verdict.failed, told, evidence)
    if found.unexplained:
        return _finding(
            Verdict.inconclusive,
            f"the store holds {counted(len(found.unexplained), 'write')} of this run that no "
            f"sample explains (first {bounded(found.unexplained[0], 100)})",
            evidence,
        )
    if not found.acknowledged:
        return _finding(
            Verdict.inconclusive, "no write was acknowledged: there is nothing to verify", evidence
        )
    if wrong:
        return _finding(Verdict.passed, told, evidence | {TOLERATED: told})
    told = f"{counted(found.acknowledged, 'acknowledged write')} applied exactly once"
    if found.unanswered:
        told += (
            f"; of {found.unanswered:,} unanswered {found.applied_unanswered:,} applied, "
            f"{found.unanswered - found.applied_unanswered:,} not"
        )
    if found.repeated:
        told += f"; {len(found.repeated):,} reached the website more than once"
    return _finding(Verdict.passed, told, evidence)


def _allows(limits: Limits) -> bool:
    return bool(limits.lost_writes or limits.doubled_writes)


def _of(limits: Limits, most: int) -> str:
    return f"; allowed {most:,}" if _allows(limits) else ""


def _evidence(found: Writes) -> dict[str, Any]:
    return {
        "writes": found.writes,
        "acknowledged": found.acknowledged,
        "unanswered": found.unanswered,
        "applied_unanswered": found.applied_unanswered,
        "lost_count": len(found.lost),
        "doubled_count": len(found.doubled),
        "lost": list(found.lost[:EXAMPLES]),
        "doubled": list(found.doubled[:EXAMPLES]),
        "repeated": list(found.repeated[:EXAMPLES]),
        "unexplained": [bounded(id_, 100) for id_ in found.unexplained[:EXAMPLES]],
    }


def _finding(verdict: Verdict, message: str, evidence: dict[str, Any]) -> Finding:
    return Finding(check=NAME, verdict=verdict, message=message, evidence=evidence)
