"""What is sent: streams, and the traffic they make up."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["MOST_STREAMS", "PROBE", "RESERVED", "ArrivalKind", "Connection", "Stream", "Traffic"]

PROBE = "probe"
"""The stream of the readiness checks: requests sent before the schedule begins."""

RESERVED = frozenset({PROBE, "all"})
"""`all` stands for the streams together in every report."""

MOST_STREAMS = 255
"""A stream's index is a byte on disk, and the last one is the probe's."""


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

    def __post_init__(self) -> None:
        """ValueError for streams that could not be told apart, or that send nothing."""
        names = [stream.name for stream in self.streams]
        if not 1 <= len(names) <= MOST_STREAMS:
            raise ValueError(f"traffic: {len(names)} streams; 1 to {MOST_STREAMS} are possible")
        for stream in self.streams:
            if stream.name in RESERVED or not stream.name or names.count(stream.name) > 1:
                raise ValueError(
                    f"traffic: a stream is named {stream.name!r}; names must differ, and "
                    f"{', '.join(sorted(RESERVED))} are the harness's own"
                )
            if not 0 < stream.rate_hz < math.inf:
                raise ValueError(
                    f"traffic: stream {stream.name!r} has a rate of {stream.rate_hz}/s; "
                    "it must be above 0 (leave the stream out to send none of it)"
                )

    @property
    def rate_hz(self) -> float:
        """Requests a second, all streams together."""
        return sum(stream.rate_hz for stream in self.streams)

    def stream_names(self) -> tuple[str, ...]:
        """Names by stream index; index 255 on disk is the probe."""
        return tuple(stream.name for stream in self.streams)
