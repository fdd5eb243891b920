"""By a hash: of the request's key (source, uri, url_param, hdr, hash), or of chance (random)."""

from bisect import bisect_left
from functools import lru_cache
from random import Random
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.bench.choosers.chooser import View
from harness.bench.choosers.turns import server_map

__all__ = ["ConsistentHash", "MapHash", "PowerOfChoices", "avalanche", "sdbm"]

_WORD: Final = 2**32


class MapHash:
    """The hash modulo the map's length (lb_map.c): another number of servers moves nearly all
    keys.
    """

    is_keyed = True

    def __init__(self, view: View) -> None:
        self._view = view
        self._map: list[int] = []
        self.reweighted()

    def choose(self, hashed: int, /) -> int | None:
        return self._map[hashed % len(self._map)] if self._map else None

    def changed(self, server: int) -> None:
        pass

    def reweighted(self) -> None:
        self._map = server_map(self._view)


class ConsistentHash:
    """The nearest point on a ring, where each server has 16 for each unit of its weight
    (lb_chash.c). So few points share the keys unevenly: that is HAProxy's, not the simulation's.

    A server's points are counted from the avalanche of its number, as 3.0.11 does it. Releases
    before 3.0, and those that have "BUG/MAJOR: lb-chash: fix key calculation when using default
    hash-key id" (October 2025), count from 4096 times its number.
    """

    is_keyed = True

    def __init__(self, view: View) -> None:
        self._view = view
        self._points: list[int] = []
        self._owners: list[int] = []
        self.reweighted()

    def choose(self, hashed: int, /) -> int | None:
        """Of two that are as near the one before. The ring is closed."""
        points = self._points
        if not points:
            return None
        after = bisect_left(points, hashed)
        if after == len(points):
            after = 0
        before = after - 1
        nearer = (hashed - points[before]) % _WORD <= (points[after] - hashed) % _WORD
        return self._owners[before if nearer else after]

    def changed(self, server: int) -> None:
        pass

    def reweighted(self) -> None:
        view = self._view
        usable = [server for server, usable in enumerate(view.is_usable) if usable]
        if not usable:
            self._points, self._owners = [], []
            return
        self._points, self._owners = _ring(
            tuple(usable), tuple(view.weights[server] for server in usable)
        )


@lru_cache(maxsize=1)
def _ring(servers: tuple[int, ...], weights: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """The points in their order, and whose they are. Balancers of the same servers share it."""
    owners = np.repeat(servers, weights)
    starts = avalanche(np.array(servers) + 1)
    numbers = np.concatenate(
        [np.arange(weight) + start for start, weight in zip(starts, weights, strict=True)]
    )
    points = avalanche(numbers)
    order = np.argsort(points, kind="stable")
    return points[order].tolist(), owners[order].tolist()


class PowerOfChoices:
    """random(n): n points of the ring are drawn, with replacement; the one with the fewest requests
    for its weight is taken (get_server_rnd in backend.c), of equals the one drawn last. Where that
    one is full the request waits for any server. (3.5-dev lets the rate break a
    tie.)
    """

    is_keyed = False

    def __init__(self, view: View, *, draws: int, seed: int) -> None:
        self._view = view
        self._draws = draws
        self._random = Random(seed)  # noqa: S311 (a simulation, not a secret)
        self._ring = ConsistentHash(view)

    def choose(self, _hashed: int, /) -> int | None:
        view, best = self._view, None
        for _ in range(self._draws):
            drawn = self._ring.choose(self._random.getrandbits(32))
            if drawn is None:
                return None
            if (
                best is None
                or view.served[drawn] * view.weights[best]
                <= view.served[best] * view.weights[drawn]
            ):
                best = drawn
        return best if best is not None and view.has_room(best) else None

    def changed(self, server: int) -> None:
        pass

    def reweighted(self) -> None:
        self._ring.reweighted()


def avalanche(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Bob Jenkins' full avalanche of 32-bit numbers, as HAProxy has it (__full_hash, intops.h)."""
    a = np.asarray(numbers).astype(np.uint32)
    a = (a + np.uint32(0x7ED55D16)) + (a << np.uint32(12))
    a = (a ^ np.uint32(0xC761C23C)) ^ (a >> np.uint32(19))
    a = (a + np.uint32(0x165667B1)) + (a << np.uint32(5))
    a = (a + np.uint32(0xD3A2646C)) ^ (a << np.uint32(9))
    a = (a + np.uint32(0xFD7046C5)) + (a << np.uint32(3))
    a = (a ^ np.uint32(0xB55A4F09)) ^ (a >> np.uint32(16))
    return (a * np.uint32(3221225473)).astype(np.int64)


def sdbm(text: str) -> int:
    """HAProxy's default hash of a text, in 32 bits (hash_sdbm, hash.c)."""
    hashed = 0
    for byte in text.encode():
        hashed = (byte + (hashed << 6) + (hashed << 16) - hashed) % _WORD
    return hashed
