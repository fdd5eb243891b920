"""A request under way: what is known of it, and the name of the way it ends."""

import errno
import ssl
from typing import Final

from harness.model.outcome import Outcome
from harness.traffic.answer import Answer
from harness.traffic.channel import Channel
from harness.traffic.connection import Connection
from harness.traffic.prepared import Prepared

__all__ = ["Flight", "Unfinished"]

_TICK_NS: Final = 10_000_000
"""How exactly the kernel tells when bytes came: to one of its ticks, 100 a second or more."""

_OURS: Final = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.EADDRNOTAVAIL,
        errno.EADDRINUSE,
        errno.ENOBUFS,
        errno.ENOMEM,
    }
)
"""A lack of our own, as long as the request is not sent."""

_UNREACHABLE: Final = frozenset(
    {
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
        errno.EHOSTDOWN,
        errno.ENETDOWN,
        errno.EACCES,
        errno.EPERM,
    }
)


class Unfinished(BaseException):
    """Thrown into a greenlet in `Client.send` to make it give up.

    `greenlet.kill(Unfinished)`: send then returns what it knows, with outcome `unfinished`.
    A greenlet that has not begun, or is past send, does not get there: its caller decides.
    """


class Flight:
    """What is known of a request under way."""

    __slots__ = (
        "again",
        "answer",
        "connection",
        "deadline_ns",
        "established",
        "first_byte_ns",
        "granted",
        "identity",
        "prepared",
        "sent",
        "sent_ns",
        "sock",
    )

    def __init__(self, prepared: Prepared, identity: bytes) -> None:
        self.prepared = prepared
        self.identity = identity
        self.sock: Channel | None = None
        self.established = False
        """The peer has accepted the connection; over TLS the handshake is still to come."""
        self.connection: Connection | None = None
        """Set once requests can go over it."""
        self.sent = False
        """The whole request is written."""
        self.answer: Answer = _awaited(prepared)
        self.sent_ns = 0
        self.deadline_ns = 0
        self.first_byte_ns = 0
        self.granted = False
        """It was given more time, once."""
        self.again = 0
        """As row.Sample's."""

    def begin(self, prepared: Prepared, now_ns: int) -> None:
        """Another exchange of the same visit, with an answer and a time of its own."""
        self.prepared = prepared
        self.sent = False
        self.answer = _awaited(prepared)
        self.deadline_ns = now_ns + prepared.timeout_ns
        self.granted = False

    def look_late(self, now_ns: int, heard_ns: int | None, is_whole: bool) -> None:
        """Of an answer that is still being read as its deadline has passed. `heard_ns`: when the
        peer's last bytes came, None where nobody can tell.

        Raises TimeoutError for what came after the deadline, and where more is to come. Where it
        lay unread for us to look, the peer may have been kept from saying more: it gets the time
        that we were late, once.
        """
        if heard_ns is not None and heard_ns > self.deadline_ns + _TICK_NS:
            raise TimeoutError("deadline")
        if is_whole:
            return
        late_ns = now_ns - self.deadline_ns
        if heard_ns is None or late_ns <= _TICK_NS or self.granted:
            raise TimeoutError("deadline")
        self.granted = True
        self.deadline_ns = now_ns + min(late_ns, self.prepared.timeout_ns)

    def leave(self) -> None:
        """Its connection is closed, and it has none."""
        self.sock = None
        self.connection = None
        self.established = False

    def stage(self) -> str:
        if self.connection is None:
            return "shaking hands" if self.established else "connecting"
        if not self.sent:
            return "sending the request"
        if not self.answer.started:
            return "waiting for the answer"
        return f"reading the answer (status {self.answer.status}, {self.answer.size} body bytes)"

    def cut(self, how: str = "") -> tuple[Outcome, str]:
        """The ending where the peer ended the stream before the answer was whole, and why."""
        text = f"the peer ended the connection{how} while {self.stage()}"
        if self.connection is None:
            return Outcome.closed_in_handshake, text
        if self.answer.started:
            return Outcome.truncated, text
        return (
            Outcome.closed_on_reuse if self.connection.uses else Outcome.closed_before_answer
        ), text

    def broken(self, error: OSError) -> tuple[Outcome, str]:
        """The ending that an error of the kernel or of TLS, or the deadline, makes, and why."""
        text = f"{error} while {self.stage()}"
        if isinstance(error, TimeoutError):
            return self._late(), text
        if isinstance(error, ssl.SSLError):
            return self._insecure(error, text)
        if error.errno in _OURS and not self.sent:
            self.sent_ns = 0
            return Outcome.not_sent, text
        if isinstance(error, ConnectionRefusedError):
            return Outcome.refused, text
        connecting = not self.established
        if error.errno in _UNREACHABLE or (connecting and error.errno != errno.ECONNRESET):
            return Outcome.unreachable, text
        return Outcome.reset, text

    def _late(self) -> Outcome:
        if self.connection is None:
            return Outcome.handshake_timeout if self.established else Outcome.connect_timeout
        return Outcome.read_timeout if self.answer.started else Outcome.answer_timeout

    def _insecure(self, error: ssl.SSLError, text: str) -> tuple[Outcome, str]:
        if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return self.cut(" without a word of TLS")
        if isinstance(error, ssl.SSLCertVerificationError):
            return Outcome.untrusted, text
        return Outcome.handshake_failed if self.connection is None else Outcome.malformed, text

    def close(self) -> None:
        """Close its connection, however far it got."""
        if self.connection is not None:
            self.connection.close()
        elif self.sock is not None:
            self.sock.close()


def _awaited(prepared: Prepared) -> Answer:
    return Answer(
        bodiless=prepared.bodiless,
        keep=prepared.expected.keep,
        wanted=prepared.expected.wanted,
        heads=prepared.heads,
    )
