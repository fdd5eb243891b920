"""Answers that tell their release, and how findings speak of them."""

from typing import Any

import pandas as pd

from harness.analysis.history import History
from harness.analysis.requests import OK
from harness.checks.wording import EXAMPLES, at, bounded
from harness.model.outcome import Cache

__all__ = ["FOREVER", "answers", "by_release", "sent_within", "who"]

FOREVER = 2**63 - 1
_LAST = ["sent_ns", "release", "instance"]


def answers(history: History) -> pd.DataFrame:
    """The requests, and each visit's last answer, where it tells its release, as one of its own,
    sent when that was asked.

    Without the visits that failed: theirs is the last answer under the first one's date. Without
    what a locustfile's own client reported as a success, too: it shows no answer, and no status.
    """
    rows = history.requests
    if history.record.scenario.closed_loop is not None:
        rows = rows[(rows["state"] != OK) | (rows["status"] > 0)]
    visiting = [each.name for each in history.record.scenario.traffic.streams if each.visit]
    if not visiting:
        return rows
    visits = rows["stream"].isin(visiting)
    good = visits & (rows["state"] == OK)
    last = pd.DataFrame(
        [
            (each.seq, each.last_sent_ns, each.last_release, each.last_instance)
            for each in history.visits
            if each.last_sent_ns and each.last_release
        ],
        columns=["seq", *_LAST],
    )
    later = rows[good].drop(columns=_LAST).merge(last, on="seq").assign(cache=Cache.untold.name)
    return pd.concat([rows[good | ~visits], later[rows.columns]], ignore_index=True)


def sent_within(rows: pd.DataFrame, begin_ns: int, end_ns: int) -> pd.DataFrame:
    """Those sent in [begin, end), of rows in the order of sending."""
    begin, end = rows["sent_ns"].searchsorted([begin_ns, end_ns])
    return rows.iloc[int(begin) : int(end)]


def by_release(rows: pd.DataFrame) -> dict[str, Any]:
    """How many answers by release, the most first, bounded."""
    return {
        bounded(str(name), 60): int(number)
        for name, number in rows["release"].value_counts()[:EXAMPLES].items()
        if number
    }


def who(history: History, rows: pd.DataFrame) -> str:
    """The first of the rows: its number, its instance, and when it was sent."""
    row = rows.iloc[0]
    whom = bounded(str(row["instance"]), 60) or "an unnamed instance"
    return f"#{row['seq']} from {whom}, sent at {at(history, int(row['sent_ns']))}"
