"""Whether visits go on: by their own length, and while the parent holds them over a swap."""

import time
from collections.abc import Callable

from harness.model.visit import Until, Visit

__all__ = ["Holding"]


class Holding:
    """Holds the visits that are open when it is told to, and no later ones: so their number is
    bounded, however long a swap takes.
    """

    def __init__(self, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock_ns = clock_ns
        self._since_ns = 0
        self._held: set[Until] = set()
        self._is_over = False

    def hold(self) -> None:
        """A swap begins."""
        self._since_ns = self._clock_ns()
        self._held = set(Until)

    def let_go(self, until: Until) -> None:
        """What those with that `until` wait for has come. It may be said again."""
        self._held.discard(until)

    def end(self) -> None:
        """The run ends: no visit goes on."""
        self._is_over = True

    def is_held(self, visit: Visit, opened_ns: int) -> bool:
        """Whether a visit that was opened then goes on beyond its own length."""
        return visit.until in self._held and opened_ns < self._since_ns < opened_ns + int(
            visit.lasts_s * 1e9
        )

    def goes_on(self, visit: Visit, opened_ns: int) -> bool:
        if self._is_over:
            return False
        is_short = self._clock_ns() - opened_ns < int(visit.lasts_s * 1e9)
        return is_short or self.is_held(visit, opened_ns)
