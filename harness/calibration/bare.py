"""A bare sleep loop beside the sender: what the machine itself gives in those seconds."""

import threading
import time
from array import array
from typing import Self

import numpy as np

from harness.analysis.phases import Window
from harness.analysis.resolution import largest_gap_ns

__all__ = ["BareLoop"]


class BareLoop:
    """A context manager: wakes when it should, in a thread, and notes when it did."""

    def __init__(self, rate_hz: float) -> None:
        self._period_ns = int(1e9 / rate_hz)
        self._woke_ns = array("q")
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._wake, name="bare loop", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def largest_gap_ms(self, begin_ns: int, end_ns: int) -> float | None:
        """Between two of its wakes, of which a part lies there; None where it did not run then."""
        window = Window(swap=0, begin_ns=begin_ns, end_ns=end_ns)
        gap_ns = largest_gap_ns(np.array(self._woke_ns, dtype=np.int64), [window])
        return None if gap_ns is None else round(gap_ns / 1e6, 3)

    def _wake(self) -> None:
        due_ns = time.monotonic_ns()
        while not self._is_over.is_set():
            due_ns += self._period_ns
            while (left_ns := due_ns - time.monotonic_ns()) > 0:
                time.sleep(left_ns / 1e9)
            self._woke_ns.append(time.monotonic_ns())
