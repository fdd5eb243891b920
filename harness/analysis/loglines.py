"""The lines of the stack's logs as values, each from the text that its component writes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

__all__ = [
    "BalancerLine",
    "EdgeLine",
    "ProcessEnd",
    "Served",
    "ServerChange",
    "WebsiteLine",
    "balancer_line",
    "edge_line",
    "process_end",
    "server_change",
    "wall_ns_of",
    "website_line",
]

_NS_PER_MS = 1_000_000
_MOST_NAME = 60
_HARD_STOP = b"soft-stop running for too long"
_SOFT_STOP = b"Proxy edge stopped"


_LET_GO = (" is DOWN", " going DOWN", "enters drain", "enters maintenance", " is UP/DRAIN")
"""In what HAProxy 3.0 says of a server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeLine:
    """NGINX's line: written once the request is over there."""

    status: int
    request_ms: float
    """From the first byte that it read of the request to the last that it wrote."""
    response_ms: float
    """Of that, waiting for the balancer; over all tries."""
    tries: int
    """0: it asked nobody."""
    upstream_status: str
    completion: str
    connection: int = 0
    """NGINX's own number of the visitor's connection."""
    at_s: float = 0.0
    """When it was over, since the epoch."""
    at_ns: int = 0
    """The same, monotonic; 0: it does not say."""
    lost: str = ""
    """How the balancer's connection was lost last, of analysis.edge_errors; empty if it was not."""

    @property
    def begun_ns(self) -> int:
        return self.at_ns - int(self.request_ms * _NS_PER_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancerLine:
    """HAProxy's line (configuration manual, 8.5 for `termination`)."""

    status: int
    server: str
    address: str
    termination: str
    queue_ms: int
    connect_ms: int
    response_ms: int
    active_ms: int
    """From the whole request to the last byte."""
    retries: int
    at_ns: int = 0
    """When it was over. Monotonic; 0: it does not say."""

    @property
    def begun_ns(self) -> int:
        return self.at_ns - max(0, self.active_ms) * _NS_PER_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class WebsiteLine:
    """The sample website's line: written once the answer was handed to the kernel."""

    instance: str
    status: int
    duration_ms: float
    store_ms: float = 0.0
    """Of that, waiting for its store."""
    lacks: str = ""
    """`store`: it could not answer for want of it."""
    at_ns: int = 0
    """When it was written. Monotonic; 0: it does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerChange:
    """What HAProxy said of one of its servers. `at_ns` is monotonic."""

    at_ns: int
    server: str
    text: str
    pool: str = ""

    @property
    def is_down(self) -> bool:
        return " is DOWN" in self.text

    @property
    def is_up(self) -> bool:
        return " is UP" in self.text and not self.is_let_go

    @property
    def is_let_go(self) -> bool:
        """Whether no request is sent there from then on."""
        return any(words in self.text for words in _LET_GO)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnd:
    """A process of HAProxy's that was told to finish, or that was out of time. Monotonic."""

    at_ns: int
    is_hard: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """From when to when a server of HAProxy's answered requests from one address. Monotonic."""

    server: str
    address: str
    first_ns: int
    last_ns: int


def edge_line(line: Any, *, mono_ns: Callable[[int], int]) -> EdgeLine:
    """From NGINX's JSON. This and the two below raise ValueError, KeyError, TypeError or
    OverflowError where it is another's. `mono_ns` is analysis.logs.read_logs's.
    """
    at_s = float(line.get("at_s", 0.0))
    # A try that was not answered has a hyphen.
    waits = [part.strip() for part in str(line["response_s"]).replace(":", ",").split(",")]
    return EdgeLine(
        status=int(line["status"]),
        request_ms=float(line["request_s"]) * 1_000,
        response_ms=sum(float(part) for part in waits if part not in {"", "-"}) * 1_000,
        tries=len([part for part in str(line["upstream"]).split(",") if part.strip()]),
        upstream_status=str(line["upstream_status"]),
        completion=str(line["completion"]),
        connection=int(line.get("connection", 0)),
        at_s=at_s,
        at_ns=mono_ns(int(at_s * 1e9)) if at_s else 0,
    )


def balancer_line(line: Any, *, at_ns: int) -> BalancerLine:
    """From HAProxy's JSON, and the monotonic moment of the date before it."""
    return BalancerLine(
        status=int(line["status"]),
        server=str(line["server"]),
        address=str(line["address"] or ""),
        termination=str(line["termination"])[:2],
        queue_ms=int(line["queue_ms"]),
        connect_ms=int(line["connect_ms"]),
        response_ms=int(line["response_ms"]),
        active_ms=int(line["active_ms"]),
        retries=int(line["retries"]),
        at_ns=at_ns,
    )


def website_line(line: Any, *, mono_ns: Callable[[int], int]) -> WebsiteLine:
    """From the website's JSON."""
    wall_ns = int(line.get("at_ns", 0))
    return WebsiteLine(
        instance=_name(str(line["instance"])),
        status=int(line["status"]),
        duration_ms=int(line["duration_us"]) / 1_000,
        store_ms=int(line.get("store_us", 0)) / 1_000,
        lacks=str(line.get("lacks", "")),
        at_ns=mono_ns(wall_ns) if wall_ns else 0,
    )


def _name(text: str) -> str:
    """It is the release's own text: bounded, and of what can be printed and encoded."""
    shown = (char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return "".join(islice(shown, _MOST_NAME))


def server_change(moment: bytes, rest: bytes, mono_ns: Callable[[int], int]) -> ServerChange | None:
    """From what HAProxy says in words; None where that is of no server."""
    text = rest.decode("utf-8", "replace")
    name = text.removeprefix("Server ").split(" ")[0].rstrip(":")
    wall_ns = wall_ns_of(moment)
    if wall_ns is None or "/" not in name:
        return None
    pool, _, server = name.partition("/")
    return ServerChange(at_ns=mono_ns(wall_ns), server=server, text=text, pool=pool)


def process_end(moment: bytes, rest: bytes, mono_ns: Callable[[int], int]) -> ProcessEnd | None:
    """From what HAProxy says in words; None where that is of no end of a process."""
    wall_ns = wall_ns_of(moment)
    is_hard = rest.startswith(_HARD_STOP)
    if wall_ns is None or not (is_hard or rest.startswith(_SOFT_STOP)):
        return None
    return ProcessEnd(at_ns=mono_ns(wall_ns), is_hard=is_hard)


def wall_ns_of(moment: bytes) -> int | None:
    """Of a date as HAProxy writes it; None where it is none."""
    try:
        wall = datetime.fromisoformat(moment.decode("ascii"))
    except ValueError:
        return None
    return int(wall.timestamp()) * 1_000_000_000 + wall.microsecond * 1_000
