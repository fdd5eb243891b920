"""How long a process was ready to run and did not: what the machine owes it."""

import bisect
import os
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


class RunQueueWatch:
    """Reads the kernel's accounts each millisecond.

    /proc/PID/schedstat (proc(5)) has the time for which the process's main thread stood ready and
    was not given a core; steal, in /proc/stat, what the hypervisor took from a core that was given.
    """

    def __init__(self, pid: int) -> None:
        self._path = Path(f"/proc/{pid}/schedstat")
        self._at_ns: list[int] = []
        self._owed_ns: list[int] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def owed_ns(self, begin_ns: int, end_ns: int) -> int:
        """Between two moments, to the looks next to them on the outer sides."""
        first = max(0, bisect.bisect_right(self._at_ns, begin_ns) - 1)
        last = min(len(self._at_ns) - 1, bisect.bisect_left(self._at_ns, end_ns))
        return self._owed_ns[last] - self._owed_ns[first]

    def _watch(self) -> None:
        while not self._over.wait(0.001):
            self._look()

    def _look(self) -> None:
        waited_ns = int(self._path.read_text().split()[1])
        with Path("/proc/stat").open() as file:
            stolen_ns = int(file.readline().split()[8]) * _TICK_NS
        self._at_ns.append(time.monotonic_ns())
        self._owed_ns.append(waited_ns + stolen_ns)
