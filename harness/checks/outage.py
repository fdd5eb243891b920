"""`outage`: how long the longest outage was, held against a limit where one is set."""

from typing import Any

import numpy as np
import pandas as pd

from harness.analysis.history import History
from harness.analysis.outages import outages
from harness.analysis.phases import SECOND_NS, within
from harness.analysis.requests import OK
from harness.analysis.resolution import TOTAL
from harness.checks.excused import excused
from harness.checks.resolved import remedy
from harness.checks.wording import EXAMPLES, bounded, counted
from harness.model.finding import Finding, Verdict
from harness.model.result import Outage

__all__ = ["check"]

NAME = "outage"
NONE = "no outage by failed requests, and no stall in the swap"


def check(history: History) -> Finding:
    """Fail where an outage (analysis.outages) lasted longer than `outage_ms`: one in which requests
    failed at any time of the run, a stall in the swap windows alone.

    Slow answers that are no fault of the target (checks.excused) are left out, and where no outage
    of that length is left without them the finding is inconclusive; failures always stay.

    Inconclusive too where one that long could have hidden: between two requests sent in a swap, or
    between the last good answer before an outage that was seen and the first one after it. Without
    a limit the longest one is told. That no request failed is for `no_failed_request` to say.
    """
    scenario = history.record.scenario
    limit_ms = scenario.limits.outage_ms
    rows = history.requests
    rows = rows[(rows["state"] != OK) | within(rows["due_ns"], history.windows)]
    found = _folded(history, rows)
    certain_ms = history.certain_outage_ms.get(TOTAL)
    evidence: dict[str, Any] = {
        "outages": len(found),
        "longest_ms": round(_ms(found[0]), 3) if found else None,
        "certain_outage_ms": certain_ms,
        "limit_ms": limit_ms or None,
    }
    told = _told(found[0]) if found else NONE
    if not limit_ms:
        return _finding(Verdict.passed, told, evidence)
    told += f"; allowed {limit_ms:g} ms"
    if found and _ms(found[0]) > limit_ms:
        evidence["too_long"] = [_told(one) for one in found if _ms(one) > limit_ms][:EXAMPLES]
        rest, why = _without_excused(history, rows)
        if why and not any(_ms(one) > limit_ms for one in _folded(history, rest)):
            told += f"; not blamed on the target: {why}; run on a quieter machine"
            return _finding(Verdict.inconclusive, told, evidence)
        return _finding(Verdict.failed, told, evidence)
    if not history.windows:
        verdict = Verdict.inconclusive if scenario.swaps else Verdict.passed
        return _finding(verdict, f"no swap was begun: {told}", evidence)
    if certain_ms is None:
        told += ", and no length of an outage is certain to have been seen"
        return _finding(Verdict.inconclusive, told, evidence)
    if certain_ms > limit_ms:
        told += f", and one of up to {certain_ms:.1f} ms could have hidden between two requests: "
        return _finding(Verdict.inconclusive, told + remedy(history, limit_ms), evidence)
    longest_ms = max((_at_most_ms(history, one) for one in found), default=0.0)
    if longest_ms > limit_ms:
        told += (
            f", and between the good answers around it one may have lasted {longest_ms:.1f} ms: "
            "ask more often there"
        )
        return _finding(Verdict.inconclusive, told, evidence | {"at_most_ms": round(longest_ms, 3)})
    return _finding(Verdict.passed, told, evidence)


def _folded(history: History, rows: pd.DataFrame) -> tuple[Outage, ...]:
    """The outages of these requests, the longest first."""
    found = outages(rows, limits=history.limits, steps=history.steps, start_ns=history.start_ns)
    return tuple(sorted(found, key=_ms, reverse=True))


def _without_excused(history: History, rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The requests without slow ones that the target is not to blame for, and why it is not."""
    slow = rows[(rows["state"] == OK) & rows["seq"].isin(history.bad["seq"])]
    limits = {name: limit.limit_ms for name, limit in history.limits.items() if limit}
    most_ms = slow["stream"].astype("str").map(limits).astype(float).fillna(np.inf)
    found = excused(history, slow, np.asarray(most_ms, dtype=np.float64))
    return rows.drop(index=slow.index[found.rows]), found.why


def _at_most_ms(history: History, one: Outage) -> float:
    """From the last good request of its streams that was sent before it to the first one after."""
    rows = history.requests
    good = rows[(rows["state"] == OK) & rows["stream"].isin(one.streams)]
    sent = np.sort(good.loc[~good["seq"].isin(history.bad["seq"]), "sent_ns"].to_numpy())
    begin_ns, end_ns = (
        history.start_ns + round(moment_s * SECOND_NS) for moment_s in (one.start_s, one.end_s)
    )
    before = int(np.searchsorted(sent, begin_ns, side="left")) - 1
    after = int(np.searchsorted(sent, end_ns, side="left"))
    # Without such a request it began, or ended, with the load.
    first_ns = int(sent[before]) if before >= 0 else begin_ns
    last_ns = int(sent[after]) if after < len(sent) else end_ns
    return (last_ns - first_ns) / 1e6


def _ms(one: Outage) -> float:
    return (one.end_s - one.start_s) * 1e3


def _told(one: Outage) -> str:
    failed = f"{counted(one.failed, 'request')} failed" if one.failed else ""
    slow = f"{counted(one.slow, 'answer')} slow" if one.slow else ""
    return (
        f"the longest outage lasted {_ms(one):.1f} ms, from {one.start_s:+.3f} s in {one.phase} "
        f"({bounded(one.kind, 60)}: {', '.join(filter(None, (failed, slow)))})"
    )


def _finding(verdict: Verdict, message: str, evidence: dict[str, Any]) -> Finding:
    return Finding(check=NAME, verdict=verdict, message=message, evidence=evidence)
