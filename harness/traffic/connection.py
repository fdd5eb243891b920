"""Connections: opening them, waiting on them up to a deadline, and keeping them for reuse."""

import errno
import os
import socket as plain
import ssl
from collections import deque
from collections.abc import Callable
from select import POLLIN
from typing import Any, Final, Protocol

from gevent.monkey import get_original

from harness.model.outcome import Handshake
from harness.traffic.channel import Channel

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
_EXCERPT: Final = 60
_poll = get_original("select", "poll")  # gevent's own would wait for the loop


class Wire(Protocol):
    """Carries bytes both ways: plainly, or over TLS (tls.Secured)."""

    @property
    def session(self) -> ssl.SSLSession | None:
        """What a later connection can resume."""

    def transmit(self, data: bytes, deadline_ns: int, clock_ns: Callable[[], int]) -> None:
        """Write all of `data`. Raises TimeoutError at the deadline, else an OSError."""

    def receive(self, deadline_ns: int, clock_ns: Callable[[], int]) -> bytes:
        """The next bytes, b"" at the end of the stream. Raises as `transmit`."""

    @property
    def heard_ns(self) -> int | None:
        """As Channel's, of the last `receive` that looked past its deadline."""

    def quiet(self) -> bool:
        """Whether the peer has neither ended it nor sent a byte nobody asked for."""

    def close(self) -> None: ...


class Plain:
    """Implements Wire by a socket as it is."""

    __slots__ = ("_heard", "_sock")

    session = None

    def __init__(self, sock: Channel) -> None:
        self._sock = sock
        # Asked before each reuse: a third of the cost of a read that finds nothing, and raises.
        self._heard = _poll()
        self._heard.register(sock, POLLIN)

    def transmit(self, data: bytes, deadline_ns: int, clock_ns: Callable[[], int]) -> None:
        transmit(self._sock, data, deadline_ns, clock_ns)

    def receive(self, deadline_ns: int, clock_ns: Callable[[], int]) -> bytes:
        return receive(self._sock, deadline_ns, clock_ns)

    @property
    def heard_ns(self) -> int | None:
        return self._sock.heard_ns

    def quiet(self) -> bool:
        return not self._heard.poll(0)  # an end and an error are heard too

    def close(self) -> None:
        self._sock.close()


class Connection:
    """An established connection and what it has carried."""

    __slots__ = ("_is_shared", "handshake", "idle_ns", "number", "uses", "wire")

    def __init__(
        self,
        wire: Wire,
        number: int,
        handshake: Handshake = Handshake.plain,
        *,
        is_shared: bool = False,
    ) -> None:
        """`is_shared`: other requests are on it beside this one, so none of them closes it."""
        self.wire = wire
        self._is_shared = is_shared
        self.number = number
        """Counted from 1 in the order of opening."""
        self.handshake = handshake
        self.uses = 0
        """Requests it has carried so far."""
        self.idle_ns = 0
        """When it was last put back into a pool."""

    def close(self) -> None:
        if not self._is_shared:
            self.wire.close()


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
        self.unasked = 0
        """Connections over which something came, while they were idle, that nobody asked for."""
        self.unasked_text = ""
        """What the first of those began with."""

    def take(self, now_ns: int) -> Connection | None:
        """An idle connection that looks usable, or None."""
        self._expire(now_ns)
        while self._idle:
            connection = self._idle.pop()
            if connection.wire.quiet():
                return connection
            self.closed_idle += 1
            self._end(connection)
        return None

    def put(self, connection: Connection, now_ns: int) -> None:
        """Keep a connection whose last answer is whole."""
        connection.idle_ns = now_ns
        self._idle.append(connection)
        self._expire(now_ns)

    def close(self) -> None:
        """Close all; the pool can be used again."""
        while self._idle:
            self._end(self._idle.pop())

    def _expire(self, now_ns: int) -> None:
        while self._idle and now_ns - self._idle[0].idle_ns > self._max_idle_ns:
            self._end(self._idle.popleft())

    def _end(self, connection: Connection) -> None:
        wire = connection.wire
        try:
            data = b"" if wire.quiet() else _heard(wire)
        finally:
            wire.close()
        if data:
            self.unasked += 1
            self.unasked_text = (
                self.unasked_text or f"connection {connection.number}: {data[:_EXCERPT]!r}"
            )


def _heard(wire: Wire) -> bytes:
    """What has come by now; nothing where the peer only ended it, in order or not."""
    try:
        return wire.receive(0, lambda: 0)
    except OSError:
        return b""


def resolve(host: str, port: int) -> tuple[int, Any]:
    """(address family, address) to connect to: the first that the name stands for.

    Resolved once, so that no request waits for a name. Raises OSError where there is none.
    """
    family, _, _, _, address = plain.getaddrinfo(host, port, type=plain.SOCK_STREAM)[0]
    return family, address


def new_socket(family: int) -> Channel:
    """A socket that is not connected yet. Raises OSError for a lack of descriptors."""
    sock = Channel(family, plain.SOCK_STREAM)
    sock.setsockopt(plain.IPPROTO_TCP, plain.TCP_NODELAY, 1)
    return sock


def establish(sock: Channel, address: Any, deadline_ns: int, clock_ns: Callable[[], int]) -> None:
    """Connect. Raises TimeoutError at the deadline, else the OSError of the kernel's reason."""
    # Asked again after each wait: Linux answers 0 once it is established, else its reason.
    while (error := sock.connect_ex(address)) in {errno.EINPROGRESS, errno.EALREADY}:
        _await_writable(sock, deadline_ns, clock_ns)
    if error not in {0, errno.EISCONN}:
        raise OSError(error, os.strerror(error))
    if sock.getsockname() == address:
        # A port from the ephemeral range on which nobody listens can be given to the socket
        # itself: TCP then connects it to itself. Nobody listens there.
        raise ConnectionRefusedError(errno.ECONNREFUSED, "connected to itself: nobody listens")


def transmit(sock: Channel, data: bytes, deadline_ns: int, clock_ns: Callable[[], int]) -> None:
    """Write all of `data`. Raises TimeoutError at the deadline, else the kernel's OSError."""
    while True:
        try:
            wrote = sock.send(data)
        except BlockingIOError:
            wrote = 0
        if wrote == len(data):
            return
        data = data[wrote:]
        _await_writable(sock, deadline_ns, clock_ns)


def receive(sock: Channel, deadline_ns: int, clock_ns: Callable[[], int]) -> bytes:
    """The next bytes, b"" at the end of the stream.

    Raises TimeoutError at the deadline, else the kernel's OSError. Bytes that are there when
    the deadline is found to have passed are still read once: a late look of our own is not
    blamed on the peer.
    """
    while True:
        # First: nearly always nothing is there yet, and a read that finds nothing raises.
        sock.await_readable(deadline_ns, clock_ns)
        is_last = clock_ns() >= deadline_ns
        if is_last:
            sock.hear(clock_ns)
        try:
            return sock.recv(_READ_BYTES)
        except BlockingIOError:
            if is_last:
                raise TimeoutError("deadline") from None


def _await_writable(sock: Channel, deadline_ns: int, clock_ns: Callable[[], int]) -> None:
    if clock_ns() >= deadline_ns:
        raise TimeoutError("deadline")
    sock.await_writable(deadline_ns, clock_ns)
