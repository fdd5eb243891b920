"""What is drawn for each request: a pure function of the seed and of the request's number.

The sender draws to send, the judge to know what was sent: neither needs the other's word, and
every algorithm of a benchmark faces the same sequence. The same numbers for many requests at once
are in harness/bench/drawn.py.
"""

import math
import zlib
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate
from typing import Final

__all__ = ["Draw", "DrawKind", "cumulative", "key_text", "salt_of", "uniform"]

_WORD: Final = 2**64 - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15
_MOST_KEYS: Final = 65_536
_SCATTER: Final = 2_654_435_761
"""Odd, so that each index has an address of its own. HAProxy hashes an address by nothing but a
remainder: neighbours would meet every other server, or every third, alone."""


class DrawKind(StrEnum):
    """The distribution."""

    fixed = "fixed"
    exponential = "exponential"
    pareto = "pareto"
    """Heavy-tailed: Pareto of the given shape, cut at `most` times its least value."""
    key = "key"
    """`k0` to `k<keys-1>`, the one of rank r in proportion to r to the power of -skew."""
    client = "client"
    """The same as an IPv4 address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A distribution. Numbers are in the unit of `mean` and are written rounded to whole ones."""

    kind: DrawKind
    mean: float = 0.0
    shape: float = 1.5
    """Of `pareto`: the smaller, the heavier the tail."""
    most: float = 1000.0
    """Of `pareto`: the largest value in multiples of the least."""
    keys: int = 1000
    skew: float = 0.0
    """0: all keys alike. 1: Zipf's law."""

    def __post_init__(self) -> None:
        """ValueError for parameters that make no distribution."""
        if self.is_number and not 0 < self.mean < math.inf:
            raise ValueError(f"draw: a mean of {self.mean} cannot be; it must be above 0")
        if self.kind is DrawKind.pareto and not (self.shape > 0 and self.most > 1):
            raise ValueError(
                f"draw: pareto needs a shape above 0 and a most above 1, not {self.shape} and "
                f"{self.most}"
            )
        if not self.is_number and not (1 <= self.keys <= _MOST_KEYS and self.skew >= 0):
            raise ValueError(
                f"draw: {self.keys} keys of skew {self.skew} cannot be; 1 to {_MOST_KEYS} keys, "
                "and a skew of 0 or more"
            )

    @property
    def is_number(self) -> bool:
        """Whether it draws numbers, not keys."""
        return self.kind not in {DrawKind.key, DrawKind.client}

    @property
    def least(self) -> float:
        """Of `pareto`: the least value, by which the mean is what it is said to be."""
        a, h = self.shape, self.most
        if math.isclose(a, 1.0):
            return self.mean * (1 - 1 / h) / math.log(h)
        return float(self.mean * (a - 1) / a * (1 - h**-a) / (1 - h ** (1 - a)))

    def number(self, u: float) -> float:
        """The value at quantile `u`, from 0 up to 1; of keys the index, counted from 0."""
        match self.kind:
            case DrawKind.fixed:
                return self.mean
            case DrawKind.exponential:
                return -self.mean * math.log1p(-u)
            case DrawKind.pareto:
                return float(
                    self.least * (1 - u * (1 - self.most**-self.shape)) ** (-1 / self.shape)
                )
            case _:
                return float(min(bisect_right(cumulative(self.keys, self.skew), u), self.keys - 1))

    def text(self, name: str, seed: int, seq: int) -> str:
        """What is sent with that request. A request has one index for key and client, whatever
        their names are; numbers of different names are independent.
        """
        number = round(self.number(uniform(seed, seq, salt_of(name if self.is_number else "key"))))
        return str(number) if self.is_number else key_text(self.kind, number)


def key_text(kind: DrawKind, index: int) -> str:
    """A key of that index, as it is sent."""
    if kind is DrawKind.client:
        word = index * _SCATTER
        return f"10.{word >> 16 & 255}.{word >> 8 & 255}.{word & 255}"
    return f"k{index}"


def salt_of(name: str) -> int:
    """So that draws of several names are independent."""
    return zlib.crc32(name.encode())


def uniform(seed: int, seq: int, salt: int) -> float:
    """From 0 up to 1, of 53 bits: the SplitMix64 generator's output (Steele, Lea and Flood, 2014)
    number `seq` of a stream that seed and salt choose.
    """
    return _mixed(_mixed(seed ^ (salt << 32)) + (seq + 1) * _GOLDEN) / 2**53


def _mixed(word: int) -> int:
    """The upper 53 bits."""
    word &= _WORD
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _WORD
    return (word ^ (word >> 31)) >> 11


@lru_cache(maxsize=16)
def cumulative(keys: int, skew: float) -> tuple[float, ...]:
    """The probability of a key of that index or a lower one."""
    sums = tuple(accumulate(float(rank) ** -skew for rank in range(1, keys + 1)))
    return tuple(value / sums[-1] for value in sums)
