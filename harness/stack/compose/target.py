"""A Compose project as a target."""

import contextlib
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import docker
from docker.models.containers import Container

from harness.calibration.scripted import ScriptedServer
from harness.model.control import FOLDER, control_traffic
from harness.model.errors import NotJudgedError, ReleaseError
from harness.model.outcome import Outcome
from harness.stack.compose.members import (
    PROJECT,
    Kept,
    dead,
    members,
    name_of,
)
from harness.stack.compose.moves import ComposeMoves
from harness.stack.compose.override import changes, override
from harness.stack.compose.plan import NEW, OLD, ComposePlan
from harness.stack.compose.program import RefusedError, SilentProgramError
from harness.stack.compose.swaps import Replace
from harness.stack.engine import (
    connect,
    described,
    remove_labelled,
    remove_run,
    sweep,
)
from harness.stack.engine_host import LOOPBACK, engine_host
from harness.stack.evidence import EventWatch
from harness.stack.images import found
from harness.stack.owner import Owner
from harness.stack.reach import listens
from harness.stack.undo import Undo
from harness.swap.strategy import Steps
from harness.target import Endpoint
from harness.timeline import SystemTime, Timekeeper, Timeline

__all__ = ["ComposeTarget"]

_HOST: Final = "localhost"
"""The Host header, and the name that a certificate must be for."""
_UP_S: Final = 1_800.0
"""For images to be pulled and built, and for what waits for other services' health."""


class ComposeTarget:
    """Implements Target, HasControl, KeepsLogs, DescribesItself and KnowsRemedies."""

    name = "compose"

    def __init__(self, plan: ComposePlan, clock: Timekeeper | None = None) -> None:
        self._plan = plan
        self._clock = clock or SystemTime()
        self._client: docker.DockerClient | None = None
        self._undo = Undo()
        self._stub = ScriptedServer()
        self._host = LOOPBACK
        self._kept = Kept(plan.project.name)
        self._environment: dict[str, str | int | float | bool] = {}

    def up(self, timeline: Timeline) -> Endpoint:
        plan = self._plan
        self._clock = timeline.clock
        self._host = engine_host(plan.host)
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

    def control(self) -> Endpoint | None:
        """On loopback: it shares the machine with the project, and nothing else."""
        return self._stub.start(control_traffic(), "", self._plan.folder / FOLDER)

    def down(self) -> None:
        """An error in one removal stops none of the others; the first is raised at the end."""
        try:
            self._stub.close()
            self._undo.run()
        finally:
            if self._client is not None:
                self._client.close()
                self._client = None

    def replacing(self, replace: Replace) -> Callable[[Steps], None]:
        """A swap by what Compose can do."""

        def swap(steps: Steps) -> None:
            self._follow()
            replace(self._moves(), steps)

        return swap

    def deployed(self, deploy: Callable[[Steps], None]) -> Callable[[Steps], None]:
        """A swap by a command of the user's."""

        def swap(steps: Steps) -> None:
            self._follow()
            deploy(steps)

        return swap

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
                bind=self._host.bind,
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
        moves = self._moves()
        try:
            for instance in moves.present():
                moves.await_ready(instance)
        except ReleaseError as error:
            # The old release is the ground that the run stands on: without it nothing is judged.
            raise NotJudgedError(f"the old release did not start: {error}") from error
        for name in (self._plan.service, self._plan.front.service):
            if not self._running(name):
                ended = dead(self._everyone(), self._plan.project.name)
                raise NotJudgedError(
                    f"compose: no container of service {name!r} runs, once the project was up; see "
                    f"why by `docker compose up`{_below(ended)}"
                )

    def _endpoint(self, port: int) -> Endpoint:
        """Where load goes: the front's own address where it can be reached and stays its own."""
        plan = self._plan
        is_its_own = self._host.is_local and plan.front.service != plan.service
        if plan.path != "published" and is_its_own:
            is_sure = plan.path == "edge"
            for own in _addresses(self._running(plan.front.service)):
                if listens(own, plan.front.port, self._clock, is_reachable=is_sure):
                    return self._at(own, plan.front.port, "edge")
            if is_sure:
                raise NotJudgedError(
                    f"path: the own address of {plan.front.service!r} cannot be reached from here "
                    f"on port {plan.front.port}; leave --path out, or say --path published"
                )
        return self._at(self._host.address, port, "published")

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

    def _remove(self) -> None:
        """Twice by different labels: what a command of the user's made carries Compose's alone."""
        if self._client is not None:
            remove_labelled(self._client, f"{PROJECT}={self._plan.project.name}")
            remove_run(self._client, self._plan.run)

    def _follow(self) -> None:
        """What a swap removes can be asked nothing later."""
        self._kept.follow(self._everyone(), self._plan.folder / "logs")

    def _moves(self) -> ComposeMoves:
        if self._client is None:
            raise NotJudgedError("compose: not up")
        return ComposeMoves(self._client, self._plan, self._clock)

    def _running(self, service: str) -> list[Container]:
        if self._client is None:
            return []
        return members(self._client, self._plan.project.name, service)

    def _everyone(self) -> list[Container]:
        if self._client is None:
            return []
        return members(self._client, self._plan.project.name, ended=True)


def _addresses(containers: list[Container]) -> list[str]:
    networks = [
        network
        for container in containers
        for network in container.attrs["NetworkSettings"]["Networks"].values()
    ]
    return [str(network["IPAddress"]) for network in networks if network.get("IPAddress")]


def _free_port() -> int:
    """On loopback, at this moment; of an engine elsewhere it is a guess."""
    with contextlib.closing(socket.create_server((LOOPBACK.address, 0))) as server:
        return int(server.getsockname()[1])


def _below(text: str) -> str:
    return f"\n{text}" if text else ""
