"""Least connections: whoever has the fewest requests for its weight."""

from heapq import heappop, heappush

from harness.bench.choosers.chooser import FULL_WEIGHT, View

__all__ = ["LeastConnections"]

_HEAVIEST = 256 * FULL_WEIGHT


class LeastConnections:
    """By (requests there or waiting for it + 1) / weight, 0 for an idle one (lb_fwlc.c).

    Among equals it is the one that has been at that figure for the longest, which is a turn among
    those of the same load. (From HAProxy 3.2 on the equals are kept in several lists, of which one
    is drawn: no longer a strict turn.)
    """

    is_keyed = False

    def __init__(self, view: View) -> None:
        self._view = view
        self._heap: list[tuple[int, int, int]] = []
        self._current: list[tuple[int, int]] = [(-1, -1)] * len(view.weights)
        """(figure, since when); the heap's other entries are stale."""
        self._clock = 0
        self.reweighted()

    def choose(self, _hashed: int, /) -> int | None:
        """The top of the heap; full ones are set aside and put back."""
        heap, current, view = self._heap, self._current, self._view
        full: list[tuple[int, int, int]] = []
        chosen = None
        while heap:
            figure, since, server = heap[0]
            if current[server] != (figure, since):
                heappop(heap)
                continue
            if view.has_room(server):
                chosen = server
                break
            full.append(heappop(heap))
        for entry in full:
            heappush(heap, entry)
        return chosen

    def changed(self, server: int) -> None:
        view = self._view
        if not view.is_usable[server]:
            return
        there = view.served[server] + view.queued[server]
        figure = (there + 1) * _HEAVIEST // view.weights[server] if there else 0
        if figure != self._current[server][0]:
            self._clock += 1
            self._current[server] = (figure, self._clock)
            heappush(self._heap, (figure, self._clock, server))

    def reweighted(self) -> None:
        """In the order of their declaration."""
        self._heap.clear()
        for server, usable in enumerate(self._view.is_usable):
            self._current[server] = (-1, -1)
            if usable:
                self.changed(server)
