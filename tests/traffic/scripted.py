"""A raw-socket HTTP server that does what a script says, byte for byte, plainly or over TLS."""

import itertools
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Sequence
from typing import Any

from accepting import Serving, turn
from sealed import Sealed

Behaviour = Callable[["Peer"], None]


class Peer:
    """One request that was read, and the connection to answer it on."""

    def __init__(
        self, sock: socket.socket, tls: Sealed | None, request: bytes, index: int, nth: int
    ) -> None:
        self.sock = sock
        """The bare socket, under TLS too."""
        self.tls = tls
        self.request = request
        self.index = index
        """Counted from 0 over all connections."""
        self.nth = nth
        """Counted from 0 on this connection."""
        self.stopping = threading.Event()
        self.ended = False

    def send(self, data: bytes) -> None:
        (self.tls or self.sock).sendall(data)

    def pause(self, seconds: float) -> None:
        """Wait, though not beyond the end of the server."""
        self.stopping.wait(seconds)

    def close(self) -> None:
        """End the stream in order (FIN), announced where it is over TLS."""
        if self.tls is not None:
            self.sock.sendall(self.tls.farewell())
        self.cut()

    def cut(self) -> None:
        """End the stream (FIN) without a word of TLS."""
        self.ended = True
        self.sock.close()

    def cut_and_drain(self) -> None:
        """The same, then read what the client still says: left unread it would make a reset."""
        self.ended = True
        self.sock.shutdown(socket.SHUT_WR)
        while self.sock.recv(65536):
            pass

    def reset(self) -> None:
        """Break the connection (RST)."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.cut()


class Scripted(Serving):
    """Serves each request with a behaviour: the n-th of a list (its last for all later ones),
    or one function for all. A connection stays open until a behaviour ends it.

    With a `context` it speaks TLS. `greeting` then takes the place of the handshake: its Peer
    has no request, and its index counts connections from 0."""

    def __init__(
        self,
        script: Behaviour | Sequence[Behaviour],
        *,
        context: ssl.SSLContext | None = None,
        greeting: Behaviour | None = None,
    ) -> None:
        super().__init__()
        self.script = script
        self.greeting = greeting or shakes_hands
        self.context = context
        self.requests: list[bytes] = []
        self.begin()

    def serve(self, sock: socket.socket, number: int) -> None:
        tls = None if self.context is None else Sealed(sock, self.context)
        if tls is not None and not self._meet(self.greeting, sock, tls, b"", number, 0):
            return
        for nth in itertools.count():
            request = read_request(tls or sock)
            if not request:
                return
            with self.lock:
                index = len(self.requests)
                self.requests.append(request)
            if not self._meet(turn(self.script, index), sock, tls, request, index, nth):
                return

    def _meet(self, behave: Behaviour, *met: Any) -> bool:
        """Whether the connection lives on."""
        peer = Peer(*met)
        peer.stopping = self.stopping
        behave(peer)
        if peer.request:
            with self.lock:
                self.served += 1
        return not (peer.ended or self.stopping.is_set())


def read_request(sock: socket.socket | Sealed) -> bytes:
    """A whole request, or b"" where the client ended the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    while len(body) < length:
        more = sock.recv(65536)
        if not more:
            return b""
        data += more
        body += more
    return data


# Answers as bytes.


def whole(body: bytes = b"hello", status: str = "200 OK", extra: bytes = b"") -> bytes:
    """An answer with a length, by release v1 and instance i1."""
    return b"HTTP/1.1 %b\r\nX-Release: v1\r\nX-Instance: i1\r\n%bContent-Length: %d\r\n\r\n%b" % (
        status.encode(),
        extra,
        len(body),
        body,
    )


def chunked(*parts: bytes, trailers: bytes = b"") -> bytes:
    """An answer in chunks, by release v1 and instance i1."""
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return (
        b"HTTP/1.1 200 OK\r\nX-Release: v1\r\nX-Instance: i1\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n%b0\r\n%b\r\n" % (chunks, trailers)
    )


def until_end(body: bytes = b"hello") -> bytes:
    """An answer that the end of the stream ends."""
    return b"HTTP/1.1 200 OK\r\nX-Release: v1\r\nX-Instance: i1\r\n\r\n" + body


# Behaviours.


def says(*pieces: bytes, gap_s: float = 0.02) -> Behaviour:
    """Send the pieces, apart in time, and keep the connection open."""

    def behave(peer: Peer) -> None:
        for number, piece in enumerate(pieces):
            if number:
                peer.pause(gap_s)
            peer.send(piece)

    return behave


def closes(data: bytes = b"") -> Behaviour:
    """Send `data` and end the stream."""

    def behave(peer: Peer) -> None:
        peer.send(data)
        peer.close()

    return behave


def cuts(data: bytes = b"") -> Behaviour:
    """Send `data` and end the stream, over TLS without announcing it."""

    def behave(peer: Peer) -> None:
        peer.send(data)
        peer.cut()

    return behave


def resets(data: bytes = b"", after_s: float = 0.05) -> Behaviour:
    """Send `data`, give the client time to read it, and break the connection."""

    def behave(peer: Peer) -> None:
        if data:
            peer.send(data)
            peer.pause(after_s)
        peer.reset()

    return behave


def stalls(data: bytes = b"") -> Behaviour:
    """Send `data` and nothing more."""

    def behave(peer: Peer) -> None:
        if data:
            peer.send(data)
        waits(peer)

    return behave


def trickles(data: bytes, gap_s: float) -> Behaviour:
    """Send `data` a byte at a time."""
    return says(*(data[i : i + 1] for i in range(len(data))), gap_s=gap_s)


# Greetings: what a server over TLS does before the first request.


def shakes_hands(peer: Peer) -> None:
    assert peer.tls is not None
    peer.tls.shake_hands()


def says_instead(data: bytes = b"", then: Callable[[Peer], None] = Peer.cut_and_drain) -> Behaviour:
    """Take the client's hello, send `data` as it is, and do what comes `then`."""

    def behave(peer: Peer) -> None:
        peer.sock.recv(65536)
        peer.sock.sendall(data)
        then(peer)

    return behave


def breaks_off(keep: float = 0.5, then: Callable[[Peer], None] = Peer.cut_and_drain) -> Behaviour:
    """Send that part of what the server says first, and do what comes `then`."""

    def behave(peer: Peer) -> None:
        assert peer.tls is not None
        flight = peer.tls.first_flight()
        peer.sock.sendall(flight[: int(len(flight) * keep)])
        then(peer)

    return behave


def waits(peer: Peer) -> None:
    """Nothing more comes."""
    peer.pause(60)
