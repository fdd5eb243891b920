"""Cores: which one a process may use, what it used of it, and what the machine withheld."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["Steal", "cpu_s", "kept_on"]

_STEAL_FIELD = 7
"""Of the `cpu` line in /proc/stat (proc_stat(5))."""


@contextlib.contextmanager
def kept_on(core: int) -> Iterator[None]:
    """What is started in the block stays on that core for its life."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_s(pid: int) -> float:
    """CPU seconds that a process and its threads have used, to the nanosecond."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


class Steal:
    """The share of all cores that the host kept from this machine, since the last question."""

    def __init__(self) -> None:
        self._before = _ticks()

    def share(self) -> float:
        before, self._before = self._before, _ticks()
        total = sum(self._before) - sum(before)
        return (self._before[_STEAL_FIELD] - before[_STEAL_FIELD]) / max(1, total)


def _ticks() -> list[int]:
    first = Path("/proc/stat").read_text("ascii").splitlines()[0]
    return [int(field) for field in first.split()[1:9]]
