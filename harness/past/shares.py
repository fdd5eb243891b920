"""Two shares of failed requests held against each other."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

__all__ = ["Share", "ShareChange", "change", "least_shown", "limits"]

SMALL: Final = 10
"""With fewer of either kind, failed or not, Wilson's limits give way to exact ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """`failed` of `sent` requests."""

    failed: int
    sent: int

    @property
    def value(self) -> float:
        """0 to 1; 0 where nothing was sent."""
        return self.failed / self.sent if self.sent else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareChange:
    """What the second share is above the first, and where the true difference lies."""

    by: float
    low: float
    high: float


def limits(share: Share, confidence: float) -> tuple[float, float]:
    """The least and the largest true share that so many of so many do not speak against.

    Exact (Clopper and Pearson, Biometrika 26, 1934) with fewer than 10 of either kind, where
    Wilson's (Journal of the American Statistical Association 22, 1927) are not dependable. (0, 1)
    where nothing was sent. Example: of 0 of 10 at 95 % the exact limits are 0 and 0.308.
    """
    failed, sent = share.failed, share.sent
    if not sent:
        return 0.0, 1.0
    if sent - failed < failed:
        low, high = limits(Share(failed=sent - failed, sent=sent), confidence)
        return 1 - high, 1 - low
    if failed < SMALL:
        return _exact(failed, sent, confidence)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle = (share.value + z * z / (2 * sent)) / (1 + z * z / sent)
    reach = z / (1 + z * z / sent)
    reach *= math.sqrt(share.value * (1 - share.value) / sent + z * z / (4 * sent * sent))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def change(before: Share, after: Share, confidence: float) -> ShareChange:
    """By squares of the distances to each share's own limits: Newcombe's method 10 (Statistics in
    Medicine 17, 1998, 873), with exact limits where counts are small.

    Reckoned as if requests failed one by one. They fail in bursts, so an interval says how sure
    the two counts differ, and not that a next swap would differ as much.
    """
    low_before, high_before = limits(before, confidence)
    low_after, high_after = limits(after, confidence)
    by = after.value - before.value
    return ShareChange(
        by=by,
        low=by - math.hypot(after.value - low_after, high_before - before.value),
        high=by + math.hypot(high_after - after.value, before.value - low_before),
    )


def least_shown(before: Share, sent: int, confidence: float) -> int | None:
    """The fewest failed requests of `sent` that would be shown to be more than before; None where
    not even all of them would.
    """

    def is_shown(failed: int) -> bool:
        return change(before, Share(failed=failed, sent=sent), confidence).low > 0

    low, high = 0, sent
    if not sent or not is_shown(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_shown(middle) else (middle, high)
    return high


def _exact(failed: int, sent: int, confidence: float) -> tuple[float, float]:
    doubt = (1 - confidence) / 2
    low = _where(lambda share: 1 - _at_most(failed - 1, sent, share), doubt) if failed else 0.0
    high = _where(lambda share: 1 - _at_most(failed, sent, share), 1 - doubt)
    return low, high


def _where(rising: Callable[[float], float], level: float) -> float:
    """The share from 0 to 1 at which a rising function of it comes to a level."""
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if rising(middle) < level else (low, middle)
    return (low + high) / 2


def _at_most(failed: int, sent: int, share: float) -> float:
    """The probability that at most so many of `sent` fail, each with that share: a short sum."""
    if share <= 0 or failed >= sent:
        return 1.0
    if share >= 1:
        return 0.0
    chance = math.exp(sent * math.log1p(-share))
    if chance == 0.0:
        # Too small for a float: and so are the few that follow it.
        return 0.0
    total, odds = chance, share / (1 - share)
    for number in range(failed):
        chance *= (sent - number) / (number + 1) * odds
        total += chance
    return min(total, 1.0)
