"""Writes, held against the store: an acknowledged one is applied once, no one is applied twice."""

from dataclasses import dataclass, replace

import pandas as pd

from harness.analysis.requests import OK
from harness.model.operations import Operations
from harness.model.outcome import UNANSWERED

__all__ = ["Writes", "resolve"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writes:
    """What became of a run's writes. Without the store, all but `writes`, `acknowledged` and
    `unanswered` are 0 or empty.
    """

    writes: int
    acknowledged: int
    unanswered: int
    applied_unanswered: int = 0
    """Unanswered, and applied all the same: done, though the visitor was not told."""
    lost: tuple[int, ...] = ()
    """Seqs acknowledged and never applied."""
    doubled: tuple[int, ...] = ()
    """Seqs applied more than once, acknowledged or not."""
    repeated: tuple[int, ...] = ()
    """Seqs that reached the website more than once: a proxy sent them again."""
    unexplained: tuple[str, ...] = ()
    """Operations of this run in the store that no sample of a write explains."""


def resolve(requests: pd.DataFrame, run: str, operations: Operations | None) -> Writes:
    """Each write's fate. The operation id of request `seq` is `<run>-<seq>`."""
    writes = requests[requests["write"]]
    acknowledged = writes["state"] == OK
    unanswered = writes["outcome"].isin([outcome.name for outcome in UNANSWERED])
    found = Writes(
        writes=len(writes),
        acknowledged=int(acknowledged.sum()),
        unanswered=int(unanswered.sum()),
    )
    if operations is None:
        return found
    ids = [f"{run}-{seq}" for seq in writes["seq"]]
    applied = pd.Series([operations.applied.get(id_, 0) for id_ in ids], index=writes.index)
    arrived = pd.Series([operations.arrived.get(id_, 0) for id_ in ids], index=writes.index)

    def seqs(chosen: pd.Series) -> tuple[int, ...]:
        return tuple(sorted(int(seq) for seq in writes["seq"][chosen]))

    known = set(ids)
    return replace(
        found,
        applied_unanswered=int((unanswered & (applied > 0)).sum()),
        lost=seqs(acknowledged & (applied == 0)),
        doubled=seqs(applied > 1),
        repeated=seqs(arrived > 1),
        unexplained=tuple(
            sorted(
                id_
                for id_, times in operations.applied.items()
                if times > 0 and id_.startswith(f"{run}-") and id_ not in known
            )
        ),
    )
