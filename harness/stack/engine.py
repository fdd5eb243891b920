"""The Docker engine: reached with clear errors, and kept clean of what dead runs left."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import docker
import docker.errors
import requests
from docker import DockerClient
from docker.context import ContextAPI
from docker.models.containers import Container
from testcontainers.core.config import testcontainers_config

from harness.model.errors import NotJudgedError
from harness.stack.owner import LABEL, is_abandoned

__all__ = [
    "DockerClient",
    "Swept",
    "absent_is_fine",
    "connect",
    "described",
    "remove_labelled",
    "remove_run",
    "sweep",
]

# Ryuk, testcontainers' reaper, is an image from a registry that not every machine reaches, and
# knows nothing of what we judge to be alive. Labels and `sweep` do its work.
testcontainers_config.ryuk_disabled = True

_REMEDY = "run `make setup`, or start Docker (`systemctl start docker`, or Docker Desktop)"


def connect() -> docker.DockerClient:
    """A client of the engine that the environment names. NotJudgedError where none answers."""
    try:
        _follow_context()
        client = docker.from_env()
        client.ping()
    except (docker.errors.DockerException, requests.RequestException) as error:
        text = str(error)
        if "Permission denied" in text or "PermissionError" in text:
            raise NotJudgedError(
                "engine: the Docker socket refused this user (permission denied); "
                "add the user to the `docker` group, or run as root"
            ) from error
        host = os.environ.get("DOCKER_HOST")
        if host:
            raise NotJudgedError(
                f"engine: no Docker engine answers at DOCKER_HOST={host}; correct it, or unset it"
            ) from error
        raise NotJudgedError(f"engine: no Docker engine answers; {_REMEDY}") from error
    return client


def _follow_context() -> None:
    """Takes the engine that `docker context use` chose, as the docker command does.

    Docker's Python client does not by itself, and Docker Desktop need not leave a socket at the
    usual place. Through the environment, as testcontainers makes clients of its own.
    """
    if os.environ.get("DOCKER_HOST"):
        return
    try:
        context = ContextAPI.get_current_context()
    except (docker.errors.DockerException, OSError, ValueError):
        return
    if context is not None and context.Name != "default" and context.Host:
        os.environ["DOCKER_HOST"] = context.Host


def described(client: docker.DockerClient) -> dict[str, str]:
    """The engine's versions, for the record."""
    told = client.version()
    return {
        "engine_version": str(told.get("Version", "")),
        "engine_api": str(told.get("ApiVersion", "")),
        "kernel": str(told.get("KernelVersion", "")),
    }


@contextlib.contextmanager
def absent_is_fine() -> Iterator[None]:
    """In removals: gone already and being removed are success."""
    try:
        yield
    except docker.errors.NotFound:
        pass
    except docker.errors.APIError as error:
        if error.status_code != 409 or "in progress" not in str(error):
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """Names of what a sweep removed, and of what it left because its run lives."""

    removed: tuple[str, ...]
    kept: tuple[str, ...]
    refused: tuple[str, ...] = ()
    """Dead too, and the engine would not remove them: with why. The next sweep tries again."""


def sweep(client: docker.DockerClient, *, everything: bool = False) -> Swept:
    """Removes the containers, networks and volumes of runs that are dead, and only those.

    `everything` adds those of owners that cannot be seen from here (other machines,
    containers, boots) whatever their age; what a living, visible run owns is always kept.
    """
    removed: list[str] = []
    kept: list[str] = []
    refused: list[str] = []
    for name, labels, remove in _ours(client):
        if not is_abandoned(labels, time.time(), everything=everything):
            kept.append(name)
            continue
        try:
            with absent_is_fine():
                remove()
        except requests.RequestException as error:
            # Two runs may sweep at once: what one removes the other finds in use.
            refused.append(f"{name}: {_why(error)}")
            continue
        _remove_folder(labels)
        removed.append(name)
    return Swept(removed=tuple(removed), kept=tuple(kept), refused=tuple(refused))


def _why(error: requests.RequestException) -> str:
    """An answer of the engine's is one of these too, and may explain itself."""
    return str(getattr(error, "explanation", None) or error)


def remove_run(client: docker.DockerClient, run: str) -> None:
    """Removes all that carries that run's label; an error stops no other removal. Idempotent.

    For what the run made and has no handle of: a call to the engine that failed half way, or
    that an interrupt cut off.
    """
    remove_labelled(client, f"{LABEL}={run}")


def remove_labelled(client: docker.DockerClient, label: str) -> None:
    """As `remove_run`, by another label."""
    first: requests.RequestException | None = None
    for _, _, remove in _ours(client, label):
        try:
            with absent_is_fine():
                remove()
        except requests.RequestException as error:
            first = first or error
    if first is not None:
        raise first


def _ours(
    client: docker.DockerClient, label: str = LABEL
) -> Iterable[tuple[str, dict[str, str], Callable[[], object]]]:
    """What carries our label, containers first: networks, volumes and images are in use by them.

    Of images only those that were built for a run and are named after it.
    """
    filters: dict[str, str | list[str] | bool] = {"label": label}
    containers = client.containers.list(all=True, filters=filters, ignore_removed=True)
    for container in containers:
        yield f"container {container.name}", container.labels, _remover(container)
    for network in client.networks.list(filters=filters):
        labels = (network.attrs or {}).get("Labels") or {}
        yield f"network {network.name}", labels, network.remove
    for volume in client.volumes.list(filters=filters):
        labels = (volume.attrs or {}).get("Labels") or {}
        yield f"volume {volume.name}", labels, volume.remove
    for image in client.images.list(filters={"label": label}):
        for tag in image.tags:
            if tag.startswith(f"harness-{image.labels.get(LABEL, '?').lower()}-"):
                yield f"image {tag}", image.labels, _untagger(client, tag)


def _remove_folder(labels: Mapping[str, str]) -> None:
    """The folder that the object's run kept its socket in, if it is one of ours."""
    folder = Path(labels.get(f"{LABEL}.folder") or os.devnull)
    if folder.name.startswith("harness-") and folder.parent == Path(tempfile.gettempdir()):
        shutil.rmtree(folder, ignore_errors=True)


def _untagger(client: docker.DockerClient, tag: str) -> Callable[[], object]:
    return lambda: client.images.remove(tag)


def _remover(container: Container) -> Callable[[], object]:
    return lambda: container.remove(force=True, v=True)
