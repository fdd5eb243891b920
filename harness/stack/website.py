"""The website: replicas of a release, each in a slot of the balancer; the stage for swaps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import docker.errors
from docker.models.containers import Container
from testcontainers.core.network import Network

from harness.model.errors import MissingEvidenceError, NotJudgedError, ReleaseError
from harness.stack.containers import (
    FULL_CPU,
    HELD_BACK_CPU,
    LOGS_AT,
    Spec,
    address,
    last_words,
    launch,
)
from harness.stack.discovery import Discovery, Slots
from harness.stack.engine import absent_is_fine
from harness.stack.owner import LABEL
from harness.stack.variation import AS_IT_IS, Variation
from harness.stack.written import Written
from harness.target import Counted, Instance
from harness.timeline import Timekeeper

__all__ = ["PORT", "Patience", "Website"]

PORT = 8000
_POLL_S = 0.02
_POLLS_A_LOOK = 10
"""Asking the engine how a container is costs some ms: every tenth poll does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long each move may take, in seconds."""

    ready_s: float = 30.0
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
    ) -> None:
        """Instances are NAME-1 and so on; without a `volume` they are told of no access log."""
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
        self._containers: dict[str, Container] = {}
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
        log = {"ACCESS_LOG": f"{LOGS_AT}/{instance.name}.jsonl"} if self._volume else {}
        spec = Spec(
            name=f"{self._prefix}-{instance.name}",
            image=self._images[release],
            labels={**self._labels, f"{LABEL}.instance": instance.name},
            alias=self._discovery.alias,
            environment={**self._variation.website, "INSTANCE": instance.name, **log},
            volumes={self._volume: LOGS_AT} if self._volume else {},
            cpu_weight=HELD_BACK_CPU,
            entry=self._variation.entry,
            stop_signal=self._variation.stop_signal,
        )
        try:
            self._containers[instance.name] = launch(spec, self._network)
        except NotJudgedError as error:
            raise ReleaseError(f"release {release}: {error}") from error
        return instance

    def await_ready(self, instance: Instance) -> None:
        container = self._containers[instance.name]
        where = address(container)
        if not where:
            raise self._exited(instance)
        self._discovery.offer(instance, where)
        deadline_ns = self._clock.now_ns() + int(self._patience.ready_s * 1e9)
        polls = 0
        while not self._discovery.answers(instance):
            polls += 1
            if polls % _POLLS_A_LOOK == 0 and not self._is_running(container):
                raise self._exited(instance)
            if self._clock.now_ns() > deadline_ns:
                raise ReleaseError(
                    f"release {instance.release}: {instance.name} was not ready within "
                    f"{self._patience.ready_s:g} s (GET /ready answered 200 never, as the "
                    f"balancer saw it); {last_words(container)}"
                )
            self._clock.sleep(_POLL_S)
        container.update(cpu_shares=FULL_CPU)

    def admit(self, instance: Instance) -> None:
        self._discovery.admit(instance)
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

    def weigh(self, instance: Instance, weight: int) -> None:
        self._in_slots().weigh(instance, weight)

    def weigh_alike(self, instances: Sequence[Instance]) -> None:
        self._in_slots().weigh_alike(instances)

    def count_anew(self) -> None:
        self._in_slots().count_anew()

    def counted(self, instances: Sequence[Instance]) -> Counted:
        return self._in_slots().counted(instances)

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

    def _is_running(self, container: Container) -> bool:
        try:
            container.reload()
        except docker.errors.NotFound:
            return False
        return bool(container.status == "running")

    def _exited(self, instance: Instance) -> ReleaseError:
        container = self._containers[instance.name]
        code = container.attrs.get("State", {}).get("ExitCode", "?")
        return ReleaseError(
            f"release {instance.release}: {instance.name} exited with code {code} before it was "
            f"ready; {last_words(container)}\n"
            f"a release's image must serve HTTP on port {PORT} for as long as it runs"
        )
