"""What swaps do to the containers of a service: by `docker compose`, and by the engine."""

from typing import Final

import docker
import docker.errors
from docker.models.containers import Container

from harness.model.errors import MissingEvidenceError, ReleaseError
from harness.stack.compose.members import await_ready, members, name_of
from harness.stack.compose.plan import NEW, OLD, ComposePlan
from harness.stack.compose.program import RefusedError, SilentProgramError
from harness.stack.engine import absent_is_fine
from harness.target import Instance
from harness.timeline import Timekeeper

__all__ = ["ComposeMoves"]

_COMMAND_S: Final = 300.0
"""For `docker compose up` in a swap, which neither pulls nor builds."""
_STOP_S: Final = 10
"""The engine's own patience, where a service has no stop_grace_period."""
_NOT_THE_RELEASE: Final = ("no space left on device", "Cannot connect to the Docker daemon")


class ComposeMoves:
    """Implements swaps.Moves for a project that is up."""

    def __init__(self, client: docker.DockerClient, plan: ComposePlan, clock: Timekeeper) -> None:
        self._client = client
        self._plan = plan
        self._clock = clock

    def running(self) -> tuple[Instance, ...]:
        return self._instances(ended=False)

    def present(self) -> tuple[Instance, ...]:
        return self._instances(ended=True)

    def recreate(self, swap: int) -> None:
        count = len(self.running()) or self._plan.project.services[self._plan.service].replicas
        self._up(swap, "--force-recreate", count)

    def scale(self, swap: int, count: int) -> None:
        self._up(swap, "--no-recreate", count)

    def await_ready(self, instance: Instance) -> str:
        return await_ready(
            self._container(instance),
            instance.name,
            clock=self._clock,
            timeout_s=self._plan.ready_s,
        )

    def stop(self, instance: Instance) -> None:
        container = self._container(instance)
        patience_s = (container.attrs.get("Config") or {}).get("StopTimeout") or _STOP_S
        with absent_is_fine():
            container.stop(timeout=int(patience_s))
            container.remove(force=True, v=True)

    def discard(self, instance: Instance) -> None:
        with absent_is_fine():
            self._container(instance).remove(force=True, v=True)

    def _up(self, swap: int, how: str, count: int) -> None:
        service, release = self._plan.service, NEW if swap % 2 else OLD
        options = ("-d", "--no-deps", "--no-build", "--pull", "never", how)
        try:
            self._plan.program(release).tell(
                "up", *options, "--scale", f"{service}={count}", service, timeout_s=_COMMAND_S
            )
        except SilentProgramError as error:
            raise MissingEvidenceError(
                f"compose: `docker compose up` in the swap: {error}"
            ) from error
        except RefusedError as error:
            told = f"compose: `docker compose up` could not start the new containers: {error}"
            if any(words in told for words in _NOT_THE_RELEASE):
                raise MissingEvidenceError(told) from error
            raise ReleaseError(told) from error

    def _instances(self, *, ended: bool) -> tuple[Instance, ...]:
        plan = self._plan
        found = members(self._client, plan.project.name, plan.service, ended=ended)
        return tuple(
            Instance(name=name_of(each.name or "?", plan.project.name), release="")
            for each in found
        )

    def _container(self, instance: Instance) -> Container:
        try:
            return self._client.containers.get(f"{self._plan.project.name}-{instance.name}")
        except docker.errors.NotFound as error:
            raise ReleaseError(f"{instance.name} is gone: something removed it") from error
