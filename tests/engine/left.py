"""What a run has on the engine and on the machine, and the removal of it."""

import contextlib
import shutil
import tempfile
from pathlib import Path

import docker
import docker.errors

from harness.stack.owner import LABEL


def left(client: docker.DockerClient, run: str) -> list[str]:
    """Names of all that the run has: containers, networks, volumes, temporary folders."""
    filters = {"label": f"{LABEL}={run}"}
    containers = client.containers.list(all=True, filters=filters, ignore_removed=True)
    return [
        *(f"container {container.name}" for container in containers),
        *(f"network {network.name}" for network in client.networks.list(names=[run])),
        *(f"volume {volume.name}" for volume in client.volumes.list(filters=filters)),
        *(f"folder {folder}" for folder in _folders(run)),
    ]


def remove(client: docker.DockerClient, run: str) -> None:
    """Removes it all, for tests that failed; there is nothing to do after one that did not."""
    filters = {"label": f"{LABEL}={run}"}
    for container in client.containers.list(all=True, filters=filters, ignore_removed=True):
        with contextlib.suppress(docker.errors.APIError):
            container.remove(force=True, v=True)
    for thing in [*client.networks.list(names=[run]), *client.volumes.list(filters=filters)]:
        with contextlib.suppress(docker.errors.APIError):
            thing.remove()
    for folder in _folders(run):
        shutil.rmtree(folder, ignore_errors=True)


def _folders(run: str) -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"harness-{run}-*"))
