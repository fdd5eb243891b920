"""Arithmetic means over rounds, of what may be 0 or below it and so has no logarithm: a share
(answered in time, say), a difference.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from harness.bench.statistics import CONFIDENCE, LEAST_ROUNDS, Interval
from harness.bench.student import quantile

__all__ = ["mean_interval", "share_interval"]

_ALL: Final = 1.0


def mean_interval(
    values: Sequence[float], *, least: float = -math.inf, most: float = math.inf
) -> Interval | None:
    """The arithmetic mean with its 95 % interval by Student's t, cut off at `least` and `most`.
    None with fewer than 3 rounds.
    """
    rounds = len(values)
    if rounds < LEAST_ROUNDS:
        return None
    middle = float(np.mean(values))
    reach = quantile(CONFIDENCE, rounds - 1) * float(np.std(values, ddof=1)) / math.sqrt(rounds)
    return Interval(
        middle=middle,
        low=max(least, middle - reach),
        high=min(most, middle + reach),
        rounds=rounds,
    )


def share_interval(shares: Sequence[float]) -> Interval | None:
    """Of shares, which lie from 0 to 1. None with fewer than 3 rounds."""
    return mean_interval(shares, least=0.0, most=_ALL)
