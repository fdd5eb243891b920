"""The scripted server's beat: it knows its own pauses."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from harness.model.calibration import ServerPause

__all__ = ["PAUSE_NS", "Beat"]

PAUSE_NS: Final = 5_000_000
"""Between two beats, from which on it is a pause."""
_EVERY_S: Final = 0.002
_MOST: Final = 10_000


class Beat:
    """Beats in the loop that answers, and notes each gap of 5 ms or more between two beats.

    Whether the loop was off the CPU or busy: nobody was answered meanwhile. The gap begins with
    the last beat, up to 2 ms before the pause itself. Beyond 10,000 no more are noted, and what
    they did is put down to the sender and the analysis.
    """

    def __init__(self, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock_ns = clock_ns
        self._pauses: list[ServerPause] = []
        self._last_ns = clock_ns()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            self.note()
            await asyncio.sleep(_EVERY_S)

    def note(self) -> None:
        now_ns = self._clock_ns()
        if now_ns - self._last_ns >= PAUSE_NS and len(self._pauses) < _MOST:
            self._pauses.append(ServerPause(began_ns=self._last_ns, ended_ns=now_ns))
        self._last_ns = now_ns

    def pauses(self) -> tuple[ServerPause, ...]:
        """Those noted so far, the one that is under way too."""
        self.note()
        return tuple(self._pauses)
