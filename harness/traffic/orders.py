"""What parent and child say to each other: one JSON object a line, each way.

The child's standard input closing is an order too: end at once. A parent that dies, however it
dies, closes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from harness.model.outcome import Outcome
from harness.model.place import Place
from harness.model.traffic import Traffic
from harness.model.visit import Until

__all__ = ["Brief", "Order", "Said", "order_from", "said_from", "to_line"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """The first line to the child: all that it needs to know."""

    run: str
    host: str
    port: int
    authority: str
    tls_port: int
    tls_name: str
    ca: str
    traffic: Traffic
    seed: int
    log: str
    """Path of the request log; it must not exist yet."""
    details: str
    """Path of the explanations of failed samples."""
    visits: str = ""
    """Path of what became of visits; empty where there are none."""
    plugins: tuple[str, ...] = ()
    """Modules to import, which may listen to Locust's `request` event."""
    locustfile: str = ""
    """Whose users send in place of the traffic's streams; the first of those is the probe's."""
    users: int = 0
    base_url: str = ""
    """What they take a path to be on."""
    streams: str = ""
    """Path of the names of their requests."""
    places: Mapping[str, Place] = field(default_factory=dict)
    """As of target.Endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`probe`: ask each question of the traffic (probing.questions) until its answer is right, for
    at most timeout_s each, waiting every_s between two tries and at most answer_s for an answer.

    `go`: the schedule begins at start_ns. `stop`: it ends at stop_ns, and what is in flight may
    take finish_s more. `hold`: a swap begins, and visits that are open go on. `let_go`: those that
    wait for `until` need not any more.
    """

    do: str
    timeout_s: float = 0.0
    every_s: float = 0.02
    answer_s: float = 1.0
    start_ns: int = 0
    stop_ns: int = 0
    finish_s: float = 0.0
    until: Until | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """`listening` (ready for orders), `answering` or `silent` (the probe's end), `done`."""

    say: str
    probes: int = 0
    text: str = ""
    outcome: Outcome = Outcome.ok
    """Of the last probe, with its status."""
    status: int = 0
    errors: tuple[str, ...] = ()
    closed_idle: int = 0
    unasked: int = 0
    unasked_text: str = ""
    started: int = 0
    left_out: int = 0


_BRIEF = TypeAdapter(Brief)
_ORDER = TypeAdapter(Order)
_SAID = TypeAdapter(Said)


def to_line(message: Brief | Order | Said) -> bytes:
    adapter: TypeAdapter[object] = TypeAdapter(type(message))
    return bytes(adapter.dump_json(message)) + b"\n"


def brief_from(line: bytes) -> Brief:
    return _BRIEF.validate_json(line)


def order_from(line: bytes) -> Order:
    return _ORDER.validate_json(line)


def said_from(line: bytes) -> Said:
    return _SAID.validate_json(line)
