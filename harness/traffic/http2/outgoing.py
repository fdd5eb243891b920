"""What is written on a connection that many write on: in order, and without anyone's waiting."""

import ssl
from collections.abc import Callable
from typing import Final

import gevent

from harness.traffic.channel import Channel
from harness.traffic.tls import Secured

__all__ = ["Outgoing"]

_LONG_NS: Final = 3_600_000_000_000


class Outgoing:
    """Writes at once what the kernel takes at once, and the rest as it does, by a greenlet."""

    def __init__(self, channel: Channel, secured: Secured, clock_ns: Callable[[], int]) -> None:
        self.error: OSError | None = None
        """Why nothing can be written any more."""
        self._channel = channel
        self._secured = secured
        self._clock_ns = clock_ns
        self._left = bytearray()
        self._writing: gevent.Greenlet[[], None] | None = None
        self._is_stopped = False

    def put(self, data: bytes) -> None:
        """Sends `data`, and before it what TLS has to say of its own. Raises nothing: whoever reads
        is told soon enough by the connection's end, and what came before it is still to be read.
        """
        if self.error is not None or self._is_stopped:
            return
        try:
            self._left += self._secured.sealed(data)
        except ssl.SSLError as error:
            self._fail(error)
            return
        if self._left and self._writing is None:
            self._write()
            if self._left:
                self._writing = gevent.spawn(self._drain)

    def stop(self) -> None:
        """Nothing more is written. To be called before the socket is closed."""
        self._is_stopped = True
        if self._writing is not None:
            self._writing.kill()

    def _write(self) -> None:
        try:
            wrote = self._channel.send(self._left)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(error)
            return
        del self._left[:wrote]

    def _drain(self) -> None:
        while self._left:
            self._channel.await_writable(self._clock_ns() + _LONG_NS, self._clock_ns)
            self._write()
        self._writing = None

    def _fail(self, error: OSError) -> None:
        self.error = error
        self._left.clear()
