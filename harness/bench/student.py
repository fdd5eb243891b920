"""Student's t distribution for whole degrees of freedom, where it has a closed form.

The finite sums of Abramowitz and Stegun, Handbook of Mathematical Functions, 1964, 26.7.3 and
26.7.4. A benchmark needs nothing else of a statistics library (ARCHITECTURE.md says why none is a
dependency).
"""

import math
from functools import cache
from typing import Final

__all__ = ["both_tails", "quantile"]

_PRECISE: Final = 1e-13


def both_tails(t: float, freedom: int) -> float:
    """The probability that |T| exceeds |t|: the two-sided p-value. ValueError below 1 degree."""
    if freedom < 1:
        raise ValueError(f"Student's t needs 1 degree of freedom or more, not {freedom}")
    angle = math.atan(abs(t) / math.sqrt(freedom))
    squared = math.cos(angle) ** 2
    total = term = 1.0
    odd = freedom % 2
    for k in range(1 + odd, freedom - 2, 2):
        term *= squared * k / (k + 1)
        total += term
    if odd:
        rest = math.sin(angle) * math.cos(angle) * total if freedom > 1 else 0.0
        within = 2 / math.pi * (angle + rest)
    else:
        within = math.sin(angle) * total
    return min(max(1 - within, 0.0), 1.0)


@cache
def quantile(confidence: float, freedom: int) -> float:
    """What |T| does not exceed with that confidence: 2.776 at 0.95 with 4 degrees of freedom."""
    low, high = 0.0, 1.0
    while both_tails(high, freedom) > 1 - confidence:
        low, high = high, high * 2
    while high - low > _PRECISE * high:
        middle = (low + high) / 2
        if both_tails(middle, freedom) > 1 - confidence:
            low = middle
        else:
            high = middle
    return (low + high) / 2
