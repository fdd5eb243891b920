"""`no_failed_request`: nobody was turned away, at any time of the run; or no more than allowed."""

from typing import Any

import pandas as pd

from harness.analysis.counts import count
from harness.analysis.history import History
from harness.analysis.requests import FAILED, UNKNOWN
from harness.checks.cause import blamed, evidence_of
from harness.checks.controlled import failures
from harness.checks.wording import EXAMPLES, counted, describe, example, in_phases
from harness.model.finding import TOLERATED, Finding, Verdict

__all__ = ["check"]

NAME = "no_failed_request"


def check(history: History) -> Finding:
    """Fail with one failed request, warm-up included; probes are not counted. Where a share of them
    is allowed to fail (`Limits.failed_share`): with one more than that, which is rounded down.

    Inconclusive where none failed but some are unknown, or none was sent. What the sender could
    not send is no failure of the target: `recorded` and `rate_held` see to it.

    The share is a fact of this run's requests, all of them: nothing is inferred from it, and a
    longer steady phase allows more. It excuses no request that is unknown, and loosens no other
    check: not `visits` (a session that is lost or a connection that is cut is no share of
    anything), not `writes`, nor what tells that the wrong release answered (`replaced`, `cached`).
    A run in which a request failed bounds no drop, whatever was allowed (sentence.drop_bound).
    """
    rows = history.requests
    counts = count(rows, history.plan)
    share = history.record.scenario.limits.failed_share
    most = history.record.scenario.limits.failures_of(counts.sent)
    allowed = f"allowed {most:,}" + (f" ({share * 100:g} %)" if share else "")
    failed = rows[rows["state"] == FAILED]
    unknown = rows[rows["state"] == UNKNOWN]
    evidence: dict[str, Any] = {
        "sent": counts.sent,
        "failed": counts.failed,
        "unknown": counts.unknown,
        "by_outcome": {
            str(name): int(number)
            for name, number in failed["outcome"].value_counts().items()
            if number
        },
        "examples": [
            example(history, row)
            for _, row in (failed if len(failed) else unknown)[:EXAMPLES].iterrows()
        ],
        **evidence_of(history, slow=False),
        **failures(history),
    }
    if share:
        evidence["allowed"] = most
    if counts.failed > most or (counts.failed and not counts.unknown):
        also = f"; {counts.unknown:,} more are unknown" if counts.unknown else ""
        first = describe(history, failed.sort_values(["failed_ns", "seq"]).iloc[0])
        told = f"{counts.failed:,} of {counts.sent:,} requests failed in {in_phases(failed)}, "
        told += allowed
        verdict = Verdict.failed if counts.failed > most else Verdict.passed
        if verdict is Verdict.passed:
            evidence[TOLERATED] = told
        message = f"{told}; first {first}{also}{blamed(history, slow=False)}"
        message += _again(history, failed)
    elif counts.unknown:
        verdict = Verdict.inconclusive
        others = (
            f"{counts.failed:,} others failed, {allowed}" if counts.failed else "no other failed"
        )
        message = (
            f"{counts.unknown:,} of {counts.sent:,} requests are unknown "
            f"({counted(len(unknown), 'unanswered write')} that {_unresolved(history)}, "
            f"{counts.unknown - len(unknown):,} without a sample); {others}"
        )
    elif not counts.sent:
        verdict, message = Verdict.inconclusive, "no request was sent: nothing could fail"
    else:
        verdict, message = Verdict.passed, f"0 of {counts.sent:,} requests failed"
    return Finding(check=NAME, verdict=verdict, message=message, evidence=evidence)


def _unresolved(history: History) -> str:
    if history.record.scenario.keeps_store:
        return "the store could not resolve"
    return "no store can resolve, as none of this target is read"


def _again(history: History, failed: pd.DataFrame) -> str:
    """How to play a failing swap's timing again, where it was drawn at random."""
    scenario = history.record.scenario
    swaps = failed.loc[failed["swap"] > 0, "swap"]
    if not scenario.timing.jitter_s or not len(swaps):
        return ""
    number = int(swaps.min())
    return (
        f"; swap {number}'s timing again: --seed {scenario.seed_of(number)} --swaps 1 "
        f"--jitter {scenario.timing.jitter_s:g}"
    )
