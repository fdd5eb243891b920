"""Connections: opening them, waiting on them up to a deadline, and keeping them for reuse."""

import contextlib
import errno
import os
import socket as plain
import ssl
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

from gevent import socket

from harness.model.outcome import Handshake

__all__ = [
    "Connection",
    "Plain",
    "Pool",
    "Wire",
    "establish",
    "new_socket",
    "receive",
    "resolve",
    "transmit",
]

_SECOND_NS: Final = 1_000_000_000
_READ_BYTES: Final = 65_536


class Wire(Protocol):
    """Carries bytes both ways: plainly, or over TLS (tls.Secured)."""

    @property
    def session(self) -> ssl.SSLSession | None:
        """What a later connection can resume."""

    def transmit(self, data: bytes, deadline_ns: int, clock_ns: Callable[[], int]) -> None:
        """Write all of `data`. Raises TimeoutError at the deadline, else an OSError."""

    def receive(self, deadline_ns: int, clock_ns: Callable[[], int]) -> bytes:
        """The next bytes, b"" at the end of the stream. Raises as `transmit`."""

    def quiet(self) -> bool:
        """Whether the peer has neither ended it nor sent a byte nobody asked for."""

    def close(self) -> None: ...


class Plain:
    """Implements Wire by a socket as it is."""

    __slots__ = ("_sock",)

    session = None

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def transmit(self, data: bytes, deadline_ns: int, clock_ns: Callable[[], int]) -> None:
        transmit(self._sock, data, deadline_ns, clock_ns)

    def receive(self, deadline_ns: int, clock_ns: Callable[[], int]) -> bytes:
        return receive(self._sock, deadline_ns, clock_ns)

    def quiet(self) -> bool:
        self._sock.settimeout(0.0)
        try:
            self._sock.recv(1)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        self._sock.close()


class Connection:
    """An established connection and what it has carried."""

    __slots__ = ("handshake", "idle_ns", "number", "uses", "wire")

    def __init__(self, wire: Wire, number: int, handshake: Handshake = Handshake.plain) -> None:
        self.wire = wire
        self.number = number
        """Counted from 1 in the order of opening."""
        self.handshake = handshake
        self.uses = 0
        """Requests it has carried so far."""
        self.idle_ns = 0
        """When it was last put back into a pool."""


class Pool:
    """A stream's idle connections, the last used first.

    A connection idle for longer than `max_idle_s` is closed: the client must end idle
    connections before the server does, or requests meet a close that is nobody's fault.
    """

    def __init__(self, *, max_idle_s: float) -> None:
        self._max_idle_ns = int(max_idle_s * _SECOND_NS)
        self._idle: deque[Connection] = deque()
        self.closed_idle = 0
        """Connections that were found ended, or with stray bytes, before they were used."""

    def take(self, now_ns: int) -> Connection | None:
        """An idle connection that looks usable, or None."""
        self._expire(now_ns)
        while self._idle:
            connection = self._idle.pop()
            if connection.wire.quiet():
                return connection
            self.closed_idle += 1
            connection.wire.close()
        return None

    def put(self, connection: Connection, now_ns: int) -> None:
        """Keep a connection whose last answer is whole."""
        connection.idle_ns = now_ns
        self._idle.append(connection)
        self._expire(now_ns)

    def close(self) -> None:
        """Close all; the pool can be used again."""
        while self._idle:
            self._idle.pop().wire.close()

    def _expire(self, now_ns: int) -> None:
        while self._idle and now_ns - self._idle[0].idle_ns > self._max_idle_ns:
            self._idle.popleft().wire.close()


def resolve(host: str, port: int) -> tuple[int, Any]:
    """(address family, address) to connect to: the first that the name stands for.

    Resolved once, so that no request waits for a name. Raises OSError where there is none.
    """
    family, _, _, _, address = plain.getaddrinfo(host, port, type=plain.SOCK_STREAM)[0]
    return family, address


def new_socket(family: int) -> socket.socket:
    """A socket that is not connected yet. Raises OSError for a lack of descriptors."""
    sock = socket.socket(family, plain.SOCK_STREAM)
    sock.setsockopt(plain.IPPROTO_TCP, plain.TCP_NODELAY, 1)
    return sock


def establish(
    sock: socket.socket, address: Any, deadline_ns: int, clock_ns: Callable[[], int]
) -> None:
    """Connect. Raises TimeoutError at the deadline, else the OSError of the kernel's reason."""
    sock.settimeout(0.0)  # with any other timeout gevent would resolve the address again
    # Asked again after each wait: Linux answers 0 once it is established, else its reason.
    while (error := sock.connect_ex(address)) in {errno.EINPROGRESS, errno.EALREADY}:
        _wait_writable(sock, deadline_ns, clock_ns)
    if error not in {0, errno.EISCONN}:
        raise OSError(error, os.strerror(error))
    if sock.getsockname() == address:
        # A port from the ephemeral range on which nobody listens can be given to the socket
        # itself: TCP then connects it to itself. Nobody listens there.
        raise ConnectionRefusedError(errno.ECONNREFUSED, "connected to itself: nobody listens")


def transmit(
    sock: socket.socket, data: bytes, deadline_ns: int, clock_ns: Callable[[], int]
) -> None:
    """Write all of `data`. Raises TimeoutError at the deadline, else the kernel's OSError."""
    sock.settimeout(0.0)
    while True:
        with contextlib.suppress(BlockingIOError):
            data = data[sock.send(data) :]
        if not data:
            return
        _wait_writable(sock, deadline_ns, clock_ns)


def receive(sock: socket.socket, deadline_ns: int, clock_ns: Callable[[], int]) -> bytes:
    """The next bytes, b"" at the end of the stream.

    Raises TimeoutError at the deadline, else the kernel's OSError. Bytes that are there when
    the deadline is found to have passed are still read once: a late look of our own is not
    blamed on the peer.
    """
    while True:
        left_ns = deadline_ns - clock_ns()
        sock.settimeout(left_ns / _SECOND_NS if left_ns > 0 else 0.0)
        try:
            return sock.recv(_READ_BYTES)
        except BlockingIOError:
            raise TimeoutError("deadline") from None
        except TimeoutError as error:
            # Without a number it is gevent's timer, which may run early: its loop's idea of
            # now is as old as the loop's last turn.
            if error.errno is not None:
                raise


def _wait_writable(sock: socket.socket, deadline_ns: int, clock_ns: Callable[[], int]) -> None:
    left_ns = deadline_ns - clock_ns()
    if left_ns <= 0:
        raise TimeoutError("deadline")
    try:
        socket.wait_write(sock.fileno(), left_ns / _SECOND_NS)
    except TimeoutError:
        return  # the caller looks once more, then comes back here
