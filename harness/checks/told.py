"""Answers that tell their release, and how findings speak of them."""

from typing import Any

import pandas as pd

from harness.analysis.history import History
from harness.checks.wording import EXAMPLES, at, bounded

__all__ = ["FOREVER", "by_release", "sent_within", "who"]

FOREVER = 2**63 - 1


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
