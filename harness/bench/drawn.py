"""What model.draw draws for one request, for many at once."""

import numpy as np
import numpy.typing as npt

from harness.model.draw import Draw, DrawKind, cumulative, salt_of

__all__ = ["drawn", "uniforms"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_WORD = 2**64 - 1


def drawn(draw: Draw, name: str, seed: int, seqs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The numbers, or the keys' indices, of those requests."""
    u = uniforms(seed, seqs, salt_of(name if draw.is_number else "key"))
    if draw.kind is DrawKind.fixed:
        numbers = np.full(len(seqs), draw.mean)
    elif draw.kind is DrawKind.exponential:
        numbers = -draw.mean * np.log1p(-u)
    elif draw.kind is DrawKind.pareto:
        numbers = draw.least * (1 - u * (1 - draw.most**-draw.shape)) ** (-1 / draw.shape)
    else:
        sums = np.array(cumulative(draw.keys, draw.skew))
        numbers = np.minimum(np.searchsorted(sums, u, side="right"), draw.keys - 1)
    whole: npt.NDArray[np.int64] = np.rint(numbers).astype(np.int64)
    return whole


def uniforms(seed: int, seqs: npt.NDArray[np.int64], salt: int) -> npt.NDArray[np.float64]:
    """As model.draw.uniform, for each."""
    start = int(_mixed(np.array([(seed ^ (salt << 32)) & _WORD], dtype=np.uint64))[0])
    words = np.uint64(start) + (seqs.astype(np.uint64) + np.uint64(1)) * _GOLDEN
    return _mixed(words).astype(np.float64) / 2**53


def _mixed(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The upper 53 bits; products wrap around at 64 bits, as they should."""
    words = (words ^ (words >> np.uint64(30))) * _FIRST
    words = (words ^ (words >> np.uint64(27))) * _SECOND
    mixed: npt.NDArray[np.uint64] = (words ^ (words >> np.uint64(31))) >> np.uint64(11)
    return mixed
