"""What is sent: streams, and the traffic they make up."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from harness.model.draw import Draw
from harness.model.visit import Visit

__all__ = [
    "MOST_STREAMS",
    "PROBE",
    "RESERVED",
    "ArrivalKind",
    "Burst",
    "Connection",
    "Stream",
    "Tls",
    "Traffic",
    "release_source",
]

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


class Tls(StrEnum):
    """Whether a stream's connections are over TLS, and how they shake hands."""

    off = "off"
    full = "full"
    """A full handshake for each connection."""
    resume = "resume"
    """Each connection resumes the session of an earlier one of its stream, where it can."""


class ArrivalKind(StrEnum):
    """How arrivals are spaced."""

    even = "even"
    poisson = "poisson"


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """Arrivals that come in bursts: the rate changes, and its mean over a period does not."""

    period_s: float
    share: float
    """Of each period that the burst lasts, from the period's beginning; above 0, below 1."""
    factor: float
    """The rate in a burst, in multiples of the mean; from 1 up to 1 / share."""

    def __post_init__(self) -> None:
        """ValueError for bursts that cannot be."""
        if not (0 < self.period_s < math.inf and 0 < self.share < 1):
            raise ValueError(
                f"burst: a share of {self.share} of {self.period_s} s cannot be; the period must "
                "be above 0, the share between 0 and 1"
            )
        if not 1 <= self.factor < 1 / self.share:
            raise ValueError(
                f"burst: a factor of {self.factor} for {self.share} of the time leaves nothing for "
                f"the rest; it must be from 1 up to {1 / self.share:g}"
            )

    def at(self, mean_s: float) -> float:
        """When that comes which at the mean rate would have come at `mean_s`, both in seconds."""
        period, within = divmod(mean_s, self.period_s)
        burst_s = self.share * self.period_s
        sent_s = burst_s * self.factor
        if within < sent_s:
            return period * self.period_s + within / self.factor
        rest = (self.period_s - burst_s) / (self.period_s - sent_s)
        return period * self.period_s + burst_s + (within - sent_s) * rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One kind of request, with its connection policy and its rate.

    `expect_body` maps a release's name to the exact text of its answer; the key `"*"` stands
    for any release. `{operation}` in it, in `path` and in `body` becomes the request's
    operation id, which is its request id. None leaves the body unchecked (its declared
    length still is). A body in the content coding gzip is compared decoded. `{made N}` in
    it and in `body` becomes the N bytes of model.made.
    """

    name: str
    path: str
    rate_hz: float
    """Requests a second."""
    origin: str = ""
    """Where it is sent: scheme, host and port (`https://shop.test:8443`), the port only where it is
    not the scheme's own. Empty: to wherever the target is."""
    method: str = "GET"
    connection: Connection = Connection.reuse
    tls: Tls = Tls.off
    http2: bool = False
    """Over HTTP/2, requests beside each other on one connection; over TLS alone, and neither a
    visit nor a paced upload."""
    asks_again: bool = False
    """Over HTTP/2: what the server says it did not process is asked again, twice at most and within
    the same `timeout_s`, as RFC 9113 (8.7) allows and browsers do. Where it then succeeds it is a
    near miss."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with this stream's requests, beside the traffic's."""
    body: str = ""
    expect_status: int = 200
    expect_headers: Mapping[str, str] = field(default_factory=dict)
    """Headers that an answer must carry, with these very values."""
    expect_body: Mapping[str, str] | None = None
    expect_text: str = ""
    """What the body must contain, where its whole text is not known."""
    expect_json: Mapping[str, str | bool | int | float] = field(default_factory=dict)
    """What the body, which must then be JSON, holds at these paths (model.json_path)."""
    release_from: str | None = None
    """As Traffic's, of this stream's answers; None: the same, empty: they tell no release."""
    cached_s: float | None = None
    """For how long a cache before the website may serve a copy of an answer, in seconds; 0: never.
    None: nothing is known of it, and nothing judged."""
    write: bool = False
    """A write: it carries an operation id, and an unanswered one is unknown."""
    slow: bool = False
    """Slow on purpose: kept in flight across the swap's steps, not judged for latency."""
    upload_s: float = 0.0
    """The body is written evenly over so long; 0: at once."""
    visit: Visit | None = None
    """None: an arrival is one request."""
    timeout_s: float = 10.0
    """From the moment it is sent to the last byte of its answer; in a visit, of each exchange."""
    drawn: Mapping[str, Draw] = field(default_factory=dict)
    """`{NAME}` in `path` and in `headers` becomes what is drawn for the request by that name, from
    the scenario's seed and the request's seq."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Streams under one schedule."""

    streams: tuple[Stream, ...]
    arrivals: ArrivalKind = ArrivalKind.even
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every request."""
    release_from: str = "header:X-Release"
    """What of an answer names its release: `header:NAME`, `json:PATH` (keys and indices with dots
    between them), `body` (the text itself); empty: nothing does."""
    burst: Burst | None = None
    """None: the rate is constant."""
    health: str = ""
    """A path that must answer 200 before the first stream is probed; empty: none."""

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
            self.release_source(stream)
        self.release_source()

    def release_source(self, stream: Stream | None = None) -> tuple[str, str]:
        """As the function of that name: of what tells the release in that stream's answers."""
        own = None if stream is None else stream.release_from
        return release_source(self.release_from if own is None else own)

    @property
    def tells_release(self) -> bool:
        """Whether the answers of any stream do."""
        return any(self.release_source(stream)[0] for stream in self.streams)

    def silent_streams(self) -> tuple[str, ...]:
        """Names of those whose answers tell no release."""
        return tuple(each.name for each in self.streams if not self.release_source(each)[0])

    @property
    def rate_hz(self) -> float:
        """Requests a second, all streams together."""
        return sum(stream.rate_hz for stream in self.streams)

    @property
    def has_visits(self) -> bool:
        return any(stream.visit is not None for stream in self.streams)

    def stream_names(self) -> tuple[str, ...]:
        """Names by stream index; index 255 on disk is the probe."""
        return tuple(stream.name for stream in self.streams)


def release_source(release_from: str) -> tuple[str, str]:
    """(`header`, `json`, `body` or empty; the header's name or the path) of `release_from`.

    ValueError for anything else.
    """
    kind, _, name = release_from.partition(":")
    is_named = kind in {"header", "json"} and bool(name.strip()) and name.isascii()
    if not is_named and release_from not in {"", "body"}:
        raise ValueError(
            f"release: {release_from!r} tells no release; say header:NAME, json:PATH "
            "(such as json:app.version) or body"
        )
    return kind, name.strip()
