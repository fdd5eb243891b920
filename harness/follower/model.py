"""What the follower speaks of: a service's containers, HAProxy's servers, what to do to them."""

from dataclasses import dataclass
from enum import Enum

__all__ = [
    "Action",
    "Admin",
    "Container",
    "Do",
    "Event",
    "EventKind",
    "FollowerError",
    "Health",
    "Server",
]


class FollowerError(Exception):
    """What it was told to do cannot be done: one message for who set it up."""


class Health(Enum):
    """What the engine says of a container; most images say nothing."""

    untold = "untold"
    starting = "starting"
    good = "good"
    ill = "ill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One that runs, as the engine lists it."""

    id: str
    name: str
    service: str
    address: str
    """In the followed network, without the port."""
    port: int
    health: Health = Health.untold


class EventKind(Enum):
    started = "started"
    signalled = "signalled"
    """It was sent a signal that stops it."""
    died = "died"
    changed = "changed"
    """Something else that a listing may show: its health, its networks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    kind: EventKind
    container: str
    """Its id."""
    at_ns: int
    """By the engine's wall clock."""
    signal: str = ""


class Admin(Enum):
    """What HAProxy was told of a server."""

    maintenance = "maint"
    """Neither requests nor checks."""
    draining = "drain"
    """Checks, and no new requests."""
    ready = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A slot of a pool, as HAProxy itself sees it."""

    name: str
    address: str
    """`10.0.0.2:8000`."""
    admin: Admin
    is_up: bool
    """It would be sent requests, were it ready."""
    has_passed: bool
    """Its last check."""


class Do(Enum):
    offer = "offer"
    """Point the slot there and have it checked, without any request sent to it."""
    admit = "admit"
    drain = "drain"
    clear = "clear"
    """Maintenance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    do: Do
    slot: str
    container: Container | None = None
    """None: nobody is known to be there."""
    why: str = ""
