"""Which strategy is better, told from the rounds that two of them share: pure.

A round that is hard is so for all who run in it. Means over rounds of which one strategy missed
some are no comparison, so each two are held against each other alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.compare.figures import RunFigures
from harness.compare.means import difference, versus
from harness.compare.result import Row, Versus
from harness.model.finding import Verdict

__all__ = ["Counted", "Standing", "beside_best", "ranked"]

COMPARED: Final = ("failed_share", "outage_ms", "added_p99_ms", "swap_s")
"""What is said of a strategy beside the best one."""
_JUDGED: Final = ("failed_share", "outage_ms", "added_p99_ms")
"""Of them what makes one better."""
_BETTER: Final = ("harmed_share", "outage_ms", "added_p99_ms")
"""What makes one better, in this order."""
_LEAST: Final = 2
"""Strategies of which a run counts: of one alone nothing is the best."""
_LEAST_EVEN: Final = 5
"""Common rounds. With fewer hardly any difference can be shown, and that none is says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A strategy's runs that count."""

    strategy: str
    figures: tuple[RunFigures, ...]

    def rounds(self, name: str) -> dict[int, float]:
        """A figure by round, where it has it."""
        values = {one.round: one.value(name) for one in self.figures}
        return {number: value for number, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Rows with what each differs by from the first one, and as CompareResult has them."""

    rows: tuple[Row, ...]
    best: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()


def ranked(rows: Sequence[Row], counted: Mapping[str, Counted]) -> tuple[Row, ...]:
    """Those of which no run counts are last, before them those with a swap that failed, before
    them those with a run that did. Of the rest, who is better than more of the others comes first.
    """
    wins = {
        name: sum(_is_better(own, other) for other in counted.values())
        for name, own in counted.items()
    }

    def place(row: Row) -> tuple[bool, bool, bool, int]:
        return not row.counted, row.failed_swaps > 0, _has_failed(row), -wins[row.strategy]

    return tuple(sorted(rows, key=place))


def beside_best(rows: Sequence[Row], counted: Mapping[str, Counted]) -> Standing:
    """Of ranked rows. One with a swap that failed is neither the best nor as good as any."""
    known = [row for row in rows if row.counted]
    if len(known) < _LEAST or known[0].failed_swaps:
        return Standing(rows=tuple(rows))
    first = known[0]
    beside: dict[str, list[Versus]] = {row.strategy: [] for row in rows}
    for figure in COMPARED:
        by_round = {row.strategy: counted[row.strategy].rounds(figure) for row in known}
        for name, one in versus(figure, by_round, first.strategy).items():
            beside[name].append(one)
    told = tuple(replace(row, versus=tuple(beside[row.strategy])) for row in rows)
    alike = [row for row in told if row.counted and _is_alike(row, first)]
    even = [row.strategy for row in alike if _is_even(row)]
    return Standing(
        rows=told,
        best=(first.strategy, *even),
        untold=tuple(row.strategy for row in alike if row.strategy not in even),
    )


def _is_better(of: Counted, to: Counted) -> bool:
    """By the first figure of which the mean differs in their common rounds."""
    for name in _BETTER:
        found, _ = difference(of.rounds(name), to.rounds(name))
        if found.middle:
            return found.middle < 0
    return False


def _has_failed(row: Row) -> bool:
    return row.verdicts.get(Verdict.failed.value, 0) > 0


def _is_alike(row: Row, first: Row) -> bool:
    """Whether nothing speaks against it: one with a run that failed is no equal of one whose runs
    all passed, whatever the rounds tell.
    """
    if row.strategy == first.strategy or row.failed_swaps or _has_failed(row) != _has_failed(first):
        return False
    return not any(one.is_shown for one in row.versus if one.figure in _JUDGED)


def _is_even(row: Row) -> bool:
    """Whether enough rounds tell that nothing speaks against it, in each figure. The same
    difference in every round has no p: it is none where it is 0.
    """
    told = {
        one.figure
        for one in row.versus
        if one.difference.rounds >= _LEAST_EVEN and (one.p is not None or not one.difference.middle)
    }
    return told.issuperset(_JUDGED)
