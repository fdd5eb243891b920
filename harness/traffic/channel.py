"""A socket that never blocks, and on which one greenlet at a time waits up to a deadline.

The kernel's own, not gevent's: that makes a waiter, a timeout and an exception for each wait.
"""

import _socket
import contextlib
import struct
from collections.abc import Callable
from typing import Any, Final

import gevent
from gevent import getcurrent

from harness.traffic.turns import of_this_loop

__all__ = ["Channel"]

_READ: Final = 1
_WRITE: Final = 2
_SECOND_NS: Final = 1_000_000_000
_MS_NS: Final = 1_000_000
_INFO: Final = struct.Struct("=52xI")
"""Of Linux' struct tcp_info (include/uapi/linux/tcp.h): tcpi_last_data_recv, in ms before now."""
_TCP_INFO: Final = getattr(_socket, "TCP_INFO", None)


class Channel(_socket.socket):
    """What cannot be done at once raises BlockingIOError. Making one raises OSError for a lack of
    descriptors.
    """

    __slots__ = ("_hub", "_loop", "_readable", "_turns", "_writable", "heard_ns")

    def __init__(self, family: int, kind: int) -> None:
        super().__init__(family, kind)
        self.setblocking(False)
        self.heard_ns: int | None = None
        """When the peer's last bytes had come as `hear` was last called, as the kernel has it to
        some milliseconds; None where it does not tell. They may be unread.
        """
        self._hub = gevent.get_hub()
        self._loop = self._hub.loop
        self._turns = of_this_loop()
        self._readable = self._loop.io(self.fileno(), _READ)
        self._writable = self._loop.io(self.fileno(), _WRITE)

    def await_readable(self, deadline_ns: int, clock_ns: Callable[[], int]) -> None:
        """Returns once there is something to read, or near the deadline: early, even, as the
        loop's idea of now is as old as its last turn. The caller looks, and asks its own clock.
        """
        self._wait(self._readable, deadline_ns - clock_ns())
        self._turns.take()

    def await_writable(self, deadline_ns: int, clock_ns: Callable[[], int]) -> None:
        """The same for writing."""
        self._wait(self._writable, deadline_ns - clock_ns())

    def hear(self, clock_ns: Callable[[], int]) -> None:
        """Renews `heard_ns`. Before a read: that makes room for what the peer had to hold back."""
        self.heard_ns = None
        if _TCP_INFO is None:
            return
        with contextlib.suppress(OSError, struct.error):
            told = self.getsockopt(_socket.IPPROTO_TCP, _TCP_INFO, _INFO.size)
            self.heard_ns = clock_ns() - _INFO.unpack(told)[0] * _MS_NS

    def close(self) -> None:
        """May be called again."""
        self._readable.close()
        self._writable.close()
        super().close()

    def _wait(self, watcher: Any, left_ns: int) -> None:
        if left_ns <= 0:
            return
        switch = getcurrent().switch
        timer = self._loop.timer(left_ns / _SECOND_NS)
        timer.start(switch)
        watcher.start(switch)
        try:
            self._hub.switch()
        finally:
            watcher.stop()
            timer.close()
