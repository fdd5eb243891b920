"""A visit under way: one flight, whose answers are those of its exchanges in turn."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import gevent

from harness.model.outcome import Cache, Outcome
from harness.model.visit import Visit, Visited
from harness.traffic.connection import Connection
from harness.traffic.expected import cache_of, instance_of
from harness.traffic.flight import Flight
from harness.traffic.holding import Holding
from harness.traffic.prepared import Prepared

__all__ = ["Ended", "Exchanges", "Visiting"]

_NAP_S = 0.02


class Ended(Exception):  # noqa: N818 (it is no error: it ends a visit, from however deep)
    """The visit is over, with that outcome and why."""

    def __init__(self, outcome: Outcome, text: str) -> None:
        super().__init__(text)
        self.outcome = outcome
        self.text = text


class Exchanges(Protocol):
    """What a visit needs of the client."""

    def connect(self, flight: Flight) -> Connection:
        """A new connection for the flight. Raises OSError."""

    def read(self, flight: Flight, connection: Connection) -> tuple[Outcome, str]:
        """The answer, to its end. Raises OSError, MalformedError."""


class Visiting:
    """What each kind of visit is made of. Its steps raise Ended where one fails."""

    def __init__(
        self,
        client: Exchanges,
        flight: Flight,
        seq: int,
        holding: Holding,
        clock_ns: Callable[[], int],
    ) -> None:
        assert flight.prepared.visit is not None  # noqa: S101 (who makes one has looked)
        self.visit: Visit = flight.prepared.visit
        self.first: Prepared = flight.prepared
        self.then: Prepared = flight.prepared.then or flight.prepared
        self.flight = flight
        self.clock_ns = clock_ns
        self.account = Visited(seq=seq)
        self.release = self.instance = ""
        """Who answered its first question: where the visit began."""
        self.cache = Cache.untold
        """What that answer was."""
        self.size = 0
        """Bytes of all bodies."""
        self._client = client
        self._holding = holding
        self._opened_ns = clock_ns()
        self._asked_ns = 0
        self._is_left = False
        """An answer has announced the close of its connection, which is closed."""

    def note(self, **changes: Any) -> None:
        self.account = replace(self.account, **changes)

    def goes_on(self) -> bool:
        """False once it has gone on for long enough, which is noted."""
        now_ns = self.clock_ns()
        if not self._holding.goes_on(self.visit, self._opened_ns):
            self.note(let_go_ns=self.account.let_go_ns or now_ns)
            return False
        if now_ns - self._opened_ns > int(self.visit.lasts_s * 1e9):
            self.note(is_held=True)
        return True

    def wait(self, seconds: float) -> bool:
        """Lets so much time pass, unless the visit is let go; whether it goes on."""
        until_ns = self.clock_ns() + int(seconds * 1e9)
        while (left_ns := until_ns - self.clock_ns()) > 0 and self.goes_on():
            gevent.sleep(min(left_ns / 1e9, _NAP_S))
        return self.goes_on()

    def connection(self) -> Connection:
        """The one that is open, or a new one."""
        return self.flight.connection or self.connect()

    def connect(self) -> Connection:
        """Opens a connection. Raises OSError."""
        flight = self.flight
        flight.close()
        sent_ns = flight.sent_ns
        flight.leave()
        try:
            return self._client.connect(flight)
        finally:
            flight.sent_ns = sent_ns or flight.sent_ns

    def send(self, prepared: Prepared, request: bytes) -> Connection:
        """Sends a request, on the open connection or a new one; its answer is still to come."""
        flight = self.flight
        sent_ns = self.clock_ns()
        flight.begin(prepared, sent_ns)
        connection = self.connection()
        self.count_question(sent_ns)
        connection.wire.transmit(request, flight.deadline_ns, self.clock_ns)
        flight.sent = True
        return connection

    def ask(self, prepared: Prepared, request: bytes) -> None:
        """One request and its answer, which must be right.

        A connection that the other side ended in an orderly way since the last answer, or announced
        to end, is replaced by a new one, and how long that took is noted.
        """
        closed_ns = self.found_closed()
        connection = self.send(prepared, request)
        outcome, text = self._client.read(self.flight, connection)
        self.size += self.flight.answer.size
        if outcome is not Outcome.ok:
            raise Ended(outcome, text)
        self.answered(connection)
        if closed_ns:
            self.reconnected(closed_ns)
        if not self.flight.answer.reusable:
            # `Connection: close`: announced, so the next request makes a new one.
            self._leave()
            self._is_left = True
            self.note(left_ns=self.account.left_ns or self.clock_ns())

    def answered(self, connection: Connection) -> None:
        """A right answer came over it."""
        connection.uses += 1
        self.note_beginning()
        self.count_answer()

    def note_beginning(self) -> None:
        """Who answers, where it is the first question that is answered."""
        if self.account.asked == 1:
            answer = self.flight.answer
            self.release = self.flight.prepared.expected.release(answer)
            self.instance, self.cache = instance_of(answer), cache_of(answer)

    def count_question(self, sent_ns: int) -> None:
        self._asked_ns = sent_ns
        self.note(asked=self.account.asked + 1)

    def count_answer(self) -> None:
        """A right answer came to what was asked last; who gave it, unless that was the first."""
        answer = self.flight.answer
        if self.account.asked > 1 and cache_of(answer) is not Cache.hit:
            self.note(
                last_sent_ns=self._asked_ns,
                last_release=self.flight.prepared.expected.release(answer),
                last_instance=instance_of(answer),
            )
        self.note(answered=self.account.answered + 1)

    def found_closed(self) -> int:
        """When the connection was found to have been ended in order, announced or not; 0: it was
        not.

        Raises OSError for one that was reset, Ended for one with bytes that nobody asked for.
        """
        connection = self.flight.connection
        now_ns = self.clock_ns()
        if connection is not None:
            if connection.wire.quiet():
                return 0
            if data := connection.wire.receive(now_ns, self.clock_ns):
                raise Ended(Outcome.malformed, f"bytes that nobody asked for: {data[:60]!r}")
            self._leave()
        elif not self._is_left:
            return 0
        self._is_left = False
        self.note(closed=self.account.closed + 1)
        return now_ns

    def _leave(self) -> None:
        self.flight.close()
        self.flight.leave()

    def reconnected(self, closed_ns: int) -> None:
        took_ms = (self.clock_ns() - closed_ns) / 1e6
        self.note(reconnect_ms=(*self.account.reconnect_ms, round(took_ms, 3)))
