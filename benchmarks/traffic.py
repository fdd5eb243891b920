"""Measures the load's engine beside others.

    .venv/bin/python benchmarks/traffic.py [--quick] [PART …]

Everything runs on this machine, on loopback: a trivial website on one core, whoever sends on the
other. Rounds are interleaved, so that a shared machine's moods hit all alike; figures are medians.
"""

import argparse
import os
import platform
import subprocess
import sys
import time

import gevent
import geventhttpclient
import locust

from benchmarks import peers
from benchmarks.cpu import Steal
from benchmarks.parts import PARTS, Size
from benchmarks.site import serving

# part: (rounds, seconds of each measurement), whole and quick
_SIZES = {
    "throughput": ((3, 3.0), (1, 2.0)),
    "lag": ((3, 4.0), (1, 3.0)),
    "connections": ((2, 2.0), (1, 1.0)),
    "latency": ((1, 2.0), (1, 1.0)),
    "published": ((2, 2.0), (1, 1.0)),
}


def main() -> int:
    """0 once all was measured; 2 where something is missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all")
    parser.add_argument("--quick", action="store_true", help="a minute instead of some four")
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if lacking := peers.missing():
        print(f"missing: {', '.join(lacking)}; install them: scripts/setup benchmark")
        return 2
    if (os.cpu_count() or 1) < 2:
        print("one core only: sender and server need one each")
        return 2
    print(_machine())
    began = time.monotonic()
    with serving() as site:
        for name in chosen.parts or PARTS:
            steal, part_began = Steal(), time.monotonic()
            rounds, for_s = _SIZES[name][chosen.quick]
            text = PARTS[name](site, Size(rounds=rounds, for_s=for_s))
            took_s = time.monotonic() - part_began
            measured = f"{rounds} x {for_s:g} s, {took_s:.0f} s in all, steal {steal.share():.1%}"
            print(f"\n{name} ({measured})\n{text}", flush=True)
    print(f"\n{time.monotonic() - began:.0f} s")
    return 0


def _machine() -> str:
    name = os.uname()
    programs = {
        "NGINX": (["nginx", "-v"], "/"),
        "wrk": (["wrk", "-v"], " "),
        "hey": (["dpkg-query", "-W", "-f", "hey ${Version}", "hey"], " "),
    }
    versions = [
        f"Python {platform.python_version()}",
        f"gevent {gevent.__version__}",
        f"Locust {locust.__version__}",
        f"geventhttpclient {geventhttpclient.__version__}",
    ]
    for program, (command, separator) in programs.items():
        versions.append(f"{program} {_version(command, separator)}")
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    return (
        f"{name.sysname} {name.release} {name.machine}, {os.cpu_count()} cores, load {load}\n"
        f"{', '.join(versions)}"
    )


def _version(command: list[str], separator: str) -> str:
    environment = os.environ | {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, timeout=10
        )
    except OSError:
        return "of unknown version"
    words = (done.stdout or done.stderr).strip().splitlines()[0].split(separator)
    return words[1].split(" ")[0] if len(words) > 1 else "of unknown version"


if __name__ == "__main__":
    sys.exit(main())
