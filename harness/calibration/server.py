"""The scripted server, a process of its own: answers rightly, but for outages at planned moments.

`python -P -m harness.calibration.server`, told what to do on its standard input (script.py: a
Script, then a Show), saying on its standard output what it did.
"""

import asyncio
import contextlib
import os
import resource
import signal
import socket
import ssl
import struct
import sys
import time
from typing import Any, Final

import trustme

from harness.calibration.answers import Answers
from harness.calibration.beat import Beat
from harness.calibration.script import (
    HOST,
    NAME,
    Listening,
    Script,
    Show,
    Shown,
    from_line,
    to_line,
)
from harness.model.calibration import Injected, OutageKind, PlannedOutage

__all__ = ["main"]

_BACKLOG: Final = 4096
_STDIN: Final = 0
_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = b"\r\ncontent-length:"
_AT_ONCE_NS: Final = 2_000_000
"""The loop's timers are a millisecond coarse: the last bit before a moment is spent looking."""
_TAIL_S: Final = 0.2
"""After the last outage, for a pause there to be noted: what is further off is no part of it."""


class _Site:
    """What is common to all connections: the answers, and the outage that there is, if any."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.outage: OutageKind | None = None
        self.held: list[tuple[asyncio.Transport, bytes]] = []

    def release_held(self) -> None:
        """What a stall has held, in the order of asking."""
        held, self.held = self.held, []
        for transport, answer in held:
            transport.write(answer)


class _Talk(asyncio.Protocol):
    """One connection."""

    def __init__(self, site: _Site) -> None:
        self._site = site
        self._heard = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Both of asyncio's, plain and over TLS, are ones.
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._heard += data
        while (end := self._heard.find(_END_OF_HEAD)) >= 0:
            head = self._heard[:end]
            end += len(_END_OF_HEAD) + _body_bytes(head)
            if len(self._heard) < end:
                return
            self._heard = self._heard[end:]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        site, transport = self._site, self._transport
        if transport is None or transport.is_closing():
            return
        kind = site.outage
        if kind is OutageKind.reset:
            _reset(transport)
        elif kind is OutageKind.closed:
            transport.close()
        elif kind is OutageKind.stall:
            site.held.append((transport, site.answers.to(head)))
        elif kind is OutageKind.truncated:
            transport.write(site.answers.to(head)[:-1])
            transport.close()
        else:
            transport.write(site.answers.to(head, is_available=kind is not OutageKind.unavailable))


class _Doors:
    """The listening sockets, plain and TLS, which can be closed and opened again.

    A socket that is bound and never listens holds each port meanwhile: nobody else may get it, a
    connection from this machine least of all.
    """

    def __init__(self, site: _Site, context: ssl.SSLContext) -> None:
        self._site = site
        self._contexts = (None, context)
        self._places = [_bound(0) for _ in self._contexts]
        self.ports = tuple(int(place.getsockname()[1]) for place in self._places)
        self._listening: list[tuple[socket.socket, ssl.SSLContext | None]] = []
        self._entering: set[asyncio.Task[Any]] = set()

    def open(self) -> None:
        loop = asyncio.get_running_loop()
        for port, context in zip(self.ports, self._contexts, strict=True):
            sock = _bound(port)
            sock.setblocking(False)
            sock.listen(_BACKLOG)
            self._listening.append((sock, context))
            loop.add_reader(sock, self._accept, sock, context)

    def close(self) -> None:
        """Whoever has connected by now is let in: the kernel would reset, not refuse, it."""
        loop = asyncio.get_running_loop()
        for sock, context in self._listening:
            self._accept(sock, context)
            loop.remove_reader(sock)
            sock.close()
        self._listening.clear()

    def _accept(self, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):
            while True:
                connection, _ = sock.accept()
                connection.setblocking(False)
                entering = loop.create_task(
                    loop.connect_accepted_socket(lambda: _Talk(self._site), connection, ssl=context)
                )
                self._entering.add(entering)
                entering.add_done_callback(self._entered)

    def _entered(self, entering: asyncio.Task[Any]) -> None:
        self._entering.discard(entering)
        error = entering.exception()
        if error is not None:
            _quietly(asyncio.get_running_loop(), {"exception": error, "message": "connecting"})


def _bound(port: int) -> socket.socket:
    # The protocol by its name: asyncio sends small segments at once only where it is told.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((HOST, port))
    return sock


def _body_bytes(head: bytes) -> int:
    at = head.lower().find(_LENGTH)
    if at < 0:
        return 0
    return int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0])


def _reset(transport: asyncio.Transport) -> None:
    sock = transport.get_extra_info("socket")
    with contextlib.suppress(OSError):
        # Lingering for no time at all: closing it sends RST.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _show(site: _Site, doors: _Doors, outages: tuple[PlannedOutage, ...]) -> Shown:
    """Each outage at its moment; the moments at which it really began and ended, and the pauses
    meanwhile.
    """
    shown = []
    beat = Beat()
    beating = asyncio.create_task(beat.run())
    for planned in outages:
        await _until(planned.begin_ns)
        if planned.kind is OutageKind.refused:
            doors.close()
        site.outage = planned.kind
        began_ns = time.monotonic_ns()
        # From when it began: a server that was off the CPU at its moment still puts it in whole.
        await _until(began_ns + planned.length_ns)
        site.outage = None
        if planned.kind is OutageKind.refused:
            doors.open()
        ended_ns = time.monotonic_ns()
        site.release_held()
        shown.append(
            Injected(
                kind=planned.kind,
                intervals=planned.intervals,
                interval_ns=planned.interval_ns,
                began_ns=began_ns,
                ended_ns=ended_ns,
            )
        )
    await asyncio.sleep(_TAIL_S)
    beating.cancel()
    return Shown(injected=tuple(shown), pauses=beat.pauses())


async def _until(moment_ns: int) -> None:
    while (left_ns := moment_ns - time.monotonic_ns()) > 0:  # noqa: ASYNC110 (no event: a clock)
        # Requests are answered meanwhile, whichever way it waits.
        await asyncio.sleep(0 if left_ns < _AT_ONCE_NS else (left_ns - _AT_ONCE_NS) / 1e9)


async def _serve() -> int:
    orders = await _orders()
    line = await orders.readline()
    if not line:
        return 1
    script = from_line(Script, line)
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NAME).configure_cert(context)
    site = _Site(Answers(script.traffic, script.release))
    doors = _Doors(site, context)
    doors.open()
    plain, secure = doors.ports
    _say(Listening(port=plain, tls_port=secure, ca=authority.cert_pem.bytes().decode()))
    showing: asyncio.Task[None] | None = None
    while line := await orders.readline():
        show = from_line(Show, line)

        async def carry_out(outages: tuple[PlannedOutage, ...] = show.outages) -> None:
            _say(await _show(site, doors, outages))

        # Not waited for here: a parent that goes away meanwhile must be noticed.
        showing = asyncio.create_task(carry_out())
    del showing
    return 0


async def _orders() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=2**26)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(_STDIN, "rb", buffering=0)
    )
    return reader


def _say(message: Listening | Shown) -> None:
    sys.stdout.buffer.write(to_line(message))
    sys.stdout.buffer.flush()


def _quietly(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Connections that break are what is played here; anything else is a defect."""
    error = context.get("exception")
    if not isinstance(error, OSError):
        print(f"calibration server: {context.get('message')}: {error!r}", file=sys.stderr)


def main() -> int:
    """0 once its input is over; 1 where it was told nothing."""
    # Ctrl-C reaches the whole process group: the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(_quietly)
    return loop.run_until_complete(_serve())


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Not sys.exit: connections that are open, and outages still to come, no longer matter.
    os._exit(code)
