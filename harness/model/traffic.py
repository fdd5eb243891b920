"""What is sent: streams, and the traffic they make up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["PROBE", "ArrivalKind", "Connection", "Stream", "Traffic"]

PROBE = "probe"
"""The stream of the readiness checks: requests sent before the schedule begins."""


class Connection(StrEnum):
    """A stream's connection policy."""

    reuse = "reuse"
    """Keep-alive connections from a pool of the stream's own."""
    new = "new"
    """A connection for each request, closed after it."""


class ArrivalKind(StrEnum):
    """How arrivals are spaced."""

    even = "even"
    poisson = "poisson"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One kind of request, with its connection policy and its rate.

    `expect_body` maps a release's name to the exact text of its answer; the key `"*"` stands
    for any release. `{operation}` in it, in `path` and in `body` becomes the request's
    operation id, which is its request id. None leaves the body unchecked (its declared
    length still is).
    """

    name: str
    path: str
    rate_hz: float
    """Requests a second."""
    method: str = "GET"
    connection: Connection = Connection.reuse
    body: str = ""
    expect_status: int = 200
    expect_body: Mapping[str, str] | None = None
    write: bool = False
    """A write: it carries an operation id, and an unanswered one is unknown."""
    slow: bool = False
    """Slow on purpose: kept in flight across the swap's steps, not judged for latency."""
    timeout_s: float = 10.0
    """From the moment it is sent to the last byte of its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Streams under one schedule."""

    streams: tuple[Stream, ...]
    arrivals: ArrivalKind = ArrivalKind.even
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every request."""

    @property
    def rate_hz(self) -> float:
        """Requests a second, all streams together."""
        return sum(stream.rate_hz for stream in self.streams)

    def stream_names(self) -> tuple[str, ...]:
        """Names by stream index; index 255 on disk is the probe."""
        return tuple(stream.name for stream in self.streams)
