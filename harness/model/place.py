"""Where the requests of one origin go."""

from dataclasses import dataclass

__all__ = ["Place"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An origin (model.traffic.Stream) as it is reached: its name was looked up."""

    host: str
    """An address."""
    port: int
    authority: str
    """The Host header."""
    tls_name: str = ""
    """The name that its certificate must be for; empty where it is not over TLS."""
