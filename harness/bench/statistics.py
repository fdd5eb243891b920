"""From rounds to what may be said of them: intervals, differences, ties.

A figure (p99, say) is one number a round. Rounds are repeated with the same arrivals and service
times for every algorithm, so two algorithms are compared by their ratio in each round: what made a
round hard made it so for both. Ratios are averaged as logarithms, with Student's t for the interval
(with 5 rounds a bootstrap's percentiles would cover 83 %, not 95 %). Of many comparisons at once
some look different by chance; Holm's correction (Scandinavian Journal of Statistics 6, 1979) bounds
the probability that any of those shown is such a one. "No difference shown" is an answer.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.bench.student import both_tails, quantile

__all__ = [
    "CONFIDENCE",
    "LEAST_ROUNDS",
    "Comparison",
    "Difference",
    "Interval",
    "chance",
    "compared",
    "fairness",
    "holm",
    "interval",
    "is_unbounded",
    "ratio",
]

Numbers = npt.NDArray[np.float64]
Figures = Sequence[float | None]
"""By round; None where the samples of that round do not resolve it, infinite where failed requests
reach it. One such round leaves no figure: the others alone would be those without the failures."""

CONFIDENCE: Final = 0.95
LEAST_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean over rounds (of ratios the geometric one), and where the true one lies with a
    confidence of 95 %.
    """

    middle: float
    low: float
    high: float
    rounds: int

    @property
    def margin(self) -> float:
        """Half the width, as in `3.1 ± 0.2`: on the upper side, the longer one."""
        return self.high - self.middle


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two algorithms compared."""

    of: str
    to: str
    ratio: Interval
    """`of` / `to`."""
    p: float
    """Holm's, for all comparisons that were made with it."""

    @property
    def is_shown(self) -> bool:
        return self.p < 1 - CONFIDENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All algorithms compared with each other by one figure, of which less is better."""

    differences: tuple[Difference, ...]
    best: tuple[str, ...]
    """The one of the least mean first, then those that were compared with it and of which no
    difference to it is shown."""
    left_out: tuple[str, ...]
    """What has fewer than 3 rounds that resolve the figure: nothing is said of it."""
    unbounded: tuple[str, ...] = ()
    """What failed requests reach in a round: it has no such figure either."""

    def between(self, of: str, to: str) -> Difference | None:
        """`of` / `to`, whichever way round it was computed; None where either was left out."""
        for one in self.differences:
            if (one.of, one.to) == (of, to):
                return one
            if (one.of, one.to) == (to, of):
                turned = Interval(
                    middle=1 / one.ratio.middle,
                    low=1 / one.ratio.high,
                    high=1 / one.ratio.low,
                    rounds=one.ratio.rounds,
                )
                return Difference(of=of, to=to, ratio=turned, p=one.p)
        return None


def interval(figures: Figures) -> Interval | None:
    """Of one algorithm's rounds. None with fewer than 3 that are resolved, and with one that is
    infinite; ValueError for a figure of 0 or below, which has no logarithm.
    """
    if is_unbounded(figures):
        return None
    return _of_logs(np.log(_positive([value for value in figures if value is not None])))


def ratio(of: Figures, to: Figures) -> Interval | None:
    """Of `of` / `to`, paired by round. None with fewer than 3 rounds that have both, and where one
    of the two has an infinite one.
    """
    if is_unbounded(of) or is_unbounded(to):
        return None
    return _of_logs(_paired(of, to))


def is_unbounded(figures: Figures) -> bool:
    """Whether failed requests reach the figure in any round."""
    return any(value == math.inf for value in figures)


def compared(figures: Mapping[str, Figures]) -> Comparison:
    """By algorithm, then by round: the same rounds in the same places."""
    known = {name: found for name, each in figures.items() if (found := interval(each))}
    pairs: list[tuple[str, str, Interval]] = []
    chances: list[float] = []
    for of, to in combinations(known, 2):
        logs = _paired(figures[of], figures[to])
        if (found := _of_logs(logs)) is not None:
            pairs.append((of, to, found))
            chances.append(chance(logs))
    differences = tuple(
        Difference(of=of, to=to, ratio=found, p=p)
        for (of, to, found), p in zip(pairs, holm(chances), strict=True)
    )
    alike = {frozenset((one.of, one.to)) for one in differences if not one.is_shown}
    ordered = sorted(known, key=lambda name: known[name].middle)
    ties = [name for name in ordered[1:] if frozenset((ordered[0], name)) in alike]
    unbounded = tuple(name for name, each in figures.items() if is_unbounded(each))
    return Comparison(
        differences=differences,
        best=(*ordered[:1], *ties),
        left_out=tuple(name for name in figures if name not in known and name not in unbounded),
        unbounded=unbounded,
    )


def holm(chances: Sequence[float]) -> tuple[float, ...]:
    """p-values put right for there being many, in the order given."""
    put_right = [0.0] * len(chances)
    least = 0.0
    for place, index in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        least = max(least, min(1.0, (len(chances) - place) * chances[index]))
        put_right[index] = least
    return tuple(put_right)


def fairness(shares: Sequence[float]) -> float | None:
    """Jain's index: 1 where all have the same, 1/n where one has all; None where nobody has any.

    Jain, Chiu and Hawe, A quantitative measure of fairness and discrimination for resource
    allocation in shared computer systems, DEC-TR-301, 1984.
    """
    values = np.asarray(shares, dtype=float)
    squares = float(len(values) * (values**2).sum())
    return float(values.sum() ** 2) / squares if squares else None


def _paired(of: Figures, to: Figures) -> Numbers:
    both = [(a, b) for a, b in zip(of, to, strict=True) if a is not None and b is not None]
    return np.asarray(
        np.log(_positive([a for a, _ in both])) - np.log(_positive([b for _, b in both]))
    )


def _positive(values: Sequence[float]) -> Numbers:
    found = np.asarray(values, dtype=float)
    if not (np.isfinite(found) & (found > 0)).all():
        raise ValueError("ratios are of figures above 0 alone")
    return found


def _of_logs(logs: Numbers) -> Interval | None:
    rounds = len(logs)
    if rounds < LEAST_ROUNDS:
        return None
    middle = float(logs.mean())
    reach = quantile(CONFIDENCE, rounds - 1) * float(logs.std(ddof=1)) / math.sqrt(rounds)
    return Interval(
        middle=math.exp(middle),
        low=math.exp(middle - reach),
        high=math.exp(middle + reach),
        rounds=rounds,
    )


def chance(differences: Numbers) -> float:
    """How probable so large a mean is where there is no difference: Student's t, two-sided."""
    middle, spread = float(differences.mean()), float(differences.std(ddof=1))
    if spread <= 0:
        return 1.0 if math.isclose(middle, 0.0, abs_tol=1e-12) else 0.0
    rounds = len(differences)
    return both_tails(middle / spread * math.sqrt(rounds), rounds - 1)
