"""A request under way: what is known of it, and the name of the way it ends."""

import errno
from typing import Final

from gevent import socket

from harness.model.outcome import Outcome
from harness.traffic.answer import Answer
from harness.traffic.connection import Connection
from harness.traffic.prepared import Prepared

__all__ = ["Flight"]

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


class Flight:
    """What is known of a request under way."""

    __slots__ = (
        "answer",
        "connection",
        "deadline_ns",
        "first_byte_ns",
        "identity",
        "prepared",
        "sent",
        "sent_ns",
        "sock",
    )

    def __init__(self, prepared: Prepared, identity: bytes) -> None:
        self.prepared = prepared
        self.identity = identity
        self.sock: socket.socket | None = None
        self.connection: Connection | None = None
        """Set once it is established."""
        self.sent = False
        """The whole request is written."""
        self.answer: Answer = Answer(bodiless=prepared.bodiless, keep=prepared.keep)
        self.sent_ns = 0
        self.deadline_ns = 0
        self.first_byte_ns = 0

    def stage(self) -> str:
        if self.connection is None:
            return "connecting"
        if not self.sent:
            return "sending the request"
        if not self.answer.started:
            return "waiting for the answer"
        return f"reading the answer (status {self.answer.status}, {self.answer.size} body bytes)"

    def cut(self) -> tuple[Outcome, str]:
        """The ending where the peer ended the stream before the answer was whole, and why."""
        text = f"the peer ended the connection while {self.stage()}"
        if self.answer.started:
            return Outcome.truncated, text
        if self.connection is not None and self.connection.uses:
            return Outcome.closed_on_reuse, text
        return Outcome.closed_before_answer, text

    def broken(self, error: OSError) -> tuple[Outcome, str]:
        """The ending that an error of the kernel, or the deadline, makes, and why."""
        text = f"{error} while {self.stage()}"
        if isinstance(error, TimeoutError):
            if self.connection is None:
                return Outcome.connect_timeout, text
            return Outcome.read_timeout if self.answer.started else Outcome.answer_timeout, text
        if error.errno in _OURS and not self.sent:
            self.sent_ns = 0
            return Outcome.not_sent, text
        if isinstance(error, ConnectionRefusedError):
            return Outcome.refused, text
        connecting = self.connection is None
        if error.errno in _UNREACHABLE or (connecting and error.errno != errno.ECONNRESET):
            return Outcome.unreachable, text
        return Outcome.reset, text

    def close(self) -> None:
        """Close its connection, however far it got."""
        if self.sock is not None:
            self.sock.close()
