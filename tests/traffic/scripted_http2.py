"""An HTTP/2 server over TLS that does what a script says, frame by frame where it is told so.

The protocol is h2's, in the part of a server; what h2 would not say is a frame of hyperframe's.
"""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

from accepting import Serving, turn
from certificates import context
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from hyperframe.frame import Frame, GoAwayFrame, HeadersFrame, SettingsFrame
from sealed import Sealed


@dataclass
class Asked:
    """A request, as far as it came."""

    number: int
    """Its stream's."""
    fields: list[tuple[bytes, bytes]]
    connection: int
    """Counted from 0."""
    body: bytearray = field(default_factory=bytearray)

    def value(self, name: bytes) -> bytes:
        return dict(self.fields).get(name, b"")


class Peer:
    """One connection, from the server's side."""

    def __init__(self, sock: socket.socket, tls: Sealed, stopping: threading.Event) -> None:
        self.sock = sock
        self.tls = tls
        self.h2 = H2Connection(
            H2Configuration(
                client_side=False,
                header_encoding=None,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self.asked: dict[int, Asked] = {}
        self.unsent: dict[int, bytes] = {}
        self.ended = False
        self._stopping = stopping

    def pause(self, seconds: float) -> None:
        """Wait, though not beyond the end of the server."""
        self._stopping.wait(seconds)

    def flush(self) -> None:
        self.raw(self.h2.data_to_send())

    def raw(self, data: bytes) -> None:
        self.tls.sendall(data)

    def say(self, *frames: Frame) -> None:
        self.flush()
        self.raw(b"".join(frame.serialize() for frame in frames))

    def head(
        self,
        asked: Asked,
        status: str = "200",
        fields: Sequence[tuple[str, str]] = (),
        *,
        ends: bool = False,
    ) -> None:
        """By release v1 and instance i1."""
        told = [(":status", status), ("x-release", "v1"), ("x-instance", "i1"), *fields]
        self.h2.send_headers(asked.number, told, end_stream=ends)

    def answer(self, asked: Asked, body: bytes = b"hello", status: str = "200") -> None:
        """A whole one, as far as the client's windows let it; the rest as they do."""
        self.head(asked, status, [("content-length", str(len(body)))])
        self.unsent[asked.number] = body
        self.send_more()
        self.flush()

    def send_more(self) -> None:
        for number, body in list(self.unsent.items()):
            left = body
            while left:
                most = min(
                    self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size
                )
                if most <= 0:
                    break
                self.h2.send_data(number, left[:most], end_stream=len(left) <= most)
                left = left[most:]
            self.unsent[number] = left
            if not left:
                del self.unsent[number]

    def close(self) -> None:
        """End the stream in order, announced."""
        self.sock.sendall(self.tls.farewell())
        self.cut()

    def cut(self) -> None:
        """End the stream without a word of TLS; read on, as what is left unread makes a reset."""
        self.ended = True
        self.sock.shutdown(socket.SHUT_WR)
        while self.sock.recv(65536):
            pass

    def reset(self) -> None:
        """Break the connection (RST)."""
        self.ended = True
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Behaviour = Callable[[Peer, Asked], None]


class ScriptedHttp2(Serving):
    """Serves each request that is whole with a behaviour: the n-th of a list (its last for all
    later ones), or one function for all. `at_once` does so as its header section came.

    `greets` runs before the first frame of a connection is sent, `protocols` are those it agrees
    to. `takes_bodies` False opens no window again.
    """

    def __init__(
        self,
        script: Behaviour | Sequence[Behaviour],
        *,
        protocols: Sequence[str] = ("h2",),
        greets: Callable[[Peer], None] = lambda _peer: None,
        at_once: bool = False,
        takes_bodies: bool = True,
        most_streams: int = 100,
    ) -> None:
        super().__init__()
        self.script = script
        self.requests: list[Asked] = []
        self.resets: list[tuple[int, int]] = []
        """(stream, error) of the client's RST_STREAM."""
        self.farewells = 0
        """Connections that the client ended by GOAWAY."""
        self._context = http2_context(*protocols)
        self._greets = greets
        self._at_once = at_once
        self._takes_bodies = takes_bodies
        self._most_streams = most_streams
        self.begin()

    def serve(self, sock: socket.socket, number: int) -> None:
        peer = Peer(sock, Sealed(sock, self._context), self.stopping)
        peer.tls.shake_hands()
        self._greets(peer)
        if peer.ended:
            return
        peer.h2.initiate_connection()
        peer.say(SettingsFrame(0, settings={3: self._most_streams}))
        while not (peer.ended or self.stopping.is_set()):
            data = peer.tls.recv(65536)
            if not data:
                return
            self._take(peer, number, data)

    def _take(self, peer: Peer, number: int, data: bytes) -> None:
        for event in peer.h2.receive_data(data):
            if isinstance(event, RequestReceived):
                peer.asked[event.stream_id] = Asked(event.stream_id, list(event.headers), number)
                if self._at_once:
                    self._meet(peer, peer.asked[event.stream_id])
            elif isinstance(event, DataReceived):
                peer.asked[event.stream_id].body += event.data
                if self._takes_bodies:
                    peer.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamEnded) and not self._at_once:
                self._meet(peer, peer.asked[event.stream_id])
            elif isinstance(event, StreamReset):
                peer.unsent.pop(event.stream_id, None)
                self.resets.append((event.stream_id, int(event.error_code)))
            elif isinstance(event, WindowUpdated):
                peer.send_more()
            elif isinstance(event, ConnectionTerminated):
                self.farewells += 1
            if peer.ended:
                return
        peer.flush()

    def _meet(self, peer: Peer, asked: Asked) -> None:
        with self.lock:
            index = len(self.requests)
            self.requests.append(asked)
        turn(self.script, index)(peer, asked)
        with self.lock:
            self.served += 1


@cache
def http2_context(*protocols: str) -> ssl.SSLContext:
    """A server's that agrees to one of those (ALPN), or to none."""
    made = context.__wrapped__()
    if protocols:
        made.set_alpn_protocols(list(protocols))
    return made


# Behaviours.


def answers(body: bytes = b"hello", status: str = "200") -> Behaviour:
    return lambda peer, asked: peer.answer(asked, body, status)


def begins(then: Callable[[Peer], None] = lambda _peer: None, *, part: bytes = b"hel") -> Behaviour:
    """Header section and the beginning of a body, and then."""

    def behave(peer: Peer, asked: Asked) -> None:
        peer.head(asked, fields=[("content-length", "5")])
        peer.h2.send_data(asked.number, part)
        peer.flush()
        then(peer)

    return behave


def ends(then: Callable[[Peer], None]) -> Behaviour:
    """Nothing of an answer, and then."""
    return lambda peer, _asked: then(peer)


def resets_stream(code: int, *, after: Behaviour | None = None) -> Behaviour:
    def behave(peer: Peer, asked: Asked) -> None:
        if after is not None:
            after(peer, asked)
        peer.h2.reset_stream(asked.number, code)
        peer.flush()

    return behave


def goes_away(last: int, code: int = ErrorCodes.NO_ERROR, text: bytes = b"") -> Frame:
    return GoAwayFrame(0, last_stream_id=last, error_code=code, additional_data=text)


def says(*frames: Frame) -> Behaviour:
    return lambda peer, _asked: peer.say(*frames)


def says_raw(data: bytes) -> Behaviour:
    def behave(peer: Peer, _asked: Asked) -> None:
        peer.flush()
        peer.raw(data)

    return behave


def heads(peer: Peer, number: int, *flags: str, fields: Sequence[tuple[str, str]]) -> HeadersFrame:
    """A header section that h2 would not send."""
    frame = HeadersFrame(number, flags=[*flags, "END_HEADERS"])
    frame.data = peer.h2.encoder.encode(fields)
    return frame


def silent(_peer: Peer, _asked: Asked) -> None:
    """Nothing comes."""
