"""How busy the cores were between two moments."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

__all__ = ["Cores"]

_IDLE, _WAITING, _STOLEN = 3, 4, 7
"""Fields of the `cpu` line in /proc/stat (proc_stat(5))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    """What all cores have done since the machine's start, in ticks; empty where it is not told."""

    ticks: tuple[int, ...]

    @classmethod
    def now(cls, path: Path = Path("/proc/stat")) -> Self:
        try:
            first = path.read_text("ascii").splitlines()[0]
        except OSError:
            return cls(ticks=())
        return cls(ticks=tuple(int(field) for field in first.split()[1:9]))

    def since(self, before: "Cores") -> tuple[float, float]:
        """(busy, stolen) shares of the time in between; (0, 0) where they are not known."""
        total = sum(self.ticks) - sum(before.ticks)
        if not before.ticks or total <= 0:
            return 0.0, 0.0
        spent = [now - then for now, then in zip(self.ticks, before.ticks, strict=True)]
        stolen = max(0, spent[_STOLEN])
        busy = total - spent[_IDLE] - spent[_WAITING] - stolen
        return max(0.0, busy / total), stolen / total
