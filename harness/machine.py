"""How starved the machine is while a run goes on: a line a second in `machine.jsonl`."""

import json
import os
import threading
import time
from pathlib import Path

from harness.timeline import Timekeeper

__all__ = ["MachineWatch", "describe", "steal_during"]

_PERIOD_S = 1.0
_STEAL_FIELD = 7
"""Of the `cpu` line in /proc/stat (proc_stat(5)); guest time, after it, is in user already."""


class MachineWatch:
    """Writes steal, CPU pressure and load each second until stopped.

    Where the machine does not tell (not Linux, an old kernel) a figure is null. What goes wrong
    is kept in `errors`.
    """

    def __init__(self, path: Path, clock: Timekeeper) -> None:
        self.errors: list[str] = []
        self._path = path
        self._clock = clock
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="machine", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(2 * _PERIOD_S)

    def _watch(self) -> None:
        before = _cpu_ticks()
        try:
            with self._path.open("a", encoding="utf-8", buffering=1) as file:
                while not self._over.wait(_PERIOD_S):
                    now = _cpu_ticks()
                    line = {
                        "at_ns": self._clock.now_ns(),
                        "steal_share": _steal_share(before, now),
                        "cpu_pressure": _cpu_pressure(),
                        "load1": os.getloadavg()[0],
                    }
                    before = now
                    file.write(json.dumps(line) + "\n")
        except OSError as error:
            self.errors.append(f"machine.jsonl: {error}")


def steal_during(seconds: float) -> float | None:
    """The share of the cores' time that others take in the next seconds; None: it is not told."""
    before = _cpu_ticks()
    time.sleep(seconds)
    return _steal_share(before, _cpu_ticks())


def describe() -> dict[str, str | int | float | bool]:
    """What this machine is, for the environment of a run."""
    name = os.uname()
    return {
        "system": f"{name.sysname} {name.release} {name.machine}",
        "cores": os.cpu_count() or 0,
        **_processor(),
    }


def _processor() -> dict[str, str]:
    """Its name, where the kernel tells one: two machines may have as many cores."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return {}
    lines = (line.partition(":") for line in text.splitlines())
    return next(
        ({"cpu": value.strip()} for key, _, value in lines if key.strip() == "model name"), {}
    )


def _cpu_ticks() -> list[int]:
    try:
        first = Path("/proc/stat").read_text("ascii").splitlines()[0]
    except OSError:
        return []
    return [int(field) for field in first.split()[1:9]]


def _steal_share(before: list[int], now: list[int]) -> float | None:
    total = sum(now) - sum(before)
    if not before or not now or total <= 0:
        return None
    return max(0.0, (now[_STEAL_FIELD] - before[_STEAL_FIELD]) / total)


def _cpu_pressure() -> float | None:
    """Share of the last 10 s in which some task waited for a core, in percent."""
    try:
        text = Path("/proc/pressure/cpu").read_text("ascii")
        return float(text.split("avg10=")[1].split()[0])
    except (OSError, IndexError, ValueError):
        return None
