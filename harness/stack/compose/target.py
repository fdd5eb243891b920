"""A Compose project as a target."""

import contextlib
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import docker
import docker.errors
from docker.models.containers import Container

from harness.model.errors import MissingEvidenceError, NotJudgedError, ReleaseError
from harness.model.outcome import Outcome
from harness.stack.compose.members import (
    PROJECT,
    Kept,
    await_ready,
    dead,
    members,
    name_of,
)
from harness.stack.compose.override import changes, override
from harness.stack.compose.program import Program, RefusedError, SilentProgramError
from harness.stack.compose.project import Front, Project
from harness.stack.compose.swaps import Replace
from harness.stack.engine import (
    absent_is_fine,
    connect,
    described,
    remove_labelled,
    remove_run,
    sweep,
)
from harness.stack.evidence import EventWatch
from harness.stack.images import found
from harness.stack.owner import Owner
from harness.stack.reach import listens
from harness.stack.undo import Undo
from harness.swap.strategy import Steps
from harness.target import Endpoint, Instance
from harness.timeline import SystemTime, Timekeeper, Timeline

__all__ = ["NEW", "OLD", "ComposePlan", "ComposeTarget", "project_name"]

OLD: Final = "old"
NEW: Final = "new"
_LOOPBACK: Final = "127.0.0.1"
_HOST: Final = "localhost"
"""The Host header, and the name that a certificate must be for."""
_UP_S: Final = 1_800.0
"""For images to be pulled and built, and for what waits for other services' health."""
_COMMAND_S: Final = 300.0
"""For `docker compose up` in a swap, which neither pulls nor builds."""
_STOP_S: Final = 10
"""The engine's own patience, where a service has no stop_grace_period."""
_NOT_THE_RELEASE: Final = ("no space left on device", "Cannot connect to the Docker daemon")


def project_name(run: str) -> str:
    """Compose takes small letters, digits, `-` and `_`."""
    return f"harness-{run.lower()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposePlan:
    """What to bring up, and how."""

    run: str
    project: Project
    files: tuple[Path, ...]
    service: str
    front: Front
    folder: Path
    """The run's."""
    old_image: str = ""
    """Empty: the file's own."""
    new_image: str = ""
    """Empty: a command sees to it."""
    tls: bool = False
    ca: str = ""
    """Certificates in PEM to trust instead of the system's."""
    path: str = "auto"
    """As in config; `auto` is `published` where the swapped service is itself the front."""
    ready_s: float = 30.0

    def override_of(self, release: str) -> Path:
        return self.folder.resolve() / f"compose.{release}.yaml"

    def program(self, release: str) -> Program:
        """`docker compose` with the service's image of that release."""
        return Program((*self.files, self.override_of(release)), self.project.name)


class ComposeTarget:
    """Implements Target, KeepsLogs, DescribesItself, KnowsRemedies, and the moves of swaps."""

    name = "compose"

    def __init__(self, plan: ComposePlan, clock: Timekeeper | None = None) -> None:
        self._plan = plan
        self._clock = clock or SystemTime()
        self._client: docker.DockerClient | None = None
        self._undo = Undo()
        self._kept = Kept(plan.project.name)
        self._environment: dict[str, str | int | float | bool] = {}

    def up(self, timeline: Timeline) -> Endpoint:
        plan = self._plan
        self._clock = timeline.clock
        self._client = client = connect()
        sweep(client)
        for image in (plan.old_image, plan.new_image):
            if image:
                found(client, image, remedy="pull or build it, or name another")
        port = _free_port()
        self._write_overrides(port)
        self._undo.add(self._remove)
        watch = EventWatch(
            client,
            plan.run,
            timeline,
            label=f"{PROJECT}={plan.project.name}",
            named=lambda attributes: name_of(str(attributes.get("name", "?")), plan.project.name),
        )
        self._undo.add(watch.stop)
        self._bring_up()
        self._await_old()
        return self._endpoint(port)

    def down(self) -> None:
        """An error in one removal stops none of the others; the first is raised at the end."""
        try:
            self._undo.run()
        finally:
            if self._client is not None:
                self._client.close()
                self._client = None

    def replacing(self, replace: Replace) -> Callable[[Steps], None]:
        """A swap by what Compose can do."""

        def swap(steps: Steps) -> None:
            self._follow()
            replace(self, steps)

        return swap

    def deployed(self, deploy: Callable[[Steps], None]) -> Callable[[Steps], None]:
        """A swap by a command of the user's."""

        def swap(steps: Steps) -> None:
            self._follow()
            deploy(steps)

        return swap

    def running(self) -> tuple[Instance, ...]:
        return self._instances(self._members())

    def present(self) -> tuple[Instance, ...]:
        return self._instances(self._members(ended=True))

    def recreate(self, swap: int) -> None:
        count = len(self.running()) or self._plan.project.services[self._plan.service].replicas
        self._command(swap, "--force-recreate", count)

    def scale(self, swap: int, count: int) -> None:
        self._command(swap, "--no-recreate", count)

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

    def gather(self, folder: Path) -> None:
        self._kept.gather(self._everyone(), folder)

    def environment(self) -> Mapping[str, str | int | float | bool]:
        if self._client is not None:
            self._environment |= described(self._client)
            for container in self._everyone():
                name = name_of(container.name or "?", self._plan.project.name)
                image = (container.attrs.get("Config") or {}).get("Image", "?")
                self._environment[f"image_{name}"] = f"{image} {container.attrs.get('Image', '')}"
        return self._environment

    def remedy(self, outcome: Outcome, status: int) -> str:
        """What ended is named with its last lines."""
        front = self._plan.front
        where = f"service {front.service!r}, port {front.port}"
        if outcome is Outcome.wrong_status:
            told = f"correct --page or --health, or say --expect-status {status}"
        elif outcome is Outcome.wrong_body:
            told = "correct the text after --expect-text"
        elif outcome in {Outcome.untrusted, Outcome.handshake_failed, Outcome.closed_in_handshake}:
            told = "say --ca with the authority of its certificate, or leave --tls out"
        else:
            told = f"check that {where} answers HTTP, or name another with --front SERVICE:PORT"
        ended = dead(self._everyone(), self._plan.project.name)
        return f"{told}\n{ended}" if ended else told

    def _write_overrides(self, port: int) -> None:
        plan = self._plan
        created_s = self._clock.wall_ns() // 1_000_000_000
        labels = Owner.this_process().labels(plan.run, created_s)
        for release, image in ((OLD, plan.old_image), (NEW, plan.new_image)):
            text = override(
                plan.project,
                front=plan.front,
                front_port=port,
                service=plan.service,
                image=image,
                labels=labels,
            )
            plan.override_of(release).write_text(text, "utf-8")
        self._environment["compose_changes"] = "; ".join(changes(plan.project))

    def _bring_up(self) -> None:
        program = self._plan.program(OLD)
        self._environment["compose_version"] = program.version()
        try:
            program.bring_up(timeout_s=_UP_S)
        except (RefusedError, SilentProgramError) as error:
            ended = dead(self._everyone(), self._plan.project.name)
            raise NotJudgedError(
                f"compose: the project could not be brought up: {error}; bring it up by itself "
                f"(`docker compose up`) to see why{_below(ended)}"
            ) from error

    def _await_old(self) -> None:
        front = self._members(self._plan.front.service)
        if not front:
            ended = dead(self._everyone(), self._plan.project.name)
            raise NotJudgedError(
                f"compose: no container of the front {self._plan.front.service!r} runs"
                f"{_below(ended or 'and none ended with an error')}"
            )
        try:
            for instance in self.present():
                self.await_ready(instance)
        except ReleaseError as error:
            # The old release is the ground that the run stands on: without it nothing is judged.
            raise NotJudgedError(f"the old release did not start: {error}") from error
        if not self.running():
            raise NotJudgedError(
                f"compose: no container of service {self._plan.service!r} runs; give it one "
                "replica or more"
            )

    def _endpoint(self, port: int) -> Endpoint:
        """Where load goes: the front's own address where it can be reached and stays its own."""
        plan = self._plan
        if plan.path != "published" and plan.front.service != plan.service:
            is_sure = plan.path == "edge"
            for own in _addresses(self._members(plan.front.service)):
                if listens(own, plan.front.port, self._clock, is_reachable=is_sure):
                    return self._at(own, plan.front.port, "edge")
            if is_sure:
                raise NotJudgedError(
                    f"path: the own address of {plan.front.service!r} cannot be reached from here "
                    f"on port {plan.front.port}; leave --path out, or say --path published"
                )
        return self._at(_LOOPBACK, port, "published")

    def _at(self, host: str, port: int, path: str) -> Endpoint:
        is_secure = self._plan.tls
        return Endpoint(
            host=host,
            port=0 if is_secure else port,
            authority=_HOST,
            path=path,
            tls_port=port if is_secure else 0,
            tls_name=_HOST,
            ca=self._plan.ca,
        )

    def _command(self, swap: int, how: str, count: int) -> None:
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

    def _remove(self) -> None:
        """Twice by different labels: what a command of the user's made carries Compose's alone."""
        if self._client is not None:
            remove_labelled(self._client, f"{PROJECT}={self._plan.project.name}")
            remove_run(self._client, self._plan.run)

    def _follow(self) -> None:
        """What a swap removes can be asked nothing later."""
        self._kept.follow(self._everyone(), self._plan.folder / "logs")

    def _members(self, service: str = "", *, ended: bool = False) -> list[Container]:
        if self._client is None:
            raise NotJudgedError("compose: not up")
        name = service or self._plan.service
        return members(self._client, self._plan.project.name, name, ended=ended)

    def _everyone(self) -> list[Container]:
        if self._client is None:
            return []
        return members(self._client, self._plan.project.name, ended=True)

    def _instances(self, containers: list[Container]) -> tuple[Instance, ...]:
        project = self._plan.project.name
        return tuple(
            Instance(name=name_of(each.name or "?", project), release="") for each in containers
        )

    def _container(self, instance: Instance) -> Container:
        if self._client is None:
            raise NotJudgedError("compose: not up")
        try:
            return self._client.containers.get(f"{self._plan.project.name}-{instance.name}")
        except docker.errors.NotFound as error:
            raise ReleaseError(f"{instance.name} is gone: something removed it") from error


def _addresses(containers: list[Container]) -> list[str]:
    networks = [
        network
        for container in containers
        for network in container.attrs["NetworkSettings"]["Networks"].values()
    ]
    return [str(network["IPAddress"]) for network in networks if network.get("IPAddress")]


def _free_port() -> int:
    """On loopback, at this moment."""
    with contextlib.closing(socket.create_server((_LOOPBACK, 0))) as server:
        return int(server.getsockname()[1])


def _below(text: str) -> str:
    return f"\n{text}" if text else ""
