"""The run's timeline: marks, written down as they happen."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from harness.model.mark import Edge, Mark, MarkKind

__all__ = ["Detail", "SystemTime", "Timekeeper", "Timeline", "wait_until"]

Detail = str | int | float
EMPTY: Mapping[str, Detail] = MappingProxyType({})


class Timekeeper(Protocol):
    """The clocks that a run goes by; passed in, so that tests can run them fast."""

    def now_ns(self) -> int:
        """Monotonic."""

    def wall_ns(self) -> int:
        """Since the epoch."""

    def sleep(self, seconds: float) -> None: ...


class SystemTime:
    """The machine's own clocks. The monotonic one is shared with the child process."""

    def now_ns(self) -> int:
        return time.monotonic_ns()

    def wall_ns(self) -> int:
        return time.time_ns()

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))


class Timeline:
    """Marks in the order they were made, each a line of `marks.jsonl` at once.

    Safe from several threads. A disk that refuses a line does not stop the run: the refusal is
    kept in `errors`, which makes the run inconclusive.
    """

    def __init__(
        self, path: Path, clock: Timekeeper, on_mark: Callable[[Mark], None] = lambda _: None
    ) -> None:
        self.clock = clock
        self.errors: list[str] = []
        self._on_mark = on_mark
        self._lock = threading.Lock()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def mark(
        self,
        kind: MarkKind,
        name: str,
        edge: Edge = Edge.at,
        *,
        at_ns: int | None = None,
        detail: Mapping[str, Detail] = EMPTY,
    ) -> None:
        """Leaves a mark, now or at `at_ns` (monotonic)."""
        moment = self.clock.now_ns() if at_ns is None else at_ns
        mark = Mark(at_ns=moment, kind=kind, name=name, edge=edge, detail=dict(detail))
        line = (json.dumps(asdict(mark)) + "\n").encode()
        with self._lock:
            if self._file < 0:
                return
            try:
                if os.write(self._file, line) != len(line):
                    self.errors.append("marks.jsonl: a mark was cut short (disk full?)")
            except OSError as error:
                self.errors.append(f"marks.jsonl: {error}")
        self._on_mark(mark)

    @contextmanager
    def span(
        self, kind: MarkKind, name: str, detail: Mapping[str, Detail] = EMPTY
    ) -> Iterator[None]:
        """A begin mark, and an end mark however the block ends."""
        self.mark(kind, name, Edge.begin, detail=detail)
        try:
            yield
        finally:
            self.mark(kind, name, Edge.end, detail=detail)

    def close(self) -> None:
        """Later marks are dropped (an engine event may come after the end)."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1


def wait_until(
    condition: Callable[[], bool], *, clock: Timekeeper, timeout_s: float, poll_s: float = 0.02
) -> bool:
    """Polls the condition until it holds (True) or the time is over (False)."""
    deadline_ns = clock.now_ns() + int(timeout_s * 1e9)
    while not condition():
        if clock.now_ns() > deadline_ns:
            return False
        clock.sleep(poll_s)
    return True
