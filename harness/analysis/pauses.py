"""Whom the engine's pause of a component held up: who was on the way, and who queued behind."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from harness.model.mark import Mark, MarkKind

__all__ = ["Pauses"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pause:
    begin_ns: int
    end_ns: int


class Pauses:
    """Pauses of components, as the engine's events tell of them."""

    def __init__(self, marks: Iterable[Mark], bad: pd.DataFrame) -> None:
        """`bad` are the failed and slow requests (analysis.attribution)."""
        begun: dict[str, int] = {}
        self._pauses: dict[str, list[_Pause]] = {}
        for mark in sorted(marks, key=lambda mark: mark.at_ns):
            verb, _, name = mark.name.partition(" ")
            if mark.kind is MarkKind.event and verb == "pause":
                begun[name] = mark.at_ns
            elif mark.kind is MarkKind.event and verb == "unpause" and name in begun:
                pause = _Pause(begin_ns=begun.pop(name), end_ns=mark.at_ns)
                cleared = _Pause(begin_ns=pause.begin_ns, end_ns=_cleared_ns(pause, bad))
                self._pauses.setdefault(name, []).append(cleared)

    def held_up(self, name: str, since_ns: int, until_ns: int) -> bool:
        """Whether a request that was on its way in [since, until] had to wait for that pause's end,
        or for those that did: they were not all through when it was sent.
        """
        return any(
            pause.begin_ns <= until_ns and since_ns <= pause.end_ns
            for pause in self._pauses.get(name, ())
        )


def _cleared_ns(pause: _Pause, bad: pd.DataFrame) -> int:
    """When the last slow request that was sent before its end was through."""
    slow = bad[bad["is_slow"]]
    on_the_way = slow[(slow["sent_ns"] <= pause.end_ns) & (slow["finished_ns"] >= pause.begin_ns)]
    return max(pause.end_ns, int(on_the_way["finished_ns"].max()) if len(on_the_way) else 0)
