"""`rate_held` in a closed loop: the sender kept up with its users."""

import numpy as np

from harness.analysis.history import History
from harness.analysis.latency import percentile
from harness.analysis.phases import SECOND_NS
from harness.checks.wording import counted, percent
from harness.model.finding import Finding, Verdict

__all__ = ["of_users"]

NAME = "rate_held"


def of_users(history: History) -> Finding:
    """Inconclusive where of the requests that were due in a second less than `sent_share` was begun
    at most `late_ms` after its user could: after it was due, and after the user's last answer.

    What a user begins late because its last answer came late is no fault of the sender's: its
    latency counts from when it was due, and what was never begun meanwhile is said.
    """
    scenario = history.record.scenario
    loop, limits, sent = scenario.closed_loop, scenario.limits, history.record.sent
    rows = history.requests
    if loop is None or sent is None or not len(rows):
        return Finding(
            check=NAME,
            verdict=Verdict.inconclusive,
            message="no request of a user is known. Run again",
        )
    ordered = rows.sort_values(["connection", "sent_ns", "seq"])
    last_ns = ordered.groupby("connection")["finished_ns"].shift().fillna(0)
    lag_ms = (ordered["sent_ns"] - np.maximum(ordered["due_ns"], last_ns)).to_numpy() / 1e6
    second = ((ordered["sent_ns"] - history.start_ns) // SECOND_NS).clip(lower=0).to_numpy()
    due = np.bincount(second)
    kept = np.bincount(second, weights=lag_ms <= limits.late_ms)
    share = np.divide(kept, due, out=np.ones(len(due)), where=due > 0)
    worst = int(share.argmin())
    whole = due[1:-1] if len(due) > 2 else due
    evidence = {
        "users": loop.users,
        "seen_users": int(ordered["connection"].nunique()),
        "per_second": {"least": int(whole.min()), "most": int(whole.max())},
        "left_out": sent.left_out,
        "worst_second": worst,
        "worst_due": int(due[worst]),
        "worst_in_time": int(kept[worst]),
        "lag_ms": {
            "p50": _rounded(percentile(lag_ms, 500)),
            "p99": _rounded(percentile(lag_ms, 990)),
            "max": _rounded(float(lag_ms.max())),
        },
    }
    if share[worst] < limits.sent_share:
        return Finding(
            check=NAME,
            verdict=Verdict.inconclusive,
            message=(
                f"the sender did not keep up with its users: in second {worst} "
                f"{int(kept[worst]):,} of {int(due[worst]):,} requests were begun at most "
                f"{limits.late_ms:g} ms after their user could, at least "
                f"{percent(limits.sent_share)} are needed; lower --users or free the machine"
            ),
            evidence=evidence,
        )
    left_out = (
        f"; {counted(sent.left_out, 'request')} that their pacing asked for {_were(sent.left_out)} "
        "not begun, as they waited for answers"
        if sent.left_out
        else ""
    )
    return Finding(
        check=NAME,
        verdict=Verdict.passed,
        message=(
            f"a closed loop of {counted(loop.users, 'user')}: {counted(len(rows), 'request')}, "
            f"{int(whole.min()):,} to {int(whole.max()):,} a second{left_out}"
        ),
        evidence=evidence,
    )


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
