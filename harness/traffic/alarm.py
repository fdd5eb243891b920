"""Waking at a moment: to some 50 µs where the kernel has timers that are descriptors."""

import ctypes
import os
import sys
import time
from typing import Final

import gevent
from gevent import getcurrent

__all__ = ["Alarm"]

_SECOND_NS: Final = 1_000_000_000
_READ: Final = 1
_CLOCK_MONOTONIC: Final = 1
_TFD_NONBLOCK_CLOEXEC: Final = 0o2004000
_TFD_TIMER_ABSTIME: Final = 1


class _Setting(ctypes.Structure):
    """`struct itimerspec`: the interval, 0 for once, and the moment."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("at_s", ctypes.c_long),
        ("at_ns", ctypes.c_long),
    )


class Alarm:
    """Wakes one greenlet at moments of the monotonic clock.

    Whatever is ready to be read is looked after before, each time, even where the moment is past:
    a sender that is behind must not read its answers late.
    """

    def __init__(self) -> None:
        self._hub = gevent.get_hub()
        self._fd = -1
        if sys.platform == "linux":
            self._libc = ctypes.CDLL(None)
            self._fd = self._libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK_CLOEXEC)
        if self._fd >= 0:
            self._watcher = self._hub.loop.io(self._fd, _READ)
            self._setting = _Setting()
            self._reference = ctypes.byref(self._setting)

    def wait(self, at_ns: int) -> None:
        """Returns once that moment, which is above 0, is there."""
        if not self._set(at_ns):
            # A loop's timer, which is a millisecond coarse; 0 would not wait for the loop's turn.
            gevent.sleep(max(1e-9, (at_ns - time.monotonic_ns()) / _SECOND_NS))
            return
        self._watcher.start(getcurrent().switch)
        try:
            self._hub.switch()
        finally:
            self._watcher.stop()

    def close(self) -> None:
        """May be called again; the loop's timers serve from then on."""
        if self._fd >= 0:
            self._watcher.close()
            os.close(self._fd)
            self._fd = -1

    def _set(self, at_ns: int) -> bool:
        """Setting it takes back what it rang for before: it is never read."""
        if self._fd < 0:
            return False
        self._setting.at_s, self._setting.at_ns = divmod(at_ns, _SECOND_NS)
        done = self._libc.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, self._reference, None)
        return bool(done == 0)
