"""From rounds to what may be said of a figure: means, bounds, differences.

With few rounds a mean's interval is wide, and that is what it is for. Figures may be 0, so they are
compared by differences paired by round, not by ratios.
"""

import math
from collections.abc import Mapping, Sequence

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


def versus(figure: str, of: Mapping[str, Rounds], to: Rounds) -> dict[str, Versus]:
    """Each strategy's difference to the best one's rounds; those that share none have none."""
    differences = {name: difference(rounds, to) for name, rounds in of.items()}
    known = {name: (found, p) for name, (found, p) in differences.items() if found.rounds}
    told = [name for name, (_, p) in known.items() if p is not None]
    corrected = dict(zip(told, holm([known[name][1] or 0.0 for name in told]), strict=True))
    return {
        name: Versus(
            figure=figure,
            difference=found,
            p=corrected.get(name),
            is_shown=corrected.get(name, 1.0) < 1 - CONFIDENCE,
        )
        for name, (found, _) in known.items()
    }
