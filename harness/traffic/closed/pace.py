"""When a user's request was due: when its wait was to end, or when its pacing asked for it."""

import functools
import time
from typing import Any, Final

import gevent
import locust
from locust.user import wait_time
from locust.user.task import TaskSet

__all__ = ["Pace"]

_SECOND_NS: Final = 1_000_000_000


class Pace:
    """Knows of each greenlet when the request that it begins next was due.

    After a wait it was due when that was to end: what came later is the sender's own lateness.
    `constant_pacing` and `constant_throughput` wait not at all where a task took longer than their
    pace; the request was due at that pace then, and those that the pace had asked for meanwhile are
    never begun: `left_out` counts them. Any other request was due when it was begun.
    """

    def __init__(self) -> None:
        self._due_ns: dict[int, int] = {}
        self.left_out = 0

    def watch(self) -> None:
        """To be called once, before a locustfile is imported."""
        sleep = TaskSet._sleep  # noqa: SLF001 (Locust has no event for it)

        @functools.wraps(sleep)
        def wait(taskset: TaskSet, seconds: float) -> None:
            begun_ns = time.monotonic_ns()
            self._due_ns.setdefault(_who(), begun_ns + int(seconds * _SECOND_NS))
            sleep(taskset, seconds)  # type: ignore[no-untyped-call]

        TaskSet._sleep = wait  # type: ignore[method-assign]  # noqa: SLF001
        # `constant_throughput` calls it by its module's name, locustfiles by the package's.
        wait_time.constant_pacing = locust.constant_pacing = self._paced(wait_time.constant_pacing)

    def due_ns(self, now_ns: int) -> int:
        """Of what this greenlet begins now."""
        return min(self._due_ns.pop(_who(), now_ns), now_ns)

    def _paced(self, pacing: Any) -> Any:
        @functools.wraps(pacing)
        def constant_pacing(seconds: float) -> Any:
            original = pacing(seconds)

            def wait(user: Any) -> float:
                since = user._cp_last_run + user._cp_last_wait_time  # noqa: SLF001 (Locust's own)
                late_s = time.perf_counter() - since - seconds
                if late_s > 0:
                    now_ns = time.monotonic_ns()
                    self._due_ns[_who()] = now_ns - int(late_s * _SECOND_NS)
                    self.left_out += int(late_s / seconds) if seconds > 0 else 0
                return float(original(user))

            return wait

        return constant_pacing


def _who() -> int:
    return id(gevent.getcurrent())
