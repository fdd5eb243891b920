"""Talking over a WebSocket: each thing said must be answered, by the release that began it."""

import contextlib
from collections import deque
from collections.abc import Collection, Iterator
from typing import Final

import gevent
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import ProtocolError

from harness.model.outcome import Outcome
from harness.traffic.connection import Connection
from harness.traffic.expected import instance_of
from harness.traffic.visiting import Ended, Visiting

__all__ = ["talk"]

_ORDERLY: Final = frozenset(
    {CloseReason.NORMAL_CLOSURE, CloseReason.GOING_AWAY, CloseReason.SERVICE_RESTART}
)
_MOST_CHARS: Final = 1_000
"""Of a text: what is longer cannot be right, whatever is still to come of it."""
_FAREWELL_NS: Final = 1_000_000_000
"""For the website to end a connection that it has closed."""
_AGAIN_S: Final = 0.1
"""Between two looks for a website that closed before it said anything."""


def talk(v: Visiting) -> None:
    """Until the visit is let go; then it closes, and must be answered in kind. Where the website
    closes in order, the conversation goes on over a new connection.
    """
    said, closed_ns = 0, 0
    while True:
        line = _Line(v)
        before = said
        while line.is_open and line.says(said + 1):
            said += 1
            v.count_answer()
            if closed_ns:
                v.reconnected(closed_ns)
                closed_ns = 0
            if not v.wait(v.visit.every_s):
                line.close()
                return
        if not closed_ns:
            closed_ns = line.closed_ns
            v.note(closed=v.account.closed + 1)
        elif v.clock_ns() - closed_ns > v.first.timeout_ns:
            raise Ended(Outcome.answer_timeout, "nothing was answered again after a close")
        if said == before:
            gevent.sleep(_AGAIN_S)
        v.flight.close()
        v.flight.leave()


class _Line:
    """One WebSocket connection, whose opening handshake is done."""

    def __init__(self, v: Visiting) -> None:
        self._v = v
        self._events: deque[Event] = deque()
        self._text = ""
        """What came so far of a text: one frame can come in pieces, and one text in frames."""
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self.is_open = True
        """False once the website has closed it in order."""
        self.closed_ns = 0
        head = v.first.request(v.flight.identity, v.account.seq).rstrip()
        line, host, *headers = head.split(b"\r\n")
        request = Request(
            host=host.partition(b": ")[2].decode("latin-1"),
            target=line.split()[1].decode("latin-1"),
            extra_headers=[_named(header) for header in headers],
        )
        self._connection: Connection = v.send(v.first, self._protocol.send(request))
        self._shake_hands()

    def says(self, number: int) -> bool:
        """Says a number, and awaits the answer; False where the website closed instead."""
        v = self._v
        event = self._come()
        if event is None:
            v.count_question(v.clock_ns())
            self._send(TextMessage(data=str(number)))
            event = self._awaited()
        elif not isinstance(event, CloseConnection):
            raise Ended(Outcome.wrong_body, f"nothing was said, observed {str(event)[:120]}")
        if isinstance(event, CloseConnection):
            self._leave(event)
            return False
        answer = v.flight.answer
        who = f"{v.first.expected.release(answer)} {instance_of(answer)}"
        if not isinstance(event, TextMessage) or event.data != f"{who} {number}":
            raise Ended(
                Outcome.wrong_body, f"expected `{who} {number}`, observed {str(event)[:120]}"
            )
        v.size += len(event.data)
        return True

    def close(self) -> None:
        """In order: a close frame, and one in return. All that was said is answered by then."""
        self._send(CloseConnection(code=CloseReason.NORMAL_CLOSURE))
        event = self._awaited()
        if not isinstance(event, CloseConnection):
            raise Ended(Outcome.wrong_body, f"expected a close frame, observed {str(event)[:120]}")
        # A reply may leave the code out (RFC 6455, 5.5.1).
        self._expect_order(event, _ORDERLY | {CloseReason.NO_STATUS_RCVD})

    def _shake_hands(self) -> None:
        v, answer = self._v, self._v.flight.answer
        event = self._awaited()
        if isinstance(event, RejectConnection):
            answer.status = event.status_code
            raise Ended(Outcome.wrong_status, f"expected status 101, observed {event.status_code}")
        if not isinstance(event, AcceptConnection):
            raise Ended(Outcome.malformed, f"no answer to a handshake: {str(event)[:120]}")
        answer.status = 101
        answer.fields = {name.lower(): value for name, value in event.extra_headers}
        self._connection.uses += 1
        v.note_beginning()

    def _leave(self, event: CloseConnection) -> None:
        """The website closes: it is answered in kind."""
        self._expect_order(event)
        v = self._v
        self.is_open, self.closed_ns = False, v.clock_ns()
        self._send(event.response())
        # The server ends the connection (RFC 6455, 7.1.1). Who asks again before that would find
        # the old conversation logged after the new one, and blame the wrong side.
        with contextlib.suppress(OSError):
            while self._connection.wire.receive(self.closed_ns + _FAREWELL_NS, v.clock_ns):
                pass

    def _expect_order(self, event: CloseConnection, orderly: Collection[int] = _ORDERLY) -> None:
        if event.code not in orderly:
            raise Ended(
                Outcome.malformed, f"closed with code {event.code}: {str(event.reason)[:120]}"
            )
        if self._text:
            raise Ended(Outcome.truncated, f"closed within a text: {self._text[:60]!r}")

    def _come(self) -> Event | None:
        """What came since the last answer; None where nothing did."""
        while True:
            if (event := self._next()) is not None:
                return event
            if self._connection.wire.quiet():
                return None
            self._read()

    def _awaited(self) -> Event:
        v, flight = self._v, self._v.flight
        flight.deadline_ns = v.clock_ns() + flight.prepared.timeout_ns
        while (event := self._next()) is None:
            self._read()
        return event

    def _next(self) -> Event | None:
        """The next thing said, whole; a ping is answered in passing, a pong is none."""
        while self._events:
            event = self._events.popleft()
            if isinstance(event, Ping):
                # Beyond a close frame nothing more is to be sent (RFC 6455, 5.5.1).
                if self._protocol.state is ConnectionState.OPEN:
                    self._send(event.response())
            elif isinstance(event, TextMessage):
                self._text += event.data
                if event.message_finished or len(self._text) > _MOST_CHARS:
                    text, self._text = self._text, ""
                    return TextMessage(data=text)
            elif not isinstance(event, Pong):
                return event
        return None

    def _read(self) -> None:
        v, flight = self._v, self._v.flight
        data = self._connection.wire.receive(flight.deadline_ns, v.clock_ns)
        if not data:
            raise Ended(*flight.cut(" without a close frame"))
        if not flight.first_byte_ns:
            flight.first_byte_ns = v.clock_ns()
        flight.answer.started = True
        with _strictly():
            self._protocol.receive_data(data)
            self._events.extend(self._protocol.events())

    def _send(self, event: Event) -> None:
        flight = self._v.flight
        with _strictly():
            data = self._protocol.send(event)
        self._connection.wire.transmit(data, flight.deadline_ns, self._v.clock_ns)


@contextlib.contextmanager
def _strictly() -> Iterator[None]:
    """What is not a WebSocket's ends the visit; wsproto lets a header's wrong bytes through."""
    try:
        yield
    except (ProtocolError, UnicodeDecodeError) as error:
        raise Ended(Outcome.malformed, f"not a WebSocket's: {error}") from error


def _named(header: bytes) -> tuple[bytes, bytes]:
    name, _, value = header.partition(b": ")
    return name, value
