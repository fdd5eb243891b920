"""The website: replicas of a release, each in a slot of the balancer; the stage for swaps."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import docker.errors
from docker.models.containers import Container
from testcontainers.core.network import Network

from harness.model.errors import MissingEvidenceError, NotJudgedError, ReleaseError
from harness.stack.app import SAMPLE, App
from harness.stack.containers import (
    FULL_CPU,
    HELD_BACK_CPU,
    LOGS_AT,
    Spec,
    UnfitImageError,
    address,
    exposed,
    last_words,
    launch,
    run_in,
)
from harness.stack.discovery import Discovery, Slots
from harness.stack.engine import absent_is_fine
from harness.stack.owner import LABEL
from harness.stack.smoke import Answer, Smoke
from harness.stack.variation import AS_IT_IS, Variation
from harness.stack.written import Written
from harness.target import Counted, Instance, Proxies
from harness.timeline import Timekeeper, wait_until

__all__ = ["NEIGHBOUR", "PORT", "Patience", "Website"]

PORT = SAMPLE.port
NEIGHBOUR = "neighbour"
_ASK_READY = (
    "/usr/bin/python3",
    "-c",
    f"from urllib.request import urlopen; urlopen('http://127.0.0.1:{PORT}/ready', timeout=1)",
)
_READY, _TRIED, _ADMITTED = "was ready", "had answered a question", "was admitted"
_POLL_S = 0.02
_END_TOLD_S = 2.0
"""From a container's end until the engine tells it, at most."""
_LOOK_NS = 200_000_000
"""Asking the engine how a container is costs some ms: so often, however long a poll takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long each move may take, in seconds."""

    ready_s: float = 30.0
    try_s: float = 3.0
    """From ready to the first answer to the smoke question."""
    drain_s: float = 30.0
    stop_s: float = 10.0


class Website:
    """Starts, admits, drains and stops instances. Implements harness.target.Stage, and in
    discovery modes `slots` and `reload` optional abilities of it.
    """

    def __init__(
        self,
        *,
        publish: Callable[[str], object],
        discovery: Discovery,
        images: Mapping[str, str],
        network: Network,
        labels: Mapping[str, str],
        volume: str,
        prefix: str,
        replica_count: int,
        patience: Patience,
        clock: Timekeeper,
        variation: Variation = AS_IT_IS,
        name: str = "website",
        before: Proxies | None = None,
        smoke: Smoke | None = None,
        app: App = SAMPLE,
        introduce: Callable[[Instance, str], object] = lambda *_: None,
    ) -> None:
        """Instances are NAME-1 and so on; without a `volume` they are told of no access log, and
        without a `smoke` none is tried. `before` are the proxies before it, which `introduce` tells
        who is at an address before any request can be sent there.
        """
        self._name = name
        self._publish = publish
        self._discovery = discovery
        self._images = images
        self._network = network
        self._labels = labels
        self._volume = volume
        self._prefix = prefix
        self._replica_count = replica_count
        self._patience = patience
        self._clock = clock
        self._variation = variation
        self._before = before
        self._smoke = smoke
        self._app = app
        self._introduce = introduce
        self._containers: dict[str, Container] = {}
        self._addresses: dict[str, str] = {}
        self._serving: list[Instance] = []
        self._started = 0

    def containers(self) -> tuple[Container, ...]:
        """All that were started and not discarded, stopped ones too: their logs are evidence."""
        return tuple(self._containers.values())

    def running(self) -> tuple[Instance, ...]:
        return tuple(self._serving)

    def replicas(self) -> int:
        return self._replica_count

    def publish(self, release: str) -> None:
        self._publish(release)

    def start(self, release: str) -> Instance:
        self._started += 1
        instance = Instance(name=f"{self._name}-{self._started}", release=release)
        spec = replace(
            self._spec(instance, self._images[release]),
            alias=self._discovery.alias,
            cpu_weight=HELD_BACK_CPU,
            entry=self._variation.entry,
            # An image of a user's own is stopped by its own signal.
            stop_signal=self._variation.stop_signal if self._app.is_sample else "",
            memory=self._variation.memory,
        )
        try:
            self._containers[instance.name] = launch(spec, self._network)
        except UnfitImageError as error:
            raise ReleaseError(f"release {release}: {error}") from error
        except NotJudgedError as error:
            raise MissingEvidenceError(str(error)) from error
        return instance

    def start_neighbour(self, after: Instance) -> Instance:
        """The sample website again, under a name that is no release of the run's."""
        instance = Instance(name=NEIGHBOUR, release=NEIGHBOUR)
        plain = self._spec(instance, self._images[after.release])
        spec = replace(
            plain,
            environment={**plain.environment, "RELEASE": NEIGHBOUR},
            cpu_weight=HELD_BACK_CPU,
        )
        container = self._containers[instance.name] = launch(spec, self._network)
        where, wanted = address(container), self._addresses[after.name]
        if where != wanted:
            raise MissingEvidenceError(
                f"{NEIGHBOUR}: the engine gave it the address {where}, and not {wanted} of "
                f"{after.name}, which was to be used again"
            )
        if not wait_until(
            lambda: run_in(container, _ASK_READY)[0] == 0,
            clock=self._clock,
            timeout_s=self._patience.ready_s,
            poll_s=0.2,
        ):
            raise MissingEvidenceError(
                f"{NEIGHBOUR}: it did not answer within {self._patience.ready_s:g} s; "
                f"{last_words(container)}"
            )
        container.update(cpu_shares=FULL_CPU)
        return instance

    def _spec(self, instance: Instance, image: str) -> Spec:
        plain = Spec(
            name=f"{self._prefix}-{instance.name}",
            image=image,
            labels={**self._labels, f"{LABEL}.instance": instance.name},
            environment=self._app.environment,
        )
        if not self._app.is_sample:
            return plain
        log = {"ACCESS_LOG": f"{LOGS_AT}/{instance.name}.jsonl"} if self._volume else {}
        return replace(
            plain,
            environment={**self._variation.website, "INSTANCE": instance.name, **log},
            volumes={self._volume: LOGS_AT} if self._volume else {},
        )

    def await_ready(self, instance: Instance) -> None:
        container = self._containers[instance.name]
        where = address(container)
        if not where:
            raise self._exited(instance, _READY)
        self._addresses[instance.name] = where
        self._introduce(instance, where)
        self._discovery.offer(instance, where)
        if not self._came_true(
            lambda: self._discovery.answers(instance), instance, self._patience.ready_s, _READY
        ):
            raise self._never_ready(instance)
        try:
            container.update(cpu_shares=FULL_CPU)
        except docker.errors.APIError as error:
            # Where discovery lets visitors in first, it may have broken under them by now.
            if self._ends(container):
                raise self._exited(instance, _READY) from error
            raise

    def _never_ready(self, instance: Instance) -> ReleaseError:
        app, container = self._app, self._containers[instance.name]
        told = (
            f"release {instance.release}: {instance.name} was not ready within "
            f"{self._patience.ready_s:g} s: GET {app.health} on port {app.port} was never answered "
            f"with status {app.ready_status}, as the balancer saw it; "
            f"{self._discovery.told(instance)}; {last_words(container)}"
        )
        if app.is_sample:
            return ReleaseError(told)
        others = [str(port) for port in exposed(container) if port != app.port]
        names = f" (its image names {', '.join(others)})" if others else ""
        return ReleaseError(
            f"{told}\nsay with --port where it listens{names}, not on loopback alone, and with "
            "--health what it answers once it is ready; --ready-timeout gives it longer"
        )

    def tries_no_more(self) -> None:
        """From now on no instance is asked the smoke question."""
        self._smoke = None

    def tries(self, release: str) -> bool:
        return self._smoke is not None and self._smoke.knows(release)

    def try_out(self, instance: Instance) -> None:
        where = address(self._containers[instance.name])
        if self._smoke is None:
            return
        if not where:
            raise self._exited(instance, _TRIED)
        try:
            self._smoke.ask(instance.release, where)
            self._await_right(self._smoke, instance)
        except Exception:
            # Of why the instance is refused no error in this takes the place.
            with contextlib.suppress(MissingEvidenceError):
                self._smoke.done(instance.release)
            raise
        self._smoke.done(instance.release)

    def _await_right(self, smoke: Smoke, instance: Instance) -> None:
        answer = Answer.none

        def came() -> bool:
            nonlocal answer
            answer = smoke.answer(instance.release)
            return answer is not Answer.none

        self._came_true(came, instance, self._patience.try_s, _TRIED)
        if answer is not Answer.right:
            within = f" within {self._patience.try_s:g} s" if answer is Answer.none else ""
            raise ReleaseError(
                f"release {instance.release}: {instance.name} was ready and then did not "
                f"answer rightly{within}: {smoke.told(instance.release)}; "
                f"{last_words(self._containers[instance.name])}"
            )

    def admit(self, instance: Instance) -> None:
        try:
            self._discovery.admit(instance)
        except MissingEvidenceError as error:
            if self._is_running(self._containers[instance.name]):
                raise
            raise self._exited(instance, _ADMITTED) from error
        # On the way back from a swap that failed, one that never ceased to run is admitted again.
        if instance not in self._serving:
            self._serving.append(instance)

    def drain(self, instance: Instance) -> None:
        self._discovery.drain(instance, self._patience.drain_s)

    def stop(self, instance: Instance) -> None:
        with absent_is_fine():
            # The engine kills it when its time is over; that is a release that hangs.
            self._containers[instance.name].stop(timeout=int(self._patience.stop_s))
        self._discovery.stopped(instance)
        self._serving = [other for other in self._serving if other != instance]

    def discard(self, instance: Instance) -> None:
        self._discovery.forget(instance)
        self._serving = [other for other in self._serving if other != instance]
        container = self._containers.pop(instance.name, None)
        if container is not None:
            with absent_is_fine():
                container.remove(force=True, v=True)

    def set_aside(self, instance: Instance) -> None:
        self._in_slots().set_aside(instance)

    def switch(self, to: Instance) -> None:
        self._in_slots().switch(to)

    def await_idle(self, instance: Instance) -> None:
        self._in_slots().await_idle(instance, self._patience.drain_s)

    def counts(self) -> bool:
        return isinstance(self._discovery, Slots)

    def weigh(self, instance: Instance, weight: int) -> None:
        self._in_slots().weigh(instance, weight)

    def weigh_alike(self, instances: Sequence[Instance]) -> None:
        self._in_slots().weigh_alike(instances)

    def count_anew(self) -> None:
        self._in_slots().count_anew()

    def counted(self, instances: Sequence[Instance]) -> Counted:
        return self._in_slots().counted(instances)

    def proxies(self) -> Proxies:
        if self._before is None:
            raise MissingEvidenceError("target: its proxies are out of reach")
        return self._before

    def _came_true(
        self, condition: Callable[[], bool], instance: Instance, patience_s: float, before: str
    ) -> bool:
        """Whether it did in that time; ReleaseError where the instance exits before."""
        looked_ns = self._clock.now_ns()
        deadline_ns = looked_ns + int(patience_s * 1e9)
        while not condition():
            now_ns = self._clock.now_ns()
            is_over = now_ns > deadline_ns
            if is_over or now_ns - looked_ns >= _LOOK_NS:
                looked_ns = now_ns
                if not self._is_running(self._containers[instance.name]):
                    raise self._exited(instance, before)
            if is_over:
                return False
            self._clock.sleep(_POLL_S)
        return True

    def reload(self, instances: Sequence[Instance]) -> None:
        self._in_writing().reload(instances)

    def await_alone(self) -> None:
        self._in_writing().await_alone(self._patience.drain_s)

    def _in_writing(self) -> Written:
        if not isinstance(self._discovery, Written):
            raise MissingEvidenceError("balancer: it is reloaded in discovery mode reload alone")
        return self._discovery

    def _in_slots(self) -> Slots:
        if not isinstance(self._discovery, Slots):
            raise MissingEvidenceError(
                "balancer: pools and weights need discovery mode slots: by dns nobody tells HAProxy"
            )
        return self._discovery

    def _ends(self, container: Container) -> bool:
        """Whether it is over with it; the engine may hear of that a moment later."""
        return bool(
            wait_until(
                lambda: not self._is_running(container), clock=self._clock, timeout_s=_END_TOLD_S
            )
        )

    def _is_running(self, container: Container) -> bool:
        try:
            container.reload()
        except docker.errors.NotFound:
            return False
        return bool(container.status == "running")

    def _exited(self, instance: Instance, before: str) -> ReleaseError:
        container = self._containers[instance.name]
        code = container.attrs.get("State", {}).get("ExitCode", "?")
        return ReleaseError(
            f"release {instance.release}: {instance.name} exited with code {code} before it "
            f"{before}; {last_words(container)}\n"
            f"a release's image must serve HTTP on port {self._app.port} for as long as it runs"
        )
