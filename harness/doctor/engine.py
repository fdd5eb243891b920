"""The engine that a run's containers are on."""

import subprocess
from collections.abc import Iterator
from typing import Final

from harness.doctor.line import Line, missing, note, ok
from harness.model.errors import NotJudgedError
from harness.stack.engine_host import EngineHost
from harness.stack.seen import EngineSeen, look

__all__ = ["compose_line", "engine_lines"]

_LEAST: Final = (20, 10)
_MOST_APART_S: Final = 0.05
_DESKTOP: Final = "Docker Desktop"


def engine_lines(host: str, path: str, images: dict[str, str]) -> Iterator[Line]:
    """`host`, `path` and `images` as of the settings."""
    try:
        seen = look(host, images.values())
    except NotJudgedError as error:
        yield missing("engine", str(error).removeprefix("engine: "))
        return
    yield _version(seen)
    if seen.cgroup == "1":
        yield note("cgroup", "version 1: weights of CPU are kept, and CPU pressure cannot be told")
    elif seen.cgroup:
        yield ok("cgroup", f"version {seen.cgroup}")
    if seen.ahead_s is not None:
        yield _clock(seen.ahead_s)
    yield _base(seen, images.get("base", ""))
    for name in seen.absent:
        yield note("image", f"{name} is not on this engine: it is pulled, if it can be")
    yield _path(seen.host, path, seen.system)


def _version(seen: EngineSeen) -> Line:
    text = f"{seen.version} at {seen.at}"
    numbers = [part for part in seen.version.split(".")[:2] if part.isdigit()]
    if len(numbers) == 2 and tuple(map(int, numbers)) < _LEAST:
        least = ".".join(map(str, _LEAST))
        return missing("engine", text, f"install Docker Engine {least} or later")
    return ok("engine", text)


def _clock(ahead_s: float) -> Line:
    text = f"{abs(ahead_s) * 1e3:,.0f} ms {'ahead of' if ahead_s > 0 else 'behind'} this machine's"
    if abs(ahead_s) <= _MOST_APART_S:
        return ok("engine's clock", text)
    return note(
        "engine's clock",
        f"{text}: causes are told by the time in logs, and may be missed",
        "let both follow one time server",
    )


def _base(seen: EngineSeen, given: str) -> Line:
    if given:
        is_here = given not in seen.absent
        return ok("base image", given) if is_here else note("base image", f"{given} is not here")
    if seen.bases:
        return ok("base image", seen.bases[0])
    return note(
        "base image",
        "none is here: the first run pulls debian:trixie-slim, where a registry can be reached",
        "`make setup` bootstraps one where none can be, or name one as images.base",
    )


def _path(host: EngineHost, path: str, system: str) -> Line:
    if not host.is_local:
        text = f"published ports at {host.address}, on all of that engine's addresses"
        return note("measured path", f"{text}: through its userland proxy")
    if path == "published" or system == _DESKTOP:
        return note(
            "measured path", "published loopback ports, through the engine's userland proxy"
        )
    return ok("measured path", "the edge's own address, or else its published loopback port")


def compose_line(command: tuple[str, ...] = ("docker", "compose", "version", "--short")) -> Line:
    remedy = "install Docker's compose plugin, version 2"
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return missing("compose", f"`{' '.join(command)}`: {error}", remedy)
    version = done.stdout.strip()
    if done.returncode or not version.removeprefix("v").startswith(("2.", "3.", "4.", "5.")):
        told = (version or done.stderr.strip() or "it failed").splitlines()[0]
        return missing("compose", f"`{' '.join(command)}`: {told}", remedy)
    return ok("compose", version)
