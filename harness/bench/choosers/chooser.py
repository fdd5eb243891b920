"""What one balancer knows of its servers, and the Protocol by which it chooses."""

from dataclasses import dataclass, field
from typing import Final, Protocol

__all__ = ["FULL_WEIGHT", "Chooser", "View"]

FULL_WEIGHT: Final = 16
"""HAProxy reckons a dynamic server's weight in sixteenths, of which slow start gives it a few."""


@dataclass(slots=True, kw_only=True)
class View:
    """One balancer's servers, as it sees them: it knows its own requests alone. By server."""

    weights: list[int]
    """1 to 256, times the sixteenths of slow start: 16 to 4096 for a warm one."""
    is_usable: list[bool]
    """Whether it may be sent something new."""
    limit: int
    """Requests that may be at a server at once; 0 is no limit."""
    served: list[int] = field(default_factory=list)
    """Requests at the server."""
    queued: list[int] = field(default_factory=list)
    """Requests that wait in the balancer for this very server."""

    def __post_init__(self) -> None:
        """Nothing is served at first."""
        self.served = [0] * len(self.weights)
        self.queued = [0] * len(self.weights)

    def has_room(self, server: int) -> bool:
        return not self.limit or (not self.queued[server] and self.served[server] < self.limit)


class Chooser(Protocol):
    """An algorithm. It is told of changes, so that it need not look at every server each time."""

    is_keyed: bool
    """Whether the request decides, not the servers' state: where its server is full it waits for
    that very one, not for any.
    """

    def choose(self, hashed: int, /) -> int | None:
        """A server for a request whose key has that 32-bit hash; None where all it may have are
        full.
        """

    def changed(self, server: int) -> None:
        """The server has one request more or less."""

    def reweighted(self) -> None:
        """Weights changed, or who is usable."""
