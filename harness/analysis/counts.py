"""How many requests there were, and what became of them."""

import pandas as pd

from harness.analysis.requests import FAILED, NOT_SENT, OK, UNKNOWN
from harness.model.result import Requests
from harness.model.traffic import PROBE

__all__ = ["count"]


def count(requests: pd.DataFrame, plan: pd.DataFrame) -> Requests:
    """Counts, probes left out: planned >= sent = ok + failed + unknown.

    Planned is what the schedule or the log knows of, each seq once: a request that was sent
    without a plan counts too. Sent is all of that but what the sender says it could not send.
    A planned request without a sample counts as sent and unknown: nobody knows. An unanswered
    write is failed once the store was read, unknown before.
    """
    states = {str(name): number for name, number in requests["state"].value_counts().items()}
    due = plan.loc[plan["stream"] != PROBE, "seq"]
    missing = int((~due.isin(requests["seq"])).sum())
    ok, failed = int(states.get(OK, 0)), int(states.get(FAILED, 0))
    unknown = int(states.get(UNKNOWN, 0)) + missing
    outcomes = requests["outcome"].value_counts()
    return Requests(
        planned=ok + failed + unknown + int(states.get(NOT_SENT, 0)),
        sent=ok + failed + unknown,
        ok=ok,
        failed=failed,
        unknown=unknown,
        missing=missing,
        by_outcome={str(name): int(number) for name, number in outcomes.items() if number},
    )
