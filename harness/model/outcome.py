"""How a request ended: one name for each way. And how its connection and its answer came about.

The numbers are written to disk: never reuse one.
"""

from enum import IntEnum

__all__ = ["LOST_CONNECTION", "UNANSWERED", "Cache", "Handshake", "Outcome"]


class Outcome(IntEnum):
    """The one ending of a request."""

    ok = 0
    refused = 1
    """The connection was refused: nobody listens there."""
    unreachable = 2
    """No route to the address, or the network refused it."""
    reset = 3
    """The peer reset the connection (RST), at any point after it was asked for; over HTTP/2 also
    the request alone (RST_STREAM)."""
    closed_before_answer = 4
    """The peer ended a fresh connection after the request was sent, before any byte."""
    closed_on_reuse = 5
    """The same, on a connection that had served a request before."""
    truncated = 6
    """The answer began and ended before its declared end, in its headers or its body."""
    connect_timeout = 7
    """The connection was not established in time."""
    answer_timeout = 8
    """The request was sent; no byte of an answer came in time."""
    read_timeout = 9
    """The answer began and was not whole in time."""
    malformed = 10
    """Not HTTP as it was asked for, or more than one answer to one request; over TLS also a broken
    record."""
    wrong_status = 11
    wrong_body = 12
    not_sent = 13
    """The sender could not send it (its own lack of sockets, or its bound on requests in
    flight). Evidence that is missing, never blamed on the target."""
    unfinished = 14
    """Still in flight when the bounded wait at the end of the run was over."""
    connection_lost = 15
    """`refused`, `reset`, `connect_timeout` and `closed_in_handshake` where the measured path
    cannot tell them apart."""
    wrong_header = 16
    """An expected header is missing or has another value."""
    closed_in_handshake = 17
    """The peer ended the connection before its TLS handshake was over."""
    handshake_timeout = 18
    """The connection was established; its TLS handshake was not over in time."""
    handshake_failed = 19
    """What came was not TLS, or the peer refused the handshake with an alert."""
    untrusted = 20
    """The server's certificate does not verify."""
    rejected = 21
    """A locustfile called it a failure, in words of its own."""
    refused_stream = 22
    """Over HTTP/2: the server said that it had not processed the request, as its connection was
    ending when that came (GOAWAY), or as it refused it (REFUSED_STREAM). It is safe to send again,
    and browsers do so by themselves; nothing is here, so it failed."""


LOST_CONNECTION = frozenset(
    {Outcome.refused, Outcome.reset, Outcome.connect_timeout, Outcome.closed_in_handshake}
)
"""What the engine's userland proxy makes indistinguishable."""

UNANSWERED = frozenset(
    {
        Outcome.reset,
        Outcome.closed_before_answer,
        Outcome.closed_on_reuse,
        Outcome.truncated,
        Outcome.answer_timeout,
        Outcome.read_timeout,
        Outcome.malformed,
        Outcome.unfinished,
        Outcome.connection_lost,
    }
)
"""Endings after which a write may or may not have been applied: only the store knows."""


class Cache(IntEnum):
    """What an answer's header X-Cache says of where it came from."""

    untold = 0
    hit = 1
    """A copy that a cache before the website had kept, stale or confirmed ones included."""
    miss = 2
    """The website was asked."""


class Handshake(IntEnum):
    """How a connection began."""

    plain = 0
    """Without TLS."""
    full = 1
    resumed = 2
    """An earlier TLS session was resumed."""
