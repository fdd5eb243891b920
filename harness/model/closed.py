"""Traffic in a closed loop: a locustfile's users, each of whom waits for its answer."""

from dataclasses import dataclass
from typing import Final

__all__ = ["MOST_NAMES", "OTHER", "ClosedLoop", "Named"]

MOST_NAMES: Final = 250
"""A stream's index is a byte on disk, and 255 is the probe's."""
OTHER: Final = "other requests"
"""The stream of every name beyond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedLoop:
    """What is sent in place of a traffic's streams, of which the first is for the probe alone.

    There is no schedule: request k is the kth that was begun, and due when the wait before it was
    to end, when its user's pacing asked for it, or else when it was begun. The streams are the
    names that its requests have, in the order in which they came (`streams.jsonl`). In a sample the
    connection's number is that of the user, counted from 1.
    """

    locustfile: str
    users: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A line of `streams.jsonl`: stream k is line k."""

    name: str
    method: str = ""
