"""Discovery mode `follower`: a service of its own hears the engine and tells HAProxy.

The bundled one, `harness.follower`, in a container; beside it the filter that is all it has of the
engine's API.
"""

from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

from docker import DockerClient

from harness.follower.settings import LABEL as FOLLOW
from harness.model.errors import MissingEvidenceError
from harness.stack.containers import LOGS_AT
from harness.stack.discovery import Dns
from harness.stack.held import Makes
from harness.stack.runtime_api import BACKEND
from harness.target import Instance

__all__ = ["BALANCER_SHELL", "CONTEXTS", "LABELS", "SOCKET", "Followed", "follow"]

FILTER: Final = "engine-filter"
FOLLOWER: Final = "follower"
LABELS: Final[dict[str, str]] = {FOLLOW: BACKEND}
"""Of each of the website's containers."""

_HERE: Final = Path(str(files("harness.follower")))
CONTEXTS: Final[Mapping[str, Path]] = {FILTER: _HERE / "filter", FOLLOWER: _HERE}
"""By component: what its image is built from."""

_RUN_AT: Final = "/run/follower"
"""A volume of its own: no socket crosses a folder of this machine on Docker Desktop."""
SOCKET: Final = f"{_RUN_AT}/admin.sock"
_ENGINE_AT: Final = "/run/engine"
_ENGINE_SOCKET: Final = "/var/run/docker.sock"
"""Where the engine itself has it: of Docker Desktop that is in its virtual machine."""

BALANCER_SHELL: Final = (
    f"until [ -f {_RUN_AT}/haproxy.cfg ]; do sleep 0.05; done; "
    f"exec haproxy -W -db -S {_RUN_AT}/master.sock,mode,600 -f {_RUN_AT}/haproxy.cfg "
    f"3>>{LOGS_AT}/haproxy.log"
)
"""The follower writes the configuration; a master, as it may have HAProxy reloaded."""


class Followed(Dns):
    """An instance gets requests once the follower has seen it pass HAProxy's check, and none from
    its stop signal on, or from when another is ready.
    """

    alias = ""

    def drain(self, instance: Instance, timeout_s: float) -> None:
        del timeout_s
        raise MissingEvidenceError(
            f"balancer: {instance.name} is drained by the follower alone, when it is stopped"
        )


def follow(
    make: Makes,
    client: DockerClient,
    *,
    prefix: str,
    labels: Mapping[str, str],
    on_made: Callable[[Callable[[], object]], object],
    template: str,
    slots: int,
    port: int,
) -> Mapping[str, str]:
    """Starts both, and returns the volume that they share with the balancer. `on_made` hears how
    to remove what is made here.
    """

    def volume(name: str) -> str:
        made = client.volumes.create(f"{prefix}-{name}", labels=dict(labels))
        on_made(made.remove)
        return str(made.name)

    shared = {volume("follower"): _RUN_AT}
    to_engine = {volume("engine"): _ENGINE_AT}
    make(FILTER, volumes={_ENGINE_SOCKET: _ENGINE_SOCKET, **to_engine})
    make(
        FOLLOWER,
        volumes={**shared, **to_engine},
        stop_signal="SIGKILL",
        environment={
            "FOLDER": _RUN_AT,
            "SERVICES": BACKEND,
            "TEMPLATE": template,
            "SLOTS": str(slots),
            "PORT": str(port),
        },
    )
    return shared
