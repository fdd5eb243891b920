"""Turns: of many answers that are there at once no more are read than lets due requests begin.

The loop looks after all that is ready before it looks for more. After a stall that is hundreds of
answers, tens of milliseconds in which nothing would be sent that is due.
"""

import time
from collections import deque
from functools import cache
from typing import Any, Final

import gevent
from gevent import getcurrent

__all__ = ["Turns", "of_this_loop"]

_MOST_NS: Final = 1_000_000
"""Of reading, in each turn of the loop: some ten answers, or one handshake."""


class Turns:
    """Lets those that have something to read go on, or wait for the next turn, in their order."""

    def __init__(self, hub: Any) -> None:
        self._hub = hub
        self._waiting: deque[Any] = deque()
        self._until_ns = 0
        """When this turn's reading is over; 0 before it began."""
        # Without a share in what keeps the loop going.
        self._begin = hub.loop.prepare(ref=False)
        self._begin.start(self._go_on)
        self._busy = hub.loop.idle()

    def take(self) -> None:
        """Returns at once where there is time left in this turn, else in a later one."""
        now_ns = time.monotonic_ns()
        if not self._until_ns:
            self._until_ns = now_ns + _MOST_NS
        if now_ns < self._until_ns:
            return
        greenlet = getcurrent()
        if not self._waiting:
            # The loop must not sleep while somebody waits.
            self._busy.start(_nothing)
        self._waiting.append(greenlet)
        try:
            self._hub.switch()
        except BaseException:
            # Thrown into it: it must not be switched to again.
            if greenlet in self._waiting:
                self._waiting.remove(greenlet)
            raise

    def _go_on(self) -> None:
        """A new turn: those that wait come first. Who is left keeps all others waiting."""
        waiting = self._waiting
        if waiting:
            self._until_ns = time.monotonic_ns() + _MOST_NS
            while waiting and time.monotonic_ns() < self._until_ns:
                waiting.popleft().switch()
        if not waiting:
            self._until_ns = 0
            self._busy.stop()


@cache
def _turns(hub: Any) -> Turns:
    return Turns(hub)


def of_this_loop() -> Turns:
    """Those of the calling thread's loop."""
    return _turns(gevent.get_hub())


def _nothing() -> None:
    """What an idle loop is busy with."""
