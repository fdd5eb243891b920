"""This machine: cores, memory, disk, open files, steal, clock."""

import os
import platform
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness import __version__
from harness.doctor.line import Line, missing, note, ok
from harness.kept import LEAST_FREE_BYTES
from harness.machine import steal_during
from harness.model.traffic import Traffic

__all__ = ["machine_lines"]

_MIB: Final = 1024 * 1024
_LITTLE_DISK_MIB: Final = 1024
"""A run of ten minutes at 1,000/s leaves some 40 MiB of requests, and its logs."""
_LITTLE_MEMORY_MIB: Final = 1024
_STEAL_S: Final = 1.0
_MOST_STEAL: Final = 0.05
"""As the checks take it: above it no latency is blamed on the target."""
_SPARE_FILES: Final = 100
_QUICK_CLOCKS: Final = frozenset({"tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource"})
_CLOCK: Final = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
_MEMORY: Final = Path("/proc/meminfo")


def machine_lines(reports: Path, traffic: Traffic | None) -> Iterator[Line]:
    """`reports` is where runs are kept; without a `traffic` nothing is said of open files."""
    yield ok("python", f"{platform.python_version()}, harness {__version__}")
    yield _system(sys.platform)
    yield _cores(len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 0)
    yield from _memory(_MEMORY)
    yield _disk(reports)
    if traffic is not None:
        yield _files(traffic, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    yield _steal(steal_during(_STEAL_S))
    yield _clock(_CLOCK)


def _system(name: str) -> Line:
    if name == "linux":
        return ok("system", platform.release())
    return note("system", f"{name}: steal and CPU pressure cannot be told", "run it on Linux")


def _cores(count: int) -> Line:
    if count >= 2:
        return ok("cores", str(count))
    return note("cores", f"{count}: sender and target take it from each other", "give it two")


def _memory(path: Path) -> Iterator[Line]:
    try:
        lines = path.read_text("ascii").splitlines()
        [free_kib] = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    except (OSError, ValueError):
        return
    free_mib = free_kib // 1024
    if free_mib >= _LITTLE_MEMORY_MIB:
        yield ok("memory", f"{free_mib:,} MiB available")
    else:
        yield note(
            "memory",
            f"{free_mib:,} MiB available; sender and analysis take some 300, the stack 200",
            "free some",
        )


def _disk(reports: Path) -> Line:
    """Of the folder, or of the nearest one above it that there is already."""
    place = reports.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    remedy = "name another folder with --reports"
    if not place.is_dir() or not os.access(place, os.W_OK):
        return missing("disk", f"{reports}: {place} cannot be written to", remedy)
    free = shutil.disk_usage(place).free
    free_mib = free // _MIB
    text = f"{free_mib:,} MiB free for {reports}"
    if free < LEAST_FREE_BYTES:
        return missing("disk", f"{text}; a run needs {LEAST_FREE_BYTES // _MIB}", remedy)
    return ok("disk", text) if free_mib >= _LITTLE_DISK_MIB else note("disk", text, remedy)


def _files(traffic: Traffic, most: int) -> Line:
    """What is in flight while nothing is answered, each request on a connection of its own."""
    stalled = sum(stream.rate_hz * stream.timeout_s for stream in traffic.streams)
    needed = int(stalled) + _SPARE_FILES
    text = f"{most:,} may be open; where the target stalls, up to {needed:,} are"
    if most == resource.RLIM_INFINITY or most >= needed:
        return ok("files", text if most != resource.RLIM_INFINITY else "any number may be open")
    remedy = f"raise the hard limit (`ulimit -Hn {needed}`), or lower --rate or --timeout"
    return note("files", text, remedy)


def _steal(share: float | None) -> Line:
    if share is None:
        return note("steal", "cannot be told here")
    text = f"{share:.1%} in {_STEAL_S:g} s"
    if share <= _MOST_STEAL:
        return ok("steal", text)
    return note(
        "steal",
        f"{text}: above {_MOST_STEAL:.0%} a failure by latency is inconclusive",
        "free the host of this virtual machine, or take another one",
    )


def _clock(path: Path) -> Line:
    resolution_us = time.get_clock_info("monotonic").resolution * 1e6
    try:
        source = path.read_text("ascii").strip()
    except OSError:
        return ok("clock", f"resolution {resolution_us:g} us")
    if source in _QUICK_CLOCKS:
        return ok("clock", f"{source}, resolution {resolution_us:g} us")
    return note("clock", f"{source} is slow to read: each request reads it several times")
