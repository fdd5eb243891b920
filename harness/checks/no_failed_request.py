"""`no_failed_request`: nobody was turned away, at any time of the run."""

import pandas as pd

from harness.analysis.counts import count
from harness.analysis.history import History
from harness.analysis.requests import FAILED, UNKNOWN
from harness.checks.cause import blamed, evidence_of
from harness.checks.controlled import failures
from harness.checks.wording import EXAMPLES, counted, describe, example, in_phases
from harness.model.finding import Finding, Verdict

__all__ = ["check"]

NAME = "no_failed_request"


def check(history: History) -> Finding:
    """Fail with one failed request, warm-up included; probes are not counted.

    Inconclusive where none failed but some are unknown, or none was sent. What the sender could
    not send is no failure of the target: `recorded` and `rate_held` see to it.
    """
    rows = history.requests
    counts = count(rows, history.plan)
    failed = rows[rows["state"] == FAILED]
    unknown = rows[rows["state"] == UNKNOWN]
    evidence = {
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
    if counts.failed:
        also = f"; {counts.unknown:,} more are unknown" if counts.unknown else ""
        first = describe(history, failed.sort_values(["failed_ns", "seq"]).iloc[0])
        verdict = Verdict.failed
        message = (
            f"{counts.failed:,} of {counts.sent:,} requests failed in {in_phases(failed)}, "
            f"allowed 0; first {first}{also}{blamed(history, slow=False)}"
            f"{_again(history, failed)}"
        )
    elif counts.unknown:
        verdict = Verdict.inconclusive
        message = (
            f"{counts.unknown:,} of {counts.sent:,} requests are unknown "
            f"({counted(len(unknown), 'unanswered write')} that {_unresolved(history)}, "
            f"{counts.unknown - len(unknown):,} without a sample); no other failed"
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
