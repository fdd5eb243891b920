"""What the store says of the writes that reached the website."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Operations"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """Counts by operation id: `operations.json` in a run folder."""

    applied: Mapping[str, int] = field(default_factory=dict)
    """How often each was applied."""
    arrived: Mapping[str, int] = field(default_factory=dict)
    """How often each reached the website: more than once where a proxy sent it again."""
