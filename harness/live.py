"""What a person sees while a run goes on: one line, from the request log as it grows."""

import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from rich.console import Console
from rich.live import Live
from rich.text import Text

from harness.analysis.requestlog import decode
from harness.model.mark import Edge, Mark, MarkKind
from harness.model.row import ROW_BYTES
from harness.model.traffic import Traffic

__all__ = ["LiveLine"]

_PERIOD_S = 0.5
_PLAIN_EVERY = 4
"""Where there is no terminal, a line every two seconds."""
_WINDOW_NS = 3_000_000_000
_SETTLED_NS = 1_500_000_000
_MOST_BYTES = 4 * 1024 * 1024
"""Read at once: a look at the run must not disturb it."""


class LiveLine:
    """Follows `requests.bin`: a context manager around a run.

    Shows the phase, the time since the start, requests recorded, the rate of the last three
    seconds, failures, and p99 over them. A display only: nothing here reaches the verdict, and
    an error in it ends the display, not the run.
    """

    def __init__(self, folder: Path, traffic: Traffic, console: Console) -> None:
        self._log = folder / "requests.bin"
        self._streams = traffic.stream_names()
        self._slow = [stream.name for stream in traffic.streams if stream.slow]
        self._console = console
        self.errors: list[str] = []
        """What went wrong so far, teardown included."""
        self._phase = "up"
        self._step = ""
        self._began = time.monotonic()
        self._read = 0
        self._recorded = 0
        self._failed = 0
        self._recent: deque[pd.DataFrame] = deque()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="live", daemon=True)

    def on_mark(self, mark: Mark) -> None:
        """Takes in a mark of the run's timeline."""
        is_build = mark.kind is MarkKind.event and mark.name.startswith("build ")
        if mark.edge is Edge.begin and mark.kind is MarkKind.phase:
            number = mark.detail.get("swap", "")
            self._phase, self._step = f"{mark.name} {number}".strip(), ""
        elif is_build or (mark.edge is Edge.begin and mark.kind is MarkKind.step):
            self._step = mark.name
        elif mark.kind is MarkKind.error:
            self.errors.append(mark.name)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(2 * _PERIOD_S)

    def _follow(self) -> None:
        try:
            if self._console.is_terminal:
                with Live(console=self._console, auto_refresh=False, transient=True) as live:
                    while not self._over.wait(_PERIOD_S):
                        self._look()
                        live.update(Text(self._line(), no_wrap=True), refresh=True)
            else:
                self._follow_plainly()
        except (OSError, ValueError) as error:
            print(f"live line: {error}", file=sys.stderr)

    def _follow_plainly(self) -> None:
        looks = 0
        while not self._over.wait(_PERIOD_S):
            self._look()
            looks += 1
            if looks % _PLAIN_EVERY == 0:
                self._console.print(Text(self._line()), soft_wrap=True)

    def _look(self) -> None:
        """Reads the whole rows that came since the last look."""
        try:
            with self._log.open("rb") as log:
                log.seek(self._read)
                fresh = log.read(_MOST_BYTES)
        except FileNotFoundError:
            # Not there yet, or already converted: the run is being judged.
            return
        fresh = fresh[: len(fresh) // ROW_BYTES * ROW_BYTES]
        if not fresh:
            return
        self._read += len(fresh)
        samples = decode(fresh, self._streams).samples
        samples = samples[samples["stream"] != "probe"]
        self._recorded += len(samples)
        self._failed += int((samples["outcome"] != "ok").sum())
        self._recent.append(samples[["stream", "due_ns", "sent_ns", "finished_ns"]])
        newest = max((int(part["due_ns"].max()) for part in self._recent if len(part)), default=0)
        while self._recent and (
            not len(self._recent[0]) or self._recent[0]["due_ns"].max() < newest - _WINDOW_NS
        ):
            self._recent.popleft()

    def _line(self) -> str:
        elapsed_s = time.monotonic() - self._began
        where = f"{self._phase}: {self._step}" if self._step else self._phase
        # 80 columns hold it: what counts stands left of what a narrow terminal cuts off.
        line = f"{elapsed_s:5.1f} s  {where:<25.25}"
        if not self._recorded:
            return line.rstrip()
        return f"{line} {self._recorded:>7,} sent  {self._failed:,} failed{self._figures()}"

    def _figures(self) -> str:
        recent = pd.concat(self._recent) if self._recent else pd.DataFrame()
        if len(recent) < 2:
            return ""
        # A request is in the log once it is answered: the newest second and a half, in which
        # slow ones are still under way, tells nothing of the rate.
        end_ns = int(recent["sent_ns"].max()) - _SETTLED_NS
        begin_ns = max(end_ns - _WINDOW_NS + _SETTLED_NS, int(recent["sent_ns"].min()))
        sent = int(recent["sent_ns"].between(begin_ns, end_ns, inclusive="left").sum())
        rate = f"{sent * 1e9 / (end_ns - begin_ns):.0f}/s" if end_ns > begin_ns else ""
        quick = recent[~recent["stream"].isin(self._slow) & (recent["finished_ns"] > 0)]
        latency_ms = (quick["finished_ns"] - quick["due_ns"]).to_numpy() / 1e6
        p99 = float(np.percentile(latency_ms, 99)) if len(latency_ms) else float("nan")
        return f" {rate:>7} p99 {p99:.1f} ms"
