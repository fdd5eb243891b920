"""What is kept of a run to hold other runs against it: `baseline.json`, a few kilobytes."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.model.finding import Verdict

__all__ = ["ALL", "SCHEMA", "Block", "Cell", "Counted", "Past"]

SCHEMA = 1
ALL = "all"
"""Every stream that is not slow on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The successes that were due in one block of time, as counts by latency."""

    us: tuple[int, ...] = ()
    """Latencies that occurred, rising, in microseconds, rounded to three digits."""
    n: tuple[int, ...] = ()
    """How many had each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A stream in the swap windows, or in the steady state."""

    count: int
    """Successes."""
    failed: int
    """Failed and unknown ones."""
    p99_ms: float | None
    """Of the successes; None with fewer than 10 beyond it."""
    block_s: float
    """The length of a block."""
    blocks: tuple[Block, ...]
    """In the order of time, empty ones too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Of requests: those that failed, or of which nobody knows, among those that were sent."""

    failed: int
    sent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A run that is over, as far as others are held against it."""

    schema: int = SCHEMA
    run: str
    scenario: str
    verdict: Verdict | None = None
    """None: not known here."""
    git: str = ""
    """The head of the tree whose release was proved, with a `+` where it had changes."""
    conditions: Mapping[str, str]
    """What must be alike for two runs to be compared, in words, by name: `rate`, `cores`, …"""
    swaps: int
    """That came to their end."""
    swap_s: tuple[float, ...] = ()
    """How long each took."""
    in_swaps: Counted
    """What failed in the swap windows, or was due in them."""
    outside: Counted
    cells: Mapping[str, Mapping[str, Cell]]
    """By stream that is not slow on purpose and `all`, then by `steady` and `swap_window`."""
    outages: int
    outage_s: float
    """How long they lasted together."""
    near_misses: int | None = None
    certain_ms: float | None = None
    """The shortest outage that no moment of the swaps could have hidden."""
    steal_share: float | None = None
    """Of the CPU in the swap windows; None: not measured."""
