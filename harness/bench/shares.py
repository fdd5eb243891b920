"""A share (answered in time, say) as a mean over rounds. Shares may be 0, so no logarithms."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from harness.bench.statistics import CONFIDENCE, LEAST_ROUNDS, Interval
from harness.bench.student import quantile

__all__ = ["share_interval"]

_ALL: Final = 1.0


def share_interval(shares: Sequence[float]) -> Interval | None:
    """The arithmetic mean with its 95 % interval by Student's t, cut off at 0 and 1. None with
    fewer than 3 rounds.
    """
    rounds = len(shares)
    if rounds < LEAST_ROUNDS:
        return None
    middle = float(np.mean(shares))
    reach = quantile(CONFIDENCE, rounds - 1) * float(np.std(shares, ddof=1)) / math.sqrt(rounds)
    return Interval(
        middle=middle, low=max(0.0, middle - reach), high=min(_ALL, middle + reach), rounds=rounds
    )
