"""What parent and scripted server say to each other: one JSON object a line, each way.

The server's standard input closing is an order too: end at once. A parent that dies, however it
dies, closes it.
"""

from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import TypeAdapter

from harness.model.calibration import Injected, PlannedOutage, ServerPause
from harness.model.traffic import Traffic

__all__ = ["HOST", "NAME", "Listening", "Script", "Show", "Shown", "from_line", "to_line"]

HOST: Final = "127.0.0.1"
NAME: Final = "localhost"
"""That the server's certificate is for."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The first line to the server: whose streams it answers, and as which release."""

    traffic: Traffic
    release: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Its answer: where it listens, and whom to trust over TLS."""

    port: int
    tls_port: int
    ca: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """The second line: the outages, in their order, at monotonic moments."""

    outages: tuple[PlannedOutage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Its answer, once the last one is over."""

    injected: tuple[Injected, ...]
    pauses: tuple[ServerPause, ...] = ()


def to_line(message: Script | Listening | Show | Shown) -> bytes:
    adapter: TypeAdapter[object] = TypeAdapter(type(message))
    return bytes(adapter.dump_json(message)) + b"\n"


def from_line(kind: type[T], line: bytes) -> T:
    """Raises pydantic.ValidationError where it is none."""
    return TypeAdapter(kind).validate_json(line)
