"""`rate_held`: the sender kept to its schedule, second by second."""

import numpy as np

from harness.analysis.history import History
from harness.analysis.latency import percentile
from harness.analysis.phases import SECOND_NS
from harness.checks.users import of_users
from harness.checks.wording import percent
from harness.model.finding import Finding, Verdict
from harness.model.traffic import PROBE

__all__ = ["check"]

NAME = "rate_held"


def check(history: History) -> Finding:
    """Inconclusive where a second saw less than `sent_share` of its due requests sent at most
    `late_ms` late. What was not sent, or has no sample, was not sent in time. Seconds count from
    the schedule's beginning; the last may be a part of one, and counts by its own number.
    """
    if history.record.scenario.closed_loop is not None:
        return of_users(history)
    limits = history.record.scenario.limits
    plan = history.plan[history.plan["stream"] != PROBE]
    if not len(plan):
        return Finding(
            check=NAME,
            verdict=Verdict.inconclusive,
            message="the rate cannot be told: no schedule is known. Run again",
        )
    rows = history.requests
    sent = rows.loc[rows["sent_ns"] > 0, ["seq", "sent_ns"]]
    joined = plan.merge(sent, on="seq", how="left")
    lag_ms = (joined["sent_ns"] - joined["due_ns"]).to_numpy(dtype=float) / 1e6
    in_time = lag_ms <= limits.late_ms  # NaN, which is not sent, is not in time
    second = ((joined["due_ns"] - history.start_ns) // SECOND_NS).to_numpy()
    due = np.bincount(second)
    kept = np.bincount(second, weights=in_time)
    share = np.divide(kept, due, out=np.ones(len(due)), where=due > 0)
    worst = int(share.argmin())
    lags = lag_ms[~np.isnan(lag_ms)]
    starts = np.sort(sent["sent_ns"].to_numpy())
    evidence = {
        "seconds": len(due),
        "worst_second": worst,
        "worst_due": int(due[worst]),
        "worst_in_time": int(kept[worst]),
        "seconds_below": int((share < limits.sent_share).sum()),
        "lag_ms": {
            "p50": _rounded(percentile(lags, 500)),
            "p99": _rounded(percentile(lags, 990)),
            "max": _rounded(float(lags.max())) if len(lags) else None,
        },
        "largest_gap_ms": _rounded(float(np.diff(starts).max()) / 1e6) if len(starts) > 1 else None,
    }
    if share[worst] < limits.sent_share:
        return Finding(
            check=NAME,
            verdict=Verdict.inconclusive,
            message=(
                f"the rate was not held: in second {worst} {int(kept[worst]):,} of "
                f"{int(due[worst]):,} due requests were sent at most {limits.late_ms:g} ms late, "
                f"at least {percent(limits.sent_share)} are needed; "
                "lower --rate or free the machine"
            ),
            evidence=evidence,
        )
    return Finding(
        check=NAME,
        verdict=Verdict.passed,
        message=(
            f"the rate was held: in the worst second {int(kept[worst]):,} of "
            f"{int(due[worst]):,} due requests were sent at most {limits.late_ms:g} ms late"
        ),
        evidence=evidence,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
