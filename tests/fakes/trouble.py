"""What goes wrong in a run on fakes, and at which of its points."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from harness.model.mark import Edge, Mark, MarkKind


class Point(NamedTuple):
    """A moment of a run: in a phase, before, within or after what a part does."""

    phase: str
    name: str
    when: str

    def __str__(self) -> str:
        return f"{self.when} {self.name} in {self.phase or 'no phase'}"


class Trouble:
    """Fakes pass each point of what they do; what is planned for a point is raised there, once."""

    def __init__(self) -> None:
        self.seen: list[Point] = []
        self._phase = ""
        self._plan: dict[Point, BaseException] = {}

    def plan(self, point: Point, error: BaseException) -> None:
        self._plan[point] = error

    def never_came(self) -> list[Point]:
        """Points that something was planned for, and that were not passed."""
        return list(self._plan)

    def on_mark(self, mark: Mark) -> None:
        if mark.kind is MarkKind.phase and mark.edge is Edge.begin:
            self._phase = f"{mark.name} {mark.detail.get('swap', '')}".strip()

    @contextmanager
    def around(self, name: str) -> Iterator[Callable[[], None]]:
        """Passes `before`, gives what passes `within`, and passes `after` if all went well."""
        self._pass(name, "before")
        yield lambda: self._pass(name, "within")
        self._pass(name, "after")

    def _pass(self, name: str, when: str) -> None:
        point = Point(self._phase, name, when)
        if point not in self.seen:
            self.seen.append(point)
        error = self._plan.pop(point, None)
        if error is not None:
            raise error
