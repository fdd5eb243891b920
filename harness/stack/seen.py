"""An engine as it is found: nothing is pulled, built or started."""

import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import docker.errors

from harness.stack.engine import DockerClient, connect
from harness.stack.engine_host import EngineHost, engine_host
from harness.stack.images import BASES

__all__ = ["EngineSeen", "look"]

_USUAL: Final = "unix:///var/run/docker.sock"
_SECOND: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?\d*Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSeen:
    """What the engine tells of itself."""

    at: str
    """As DOCKER_HOST says it."""
    host: EngineHost
    version: str
    system: str
    """Its operating system, such as `Docker Desktop`."""
    cgroup: str
    """Version; empty where it does not tell."""
    ahead_s: float | None
    """Its wall clock less ours; None where it does not tell."""
    bases: tuple[str, ...]
    """Base images that are here."""
    absent: tuple[str, ...]
    """Of the images that were asked for, those that are not here."""


def look(host: str, images: Iterable[str]) -> EngineSeen:
    """NotJudgedError where none answers, and as of engine_host."""
    client = connect()
    try:
        before_s = time.time()
        told: Any = client.info()
        # The engine read its clock in between.
        now_s = (before_s + time.time()) / 2
        return EngineSeen(
            at=os.environ.get("DOCKER_HOST") or _USUAL,
            host=engine_host(host),
            version=str(told.get("ServerVersion", "")),
            system=str(told.get("OperatingSystem", "")),
            cgroup=str(told.get("CgroupVersion", "")),
            ahead_s=_ahead_s(str(told.get("SystemTime", "")), now_s),
            bases=tuple(name for name in BASES if _is_here(client, name)),
            absent=tuple(name for name in images if not _is_here(client, name)),
        )
    finally:
        client.close()


def _is_here(client: DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except docker.errors.DockerException:
        return False
    return True


def _ahead_s(told: str, now_s: float) -> float | None:
    match = _SECOND.fullmatch(told)
    if match is None:
        return None
    at = datetime.fromisoformat(match[1]).replace(tzinfo=UTC).timestamp()
    return at + float(match[2] or 0) - now_s
