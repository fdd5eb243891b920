"""In turn: roundrobin, static-rr, first."""

from heapq import heapify, heappop, heappush
from math import gcd

from harness.bench.choosers.chooser import View

__all__ = ["First", "RoundRobin", "StaticRoundRobin", "server_map"]


class RoundRobin:
    """Each server's next place in the order is `all weights / its own` after its last one, with the
    remainder carried over; who has the first place is next (lb_fwrr.c). Full ones lose their turn.
    """

    is_keyed = False

    def __init__(self, view: View) -> None:
        self._view = view
        self._rests = [0] * len(view.weights)
        self._places: list[tuple[int, int, int]] = []
        self._position = self._total = 0
        self.reweighted()

    def choose(self, _hashed: int, /) -> int | None:
        view, places = self._view, self._places
        full: list[tuple[int, int, int]] = []
        chosen = None
        while places:
            place, _, server = heappop(places)
            self._position = max(self._position, place)
            weight = view.weights[server]
            step, rest = divmod(self._total + self._rests[server], weight)
            self._rests[server] = rest
            entry = (place + step, -weight, server)
            if view.has_room(server):
                heappush(places, entry)
                chosen = server
                break
            full.append(entry)
        for entry in full:
            heappush(places, entry)
        return chosen

    def changed(self, server: int) -> None:
        pass

    def reweighted(self) -> None:
        """Everybody's turn begins anew, heaviest first."""
        view = self._view
        usable = [server for server, usable in enumerate(view.is_usable) if usable]
        self._total = sum(view.weights[server] for server in usable)
        self._places = [(self._position, -view.weights[server], server) for server in usable]
        heapify(self._places)


class StaticRoundRobin:
    """Round and round a map that is computed beforehand (lb_map.c)."""

    is_keyed = False

    def __init__(self, view: View) -> None:
        self._view = view
        self._map: list[int] = []
        self._next = 0
        self.reweighted()

    def choose(self, _hashed: int, /) -> int | None:
        for step in range(len(self._map)):
            index = (self._next + step) % len(self._map)
            if self._view.has_room(self._map[index]):
                self._next = index + 1
                return self._map[index]
        return None

    def changed(self, server: int) -> None:
        pass

    def reweighted(self) -> None:
        self._map = server_map(self._view)


class First:
    """The first server that has room, in the order of their declaration (lb_fas.c)."""

    is_keyed = False

    def __init__(self, view: View) -> None:
        self._view = view
        self._open: list[int] = []
        self._is_open = [False] * len(view.weights)
        """Whether it is in `_open`, which may hold full ones, but lacks none that has room."""
        self.reweighted()

    def choose(self, _hashed: int, /) -> int | None:
        view, found = self._view, self._open
        while found:
            server = found[0]
            if view.is_usable[server] and view.has_room(server):
                return server
            self._is_open[heappop(found)] = False
        return None

    def changed(self, server: int) -> None:
        if not self._is_open[server]:
            self._is_open[server] = True
            heappush(self._open, server)

    def reweighted(self) -> None:
        self._open = list(range(len(self._is_open)))
        self._is_open = [True] * len(self._is_open)


def server_map(view: View) -> list[int]:
    """Each server as often as its weight says (divided by all weights' common divisor), spread out
    as lb_map.c does it: declaration order among equals.
    """
    usable = [server for server, usable in enumerate(view.is_usable) if usable]
    divisor = gcd(*(view.weights[server] for server in usable)) if usable else 1
    shares = {server: view.weights[server] // divisor for server in usable}
    total = sum(shares.values())
    if len(set(shares.values())) == 1:
        return usable * (total // len(usable))
    scores = dict.fromkeys(usable, 0)
    found: list[int] = []
    for _ in range(total):
        best, most = usable[0], -1
        for server in usable:
            scores[server] += shares[server]
            worth = (scores[server] + total) // total
            if worth > most:
                best, most = server, worth
        scores[best] -= total
        found.append(best)
    return found
