"""The others: as fast as they can on reused connections, on the core that the child has too."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass

from benchmarks.site import CLIENT_CORE, on_core

__all__ = ["CONNECTIONS", "PEERS", "Figures", "measure", "missing"]

CONNECTIONS = 32
PEERS = ("FastHttpUser", "geventhttpclient", "hey", "wrk")
_MORE_S = 30.0
_RATE = re.compile(r"Requests/sec:\s*([0-9.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """`rate_hz`: requests a second; `cpu_us`: CPU for each of them, in microseconds."""

    rate_hz: float
    cpu_us: float


def measure(peer: str, port: int, for_s: float) -> Figures:
    """RuntimeError where it failed, or got an answer that is not 200."""
    url = f"http://127.0.0.1:{port}/"
    seconds = f"{max(1, round(for_s))}s"
    if peer == "wrk":
        return _program(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", url], for_s)
    if peer == "hey":
        command = ["hey", "-cpus", "1", "-c", str(CONNECTIONS), "-z", seconds, url]
        return _program(command, for_s)
    script = {"FastHttpUser": "benchmarks.fast_http_user", "geventhttpclient": "benchmarks.direct"}
    said = _output([sys.executable, "-m", script[peer], url, str(for_s), str(CONNECTIONS)], for_s)
    figures = json.loads(said[0].splitlines()[-1])
    if figures["failed"] or not figures["requests"]:
        raise RuntimeError(f"{peer}: {figures}")
    requests = figures["requests"]
    return Figures(rate_hz=requests / figures["seconds"], cpu_us=figures["cpu_s"] / requests * 1e6)


def missing() -> list[str]:
    """Programs that the system lacks."""
    folders = [*os.get_exec_path(), "/usr/sbin"]
    names = ("hey", "nginx", "taskset", "wrk")
    return [name for name in names if not any(os.access(f"{f}/{name}", os.X_OK) for f in folders)]


def _program(command: list[str], for_s: float) -> Figures:
    said, cpu_s = _output(command, for_s)
    found = _RATE.search(said)
    if found is None or "Non-2xx" in said or "Error distribution" in said:
        raise RuntimeError(f"{command[0]}: {said}")
    rate_hz = float(found[1])
    # Its start and its report are in it: a few ms in some seconds.
    return Figures(rate_hz=rate_hz, cpu_us=cpu_s / (rate_hz * for_s) * 1e6)


def _output(command: list[str], for_s: float) -> tuple[str, float]:
    """What it printed, and the CPU seconds that it used."""
    before = os.times()
    done = subprocess.run(
        [*on_core(CLIENT_CORE), *command],
        capture_output=True,
        text=True,
        timeout=for_s + _MORE_S,
        check=False,
    )
    after = os.times()
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr}")
    used = after.children_user + after.children_system
    return done.stdout, used - before.children_user - before.children_system
