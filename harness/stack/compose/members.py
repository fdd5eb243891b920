"""The containers of a Compose project: found by Compose's own labels, waited for, and their output
kept.
"""

import contextlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import docker
import docker.errors
from docker.models.containers import Container

from harness.model.errors import ReleaseError
from harness.stack.containers import last_words
from harness.timeline import Timekeeper, wait_until

__all__ = ["PROJECT", "SERVICE", "Kept", "await_ready", "dead", "members", "name_of"]

PROJECT: Final = "com.docker.compose.project"
SERVICE: Final = "com.docker.compose.service"

STEADY_S: Final = 2.0
"""A container without a healthcheck counts as ready once it has run for so long."""
_POLL_S: Final = 0.2
_PRINTED_LINES: Final = 2_000
_WORDS_CHARS: Final = 300
_MOST_SHOWN: Final = 2


def members(
    client: docker.DockerClient, project: str, service: str = "", *, ended: bool = False
) -> list[Container]:
    """Those that run, or with `ended` all that there are, the oldest first."""
    labels = [f"{PROJECT}={project}", *([f"{SERVICE}={service}"] if service else [])]
    found = client.containers.list(all=ended, filters={"label": labels}, ignore_removed=True)
    return sorted(found, key=lambda each: str(each.attrs.get("Created", "")))


def name_of(container_name: str, project: str) -> str:
    """`website-1` of `PROJECT-website-1`."""
    return container_name.removeprefix("/").removeprefix(f"{project}-")


def await_ready(container: Container, name: str, *, clock: Timekeeper, timeout_s: float) -> str:
    """Returns once it is healthy by its own healthcheck, or, where it has none, has run for 2 s;
    by which of them. ReleaseError where it ends, is begun again, or is not within `timeout_s`.
    """
    begun_ns = clock.now_ns()

    def is_ready() -> bool:
        state = _state(container)
        if state is None:
            raise ReleaseError(f"{name} was removed before it was ready")
        if not state.get("Running") or state.get("Restarting") or _restarts(container):
            raise ReleaseError(
                f"{name} ended with exit code {state.get('ExitCode', '?')} before it was ready; "
                f"{last_words(container)}"
            )
        health = state.get("Health")
        if health:
            return bool(health.get("Status") == "healthy")
        return clock.now_ns() - begun_ns >= STEADY_S * 1e9

    patience_s = max(timeout_s, STEADY_S + _POLL_S)
    if wait_until(is_ready, clock=clock, timeout_s=patience_s, poll_s=_POLL_S):
        has_check = bool((_state(container) or {}).get("Health"))
        return "healthy" if has_check else f"it has no healthcheck, and ran for {STEADY_S:g} s"
    raise ReleaseError(
        f"{name} was not healthy within {timeout_s:g} s; {_health_said(container)}; "
        f"{last_words(container)}"
    )


def _state(container: Container) -> dict[str, Any] | None:
    try:
        container.reload()
    except docker.errors.NotFound:
        return None
    state: dict[str, Any] = container.attrs.get("State") or {}
    return state


def _restarts(container: Container) -> int:
    return int(container.attrs.get("RestartCount") or 0)


def _health_said(container: Container) -> str:
    health = (container.attrs.get("State") or {}).get("Health") or {}
    log = health.get("Log") or []
    if not log:
        return "its healthcheck never ran to its end"
    told = " ".join(str(log[-1].get("Output", "")).split())[:_WORDS_CHARS]
    return f"its healthcheck ended last with {log[-1].get('ExitCode')}: {told or 'it said nothing'}"


def dead(containers: Sequence[Container], project: str) -> str:
    """Which of them ended with another exit code than 0, and their last lines; empty for none."""
    told = []
    for container in containers:
        code = (container.attrs.get("State") or {}).get("ExitCode")
        if container.status in {"exited", "dead", "restarting"} and code:
            name = name_of(container.name or "?", project)
            told.append(f"{name} ended with exit code {code}; {last_words(container)}")
    return "\n".join(told[:_MOST_SHOWN])


class Kept:
    """What containers print, kept in a folder; of those that a swap may remove, as it comes."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._followed: set[str] = set()

    def follow(self, containers: Sequence[Container], folder: Path) -> None:
        """From here on, and what they printed last; each to its end, once."""
        folder.mkdir(parents=True, exist_ok=True)
        for container in containers:
            if container.id in self._followed:
                continue
            self._followed.add(str(container.id))
            threading.Thread(
                target=self._follow, args=(container, folder), name="output", daemon=True
            ).start()

    def _follow(self, container: Container, folder: Path) -> None:
        # Its removal ends it, and so does our client's end, in whatever error.
        with (
            contextlib.suppress(Exception),
            self._path(container, folder).open("wb") as file,
        ):
            for chunk in container.logs(stream=True, follow=True, tail=_PRINTED_LINES):
                file.write(chunk)
                file.flush()

    def gather(self, containers: Sequence[Container], folder: Path) -> None:
        """Of all that are still there; what cannot be had is in `gathering-errors.txt`."""
        folder.mkdir(parents=True, exist_ok=True)
        errors = []
        for container in containers:
            if container.id in self._followed:
                continue
            try:
                printed = container.logs(tail=_PRINTED_LINES)
                if printed:
                    self._path(container, folder).write_bytes(printed)
            except (docker.errors.APIError, OSError) as error:
                errors.append(f"{container.name}: {error}")
        if errors:
            (folder / "gathering-errors.txt").write_text("\n".join(errors) + "\n", "utf-8")

    def _path(self, container: Container, folder: Path) -> Path:
        """A container that takes the place of another has its name."""
        name = name_of(container.name or "?", self._project).replace("/", "-")
        return folder / f"{name}-{str(container.id)[:6]}.printed.txt"
