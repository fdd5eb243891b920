"""NGINX's own ways (ngx_http_upstream_*_module.c, 1.26), as far as a benchmark asks for them: all
weights are 1, nobody is away or full, and one worker knows every request.

`ip_hash` is its hash and `hashed.MapHash`: the remainder chooses.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from random import Random
from typing import Final
from zlib import crc32

from harness.bench.choosers.chooser import View

__all__ = ["Ketama", "LeastConn", "RandomTwo", "SmoothRoundRobin", "ip_hash"]

_POINTS: Final = 160
"""Of a server on the ring."""


class SmoothRoundRobin:
    """Each server's own figure grows by its weight; the highest is taken, and pays what all have
    gained. Of equals the one that was declared first: with equal weights that is a plain turn.
    """

    is_keyed = False

    def __init__(self, view: View) -> None:
        self._gained = [0] * len(view.weights)

    def choose(self, _hashed: int, /) -> int:
        return self.next_of(range(len(self._gained)))

    def next_of(self, servers: Iterable[int]) -> int:
        """Among those alone; the others' figures stay."""
        gained, best, total = self._gained, -1, 0
        for server in servers:
            gained[server] += 1
            total += 1
            if best < 0 or gained[server] > gained[best]:
                best = server
        gained[best] -= total
        return best

    def changed(self, server: int) -> None:
        pass

    def reweighted(self) -> None:
        pass


class LeastConn:
    """The fewest requests; of several with as few, smooth round robin among them."""

    is_keyed = False

    def __init__(self, view: View) -> None:
        self._view = view
        self._turns = SmoothRoundRobin(view)

    def choose(self, _hashed: int, /) -> int:
        served = self._view.served
        least = min(served)
        among = [server for server, requests in enumerate(served) if requests == least]
        return among[0] if len(among) == 1 else self._turns.next_of(among)

    def changed(self, server: int) -> None:
        pass

    def reweighted(self) -> None:
        pass


class RandomTwo:
    """Two different servers are drawn; the one with fewer requests is taken, of equals the second.
    (HAProxy's random(2) draws with replacement.)
    """

    is_keyed = False

    def __init__(self, view: View, *, seed: int) -> None:
        self._view = view
        self._random = Random(seed)  # noqa: S311 (a simulation, not a secret)

    def choose(self, _hashed: int, /) -> int:
        served = self._view.served
        if len(served) == 1:
            return 0
        first, second = self._random.sample(range(len(served)), 2)
        return first if served[second] > served[first] else second

    def changed(self, server: int) -> None:
        pass

    def reweighted(self) -> None:
        pass


class Ketama:
    """`hash … consistent`: the first point at or after the key's CRC-32, on a ring where each
    server has 160, each the CRC-32 of `host NUL port` and of the point before. `names` are the
    servers' as the configuration has them, `replica-1:8000`.
    """

    is_keyed = True

    def __init__(self, _view: View, *, names: Sequence[str]) -> None:
        ring: dict[int, int] = {}
        for server, name in enumerate(names):
            base = name.replace(":", "\0").encode()
            point = 0
            for _ in range(_POINTS):
                point = crc32(base + point.to_bytes(4, "little"))
                ring.setdefault(point, server)
        self._points = sorted(ring)
        self._owners = [ring[point] for point in self._points]

    def choose(self, hashed: int, /) -> int:
        return self._owners[bisect_left(self._points, hashed) % len(self._points)]

    def changed(self, server: int) -> None:
        pass

    def reweighted(self) -> None:
        pass


def ip_hash(address: str) -> int:
    """Of an IPv4 address, whose last octet counts for nothing."""
    hashed = 89
    for octet in address.split(".")[:3]:
        hashed = (hashed * 113 + int(octet)) % 6271
    return hashed
