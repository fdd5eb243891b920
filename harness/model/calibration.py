"""The calibration: outages of known kind and length, put in by a server of ours, and what of them
was found.
"""

from dataclasses import dataclass
from enum import StrEnum

from harness.model.traffic import Connection, Stream, Traffic

__all__ = [
    "Calibration",
    "Injected",
    "Injections",
    "OutageKind",
    "PlannedOutage",
    "ServerPause",
    "Trial",
    "seeing",
]


class OutageKind(StrEnum):
    """What the scripted server does to requests during an outage."""

    refused = "refused"
    """Nobody listens: seen by new connections only."""
    reset = "reset"
    closed = "closed"
    """The connection ends before any byte of an answer."""
    stall = "stall"
    """Answers are held until the outage is over."""
    truncated = "truncated"
    """An answer without its last byte."""
    unavailable = "503"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOutage:
    """An outage to be put in."""

    kind: OutageKind
    intervals: int
    """Its length in arrival intervals of the slowest stream that can see its kind."""
    interval_ns: int
    """Of that stream; longer where two of them would hold too few requests (calibration.plan)."""
    begin_ns: int
    """Since the schedule's beginning; to the server, monotonic."""
    length_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """An outage that was put in, and the monotonic moments at which it really began and ended."""

    kind: OutageKind
    intervals: int
    interval_ns: int
    began_ns: int
    ended_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPause:
    """A span, monotonic, in which the scripted server answered nobody: off the CPU, or busy."""

    began_ns: int
    ended_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Injections:
    """`calibration.json`: what was put in, and what was left out and why."""

    injected: tuple[Injected, ...]
    left_out: tuple[str, ...] = ()
    pauses: tuple[ServerPause, ...] = ()
    """In their order; where there were too many to note, the first of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """An outage as it was put in, beside what the analysis makes of its samples."""

    kind: str
    intervals: int
    interval_ms: float
    start_s: float
    """Since the calibration's schedule began; with the server's own pauses at either end as far as
    they were seen (analysis.absences)."""
    length_ms: float
    seen_kind: str
    """Of the outage found there: an outcome's name or `stall`; empty where none was found."""
    seen_ms: float | None
    start_error_ms: float | None
    """Seen minus put in."""
    length_error_ms: float | None
    allowed_ms: float
    """Two intervals and the largest start gap there: what either error may be."""
    verdict: str
    """`found`, `missed`, `misnamed` or `mismeasured`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What became of every outage that was put in."""

    trials: tuple[Trial, ...]
    left_out: tuple[str, ...] = ()
    requests: int = 0
    certain_outage_ms: float | None = None
    """The largest gap between two requests sent: no longer outage of all could be missed."""
    calm_gap_ms: float | None = None
    """The same away from the stalls, after which all that was held is answered at once."""
    server_paused_ms: float = 0.0
    """How long the scripted server answered nobody, in pauses of 5 ms or more."""
    sender_late: int = 0
    """Requests that were sent 5 ms or more after they were due."""
    errors: tuple[str, ...] = ()
    """What is missing of the calibration's own evidence: each makes the run inconclusive."""


def seeing(traffic: Traffic, kind: OutageKind) -> tuple[Stream, ...]:
    """The streams that can see an outage of that kind; those slow on purpose are left out."""
    return tuple(
        stream
        for stream in traffic.streams
        if not stream.slow
        and (kind is not OutageKind.refused or stream.connection is Connection.new)
    )
