"""Visits: arrivals that are more than one request, and what became of each.

A visit yields one sample, as every arrival does, and one line of `visits.jsonl`. Whatever it asks
carries the visit's request id; it ends with the first exchange that fails, whose outcome is then
the sample's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Until", "Visit", "VisitKind", "Visited"]


class VisitKind(StrEnum):
    """What a visitor does."""

    idle = "idle"
    """Asks, leaves the connection idle, and asks again on it."""
    page = "page"
    """Asks for a page, and a moment later for the hashed asset that it names."""
    session = "session"
    """Logs in, and asks again and again for what the session holds, which must not change."""
    events = "events"
    """Listens to server-sent events, none of which may be missing."""
    websocket = "websocket"
    """Says something over a WebSocket again and again, and is answered each time."""


class Until(StrEnum):
    """When those are let go that are open as a swap begins."""

    admitted = "admitted"
    """Once a new instance is admitted, or the swap is over."""
    swapped = "swapped"
    """Once the swap's last step is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What an arrival of a stream does after its first request."""

    kind: VisitKind
    lasts_s: float
    """From its beginning, where no swap holds it."""
    every_s: float = 0.25
    """Between two things asked or said; of events, what the path asks of the website."""
    until: Until | None = None
    """A visit that is open as a swap begins goes on until then. None: it ends by itself."""
    then_path: str = ""
    """Of the later requests; `/{asset}` is what the page names. Empty: they are as the first."""
    then_body: Mapping[str, str] | None = None
    """What their answers must be, as Stream.expect_body. Where then_path is empty, as the first."""
    then_text: str = ""
    """The same as Stream.expect_text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visited:
    """What became of a visit: a line of `visits.jsonl`."""

    seq: int
    asked: int = 0
    """Requests sent, and of a WebSocket also what was said over it."""
    answered: int = 0
    """Of those, how many rightly; of events, how many came."""
    let_go_ns: int = 0
    """When it had gone on for long enough; 0: it never had. Monotonic."""
    is_held: bool = False
    """It went on for longer than by itself, as a swap was under way."""
    closed: int = 0
    """How often the other side ended its connection in an orderly way while it went on."""
    reconnect_ms: tuple[float, ...] = field(default=())
    """From when each such end was noticed, at the soonest as the next thing was asked, to the right
    answer on a new connection."""
    left_ns: int = 0
    """When its connection was first left, as an answer had announced its close; 0: never.
    Monotonic."""
    last_sent_ns: int = 0
    """When it asked what was answered rightly last, copies from a cache apart; 0: that was its
    first question, of whose answer the sample tells. Monotonic."""
    last_release: str = ""
    """Who answered that."""
    last_instance: str = ""
