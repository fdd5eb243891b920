"""A stream's requests over HTTP/2: beside each other on one connection, as long as that lasts."""

import ssl
from collections.abc import Callable
from typing import Final

from gevent.event import Event

from harness.model.outcome import Outcome
from harness.traffic.connection import Connection, establish, new_socket
from harness.traffic.flight import Flight
from harness.traffic.http2.endings import Tally
from harness.traffic.http2.exchange import Exchange, StreamAnswer, said
from harness.traffic.http2.session import Session
from harness.traffic.joining import join
from harness.traffic.prepared import Prepared

__all__ = ["Multiplexed"]

_PROTOCOL: Final = "h2"
_CLOSE_S: Final = 1.0
_MOST_AGAIN: Final = 2
"""Times that what was not processed is asked again, where it may be."""


class Multiplexed:
    """Carries one stream's requests: one attempt each, whatever the server says of it; more where
    the stream says so, of what the server has not processed.

    All share a connection. A new one is made where there is none, where the server has announced
    the end of the former one (GOAWAY), where that has ended or was idle for longer than
    `max_idle_s`, and beside it where the server takes no more requests at a time. `keeps` is False
    for a connection for each request.

    `count` numbers connections as they come about.
    """

    def __init__(
        self,
        prepared: Prepared,
        *,
        keeps: bool,
        count: Callable[[], int],
        clock_ns: Callable[[], int],
        max_idle_s: float,
    ) -> None:
        if prepared.reached.trust is None:
            raise ValueError("HTTP/2 is spoken over TLS alone")
        self.tally = Tally()
        self._prepared = prepared
        self._trust = prepared.reached.trust.over_http2()
        self._keeps = keeps
        self._count = count
        self._clock_ns = clock_ns
        self._max_idle_ns = int(max_idle_s * 1e9)
        self._sessions: list[Session] = []
        self._opening: Event | None = None
        """Set once the connection that is being made has come about, or has not."""

    def ask(self, flight: Flight, seq: int) -> tuple[Outcome, str]:
        """How the request ends, and why. Blocks the calling greenlet until then.

        Raises OSError, a TimeoutError among them, for what flight.broken names.
        """
        prepared = self._prepared
        fields, body = said(prepared.request(flight.identity, seq))
        session = self._usable()
        flight.sent_ns = self._clock_ns()
        flight.deadline_ns = flight.sent_ns + prepared.timeout_ns
        outcome, text = self._try(flight, session, fields, body)
        most = _MOST_AGAIN if prepared.asks_again else 0
        while outcome is Outcome.refused_stream and flight.again < most:
            flight.again += 1
            flight.leave()
            flight.sent = False
            outcome, text = self._try(flight, self._usable(), fields, body)
        return outcome, f"{text}, asked {flight.again + 1} times" if flight.again else text

    def _try(
        self,
        flight: Flight,
        session: Session | None,
        fields: list[tuple[bytes, bytes]],
        body: bytes,
    ) -> tuple[Outcome, str]:
        """Over that connection, or over one that is made."""
        prepared = self._prepared
        answer = StreamAnswer(
            bodiless=prepared.bodiless,
            keep=prepared.expected.keep,
            wanted=prepared.expected.wanted,
        )
        flight.answer = answer
        if session is None:
            session = self._next(flight) if self._keeps else self._opened(flight)
        connection = flight.connection = Connection(
            session.secured, session.number, session.secured.handshake, is_shared=True
        )
        connection.uses = session.uses
        flight.established = True
        exchange = Exchange(session.next_number(), flight, answer, body)
        try:
            session.begin(exchange, fields)
            exchange.await_end(session.look, self._clock_ns)
        finally:
            session.let_go(exchange)
            if not self._keeps:
                session.retire()
        if exchange.defect is not None:
            raise exchange.defect
        if exchange.ending is not None:
            return exchange.ending
        outcome, text = prepared.expected.judge(answer, flight.identity)
        if exchange.unsent and outcome is Outcome.ok:
            answer.complete = False
            return Outcome.malformed, "an answer came before the request was whole"
        return outcome, text

    def close(self) -> None:
        """Closes what is idle, in order; requests under way keep theirs. May be used again."""
        sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.retire()
        join([session.reading for session in sessions if session.is_over], _CLOSE_S)

    def _usable(self) -> Session | None:
        """One that takes a request, what has come by now considered; None where none is kept."""
        if not self._keeps:
            return None
        now_ns = self._clock_ns()
        for session in self._sessions:
            session.look()
            if session.is_stale(now_ns, self._max_idle_ns):
                session.retire()
        return next((session for session in self._sessions if session.has_room), None)

    def _next(self, flight: Flight) -> Session:
        """The connection that is being made, or one that is made now: who waited for one that has
        not come about makes one itself, in the time that is left.
        """
        while (opening := self._opening) is not None:
            left_ns = flight.deadline_ns - self._clock_ns()
            if left_ns <= 0:
                raise TimeoutError("deadline")
            opening.wait(left_ns / 1e9)
            session = self._usable()
            if session is not None:
                return session
        opening = self._opening = Event()
        try:
            return self._opened(flight)
        finally:
            self._opening = None
            opening.set()

    def _opened(self, flight: Flight) -> Session:
        reached = self._prepared.reached
        sock = flight.sock = new_socket(reached.family)
        establish(sock, reached.address, flight.deadline_ns, self._clock_ns)
        flight.established = True
        secured = self._trust.secure(sock, self._prepared.session)
        secured.shake_hands(flight.deadline_ns, self._clock_ns)
        if secured.protocol != _PROTOCOL:
            chose = repr(secured.protocol) if secured.protocol else "nothing"
            raise ssl.SSLError(
                ssl.SSL_ERROR_SSL, f"asked for HTTP/2 (ALPN {_PROTOCOL}), the server chose {chose}"
            )
        session = Session(sock, secured, self._count(), tally=self.tally, clock_ns=self._clock_ns)
        self._sessions = [each for each in self._sessions if not each.reading.dead]
        self._sessions.append(session)
        return session
