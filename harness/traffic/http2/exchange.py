"""A request over HTTP/2: how it is said, what its answer is, how it ends."""

from collections.abc import Callable, Iterable
from typing import Final

from gevent.event import Event

from harness.model.outcome import Outcome
from harness.traffic.answer import Answer, MalformedError
from harness.traffic.flight import Flight

__all__ = ["Exchange", "StreamAnswer", "said"]

_STATUS: Final = b":status"
_LENGTH: Final = b"content-length"
_STATUS_DIGITS: Final = 3
_SWITCHES: Final = 101
_BODILESS: Final = frozenset({204, 304})
_OF_THE_CONNECTION: Final = b"connection"


def said(request: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Header fields and body of a request as it is said in HTTP/1.1 (prepared.Prepared.request).

    So both ask the very same. What HTTP/1.1 says of the connection is left out (RFC 9113, 8.2.2).
    """
    head, _, body = request.partition(b"\r\n\r\n")
    line, host, *lines = head.split(b"\r\n")
    method, _, rest = line.partition(b" ")
    fields = [
        (b":method", method),
        (b":scheme", b"https"),
        (b":authority", _field(host)[1]),
        (b":path", rest.rpartition(b" ")[0]),
    ]
    fields += [field for field in map(_field, lines) if field[0] != _OF_THE_CONNECTION]
    return fields, body


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.lower(), value.strip()


class StreamAnswer(Answer):
    """An answer whose frames somebody else has parsed; `finish` makes it complete."""

    __slots__ = ()

    def begin(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        """Its header section, or an interim one's. MalformedError for a status that is none, or
        that HTTP/2 has not.
        """
        self.started = True
        kept: dict[bytes, bytes] = {}
        told = b""
        for name, value in fields:
            if name == _STATUS:
                told = value
            elif name in self._wanted:
                before = kept.get(name)
                kept[name] = value if before is None else before + b"," + value
        status = int(told) if told.isdigit() and len(told) == _STATUS_DIGITS else 0
        if status < 100 or status == _SWITCHES:
            raise MalformedError(f"status {told!r} was not asked for")
        if status >= 200:
            self.status, self.fields = status, kept

    def take(self, data: bytes) -> None:
        """Bytes of its body."""
        self._take(data)

    def finish(self) -> None:
        """The server says that this was all. MalformedError where it had declared something else.

        h2 compares lengths too, but of an answer that ends with its header section.
        """
        if not self.status:
            raise MalformedError("the answer ended before its header section")
        has_body = not self._bodiless and self.status not in _BODILESS
        if self.size and not has_body:
            raise MalformedError(f"a body of {self.size} bytes was not asked for")
        declared = self.fields.get(_LENGTH)
        if has_body and declared is not None:
            self._compare(declared)
        self.complete = True

    def _compare(self, declared: bytes) -> None:
        if not declared.isdigit() or int(declared) != self.size:
            raise MalformedError(f"expected {declared!r} bytes of body, observed {self.size}")


class Exchange:
    """A request that is under way on a session, and what is known of its end."""

    __slots__ = ("_over", "answer", "defect", "ending", "flight", "is_closed", "number", "unsent")

    def __init__(self, number: int, flight: Flight, answer: StreamAnswer, body: bytes) -> None:
        self.number = number
        """Its stream's: odd, rising."""
        self.flight = flight
        self.answer = answer
        self.unsent = body
        """What the server's windows have not let through yet."""
        self.is_closed = False
        """Neither side says anything more of it."""
        self.ending: tuple[Outcome, str] | None = None
        """How it ended, and why; None where its whole answer says so."""
        self.defect: Exception | None = None
        """Of our own, which kept its answer from being read."""
        self._over = Event()

    @property
    def is_over(self) -> bool:
        return bool(self._over.is_set())

    def end(self, ending: tuple[Outcome, str] | None = None) -> None:
        """For good: what is said of it later changes nothing."""
        if not self.is_over:
            self.ending = ending
            self._over.set()

    def finish(self) -> None:
        """The server has said all that it has to say."""
        self.is_closed = not self.unsent
        try:
            self.answer.finish()
        except MalformedError as error:
            self.end((Outcome.malformed, str(error)))
        else:
            self.end()

    def await_end(self, look: Callable[[], None], clock_ns: Callable[[], int]) -> None:
        """Raises TimeoutError at the flight's deadline. `look` takes in what has come by then: a
        late look of our own is not blamed on the server.
        """
        while not self.is_over:
            left_ns = self.flight.deadline_ns - clock_ns()
            if left_ns > 0:
                self._over.wait(left_ns / 1e9)
                continue
            look()
            if not self.is_over:
                raise TimeoutError("deadline")
