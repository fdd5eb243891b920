"""Two percentiles held against each other, by a bootstrap over blocks of time.

Requests of the same second share whatever that second was like, so single requests drawn anew would
give intervals that are far too short. Whole blocks are drawn instead (of a length in which what
disturbs one request has mostly passed; see BLOCK_S): their counts are added up, and a percentile is
read from the sum. Percentiles are never averaged. How much it varies over many such draws is its
standard error; Student's t, with as many degrees of freedom as blocks allow (Welch), makes an
interval of the two, as the plain percentiles of few blocks would be too short (Hesterberg, The
American Statistician 69, 2015).
"""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.bench.student import quantile
from harness.model.past import Cell

__all__ = ["DRAWS", "LEAST_BLOCKS", "Change", "Varied", "change", "p99_of", "varied"]

DRAWS: Final = 2_000
LEAST_BLOCKS: Final = 3
_PERMILLE: Final = 990
_ROUNDED: Final = 0.005
"""Latencies are kept to three digits: no more than so much of one is lost."""
_EXACT: Final = 1e-9
"""What floats may be short of a whole number."""

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Varied:
    """A p99, and how far it may be off."""

    p99_ms: float
    error_ms: float
    """Its standard error."""
    blocks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the second p99 is above the first, and where the true difference lies, in ms."""

    by: float
    low: float
    high: float


def p99_of(us: npt.NDArray[np.int64], counts: Counts) -> npt.NDArray[np.int64]:
    """For each row of counts by latency (`us`, rising), the smallest latency that 99 % of that
    row's requests do not exceed: nothing is interpolated.
    """
    so_far = np.cumsum(counts, axis=1)
    ranks = -(-so_far[:, -1] * _PERMILLE // 1000)
    return np.asarray(us[(so_far < ranks[:, None]).sum(axis=1)])


def varied(cell: Cell, name: str, *, draws: int = DRAWS) -> Varied | None:
    """The same for the same cell and name. None where the samples do not resolve the p99, or there
    are fewer than 3 blocks.
    """
    blocks = [block for block in cell.blocks if block.n]
    if cell.p99_ms is None or len(blocks) < LEAST_BLOCKS:
        return None
    us = np.unique(np.concatenate([np.asarray(block.us, dtype=np.int64) for block in blocks]))
    counts = np.zeros((len(blocks), len(us)), dtype=np.int64)
    for row, block in enumerate(blocks):
        counts[row, np.searchsorted(us, block.us)] = block.n
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    times = rng.multinomial(len(blocks), [1 / len(blocks)] * len(blocks), size=draws)
    drawn = p99_of(us, (times.astype(np.float64) @ counts).astype(np.int64)) / 1e3
    # Of n blocks drawn from n the variance is short by 1/n.
    error = float(drawn.std()) * math.sqrt(len(blocks) / (len(blocks) - 1))
    return Varied(p99_ms=cell.p99_ms, error_ms=error, blocks=len(blocks))


def change(before: Varied, after: Varied, confidence: float) -> Change:
    by = after.p99_ms - before.p99_ms
    error = math.hypot(before.error_ms, after.error_ms)
    reach = _ROUNDED * (before.p99_ms + after.p99_ms) / 2
    if error > 0:
        reach += quantile(round(confidence, 9), _freedom((before, after))) * error
    return Change(by=by, low=by - reach, high=by + reach)


def _freedom(both: Sequence[Varied]) -> int:
    """Welch and Satterthwaite's, rounded down."""
    total = sum(one.error_ms**2 for one in both)
    parts = sum(one.error_ms**4 / (one.blocks - 1) for one in both)
    return max(1, math.floor(total * total / parts + _EXACT))
