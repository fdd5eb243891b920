"""From rounds to what may be said of a figure: means, bounds, differences.

With few rounds a mean's interval is wide, and that is what it is for. Figures may be 0, so they are
compared by differences paired by round, not by ratios.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from harness.bench.shares import mean_interval
from harness.bench.statistics import CONFIDENCE, LEAST_ROUNDS, chance, holm
from harness.checks.sentence import bound_of
from harness.compare.result import Mean, Versus

__all__ = ["difference", "mean_of", "share_of", "versus"]

Rounds = Mapping[int, float]
"""A figure by the round's number; rounds that do not have it are not in it."""


def mean_of(
    values: Sequence[float | None], *, least: float = -math.inf, most: float = math.inf
) -> Mean:
    """Of the rounds that have it."""
    known = [value for value in values if value is not None]
    if not known:
        return Mean()
    found = mean_interval(known, least=least, most=most) if len(set(known)) > 1 else None
    return Mean(
        middle=float(np.mean(known)),
        low=found.low if found else None,
        high=found.high if found else None,
        rounds=len(known),
    )


def share_of(dropped: Sequence[int], sent: Sequence[int]) -> Mean:
    """The mean share that was dropped. Of none in any round the bound is exact, of all requests
    together: 1 - 0.05^(1/n), some 3/n.
    """
    if dropped and not any(dropped):
        return Mean(middle=0.0, low=0.0, high=bound_of(sum(sent)), rounds=len(dropped))
    shares = [of / among for of, among in zip(dropped, sent, strict=True)]
    return mean_of(shares, least=0.0, most=1.0)


def difference(of: Rounds, to: Rounds) -> tuple[Mean, float | None]:
    """`of` - `to` in the rounds that both have, and how probable so large a mean is without one;
    None where that cannot be told.
    """
    both = [of[number] - to[number] for number in sorted(of.keys() & to.keys())]
    found = mean_of(both)
    if found.low is None or len(both) < LEAST_ROUNDS:
        return found, None
    return found, chance(np.asarray(both))


def versus(figure: str, rounds: Mapping[str, Rounds], to: str) -> dict[str, Versus]:
    """Each other strategy's difference to `to`; those that share no round with it have none.

    Holm's correction is for all pairs: which one is `to` was told from the same rounds.
    """
    names = sorted(rounds, key=lambda name: name == to)
    found = {(a, b): difference(rounds[a], rounds[b]) for a, b in combinations(names, 2)}
    chances = {pair: p for pair, (_, p) in found.items() if p is not None}
    corrected = dict(zip(chances, holm(tuple(chances.values())), strict=True))
    return {
        pair[0]: Versus(
            figure=figure,
            difference=mean,
            p=corrected.get(pair),
            is_shown=corrected.get(pair, 1.0) < 1 - CONFIDENCE,
        )
        for pair, (mean, _) in found.items()
        if pair[1] == to and mean.rounds
    }
