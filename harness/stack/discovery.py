"""Discovery modes: how the balancer learns of the website's instances."""

from collections.abc import Sequence
from typing import Protocol

from harness.model.errors import MissingEvidenceError
from harness.stack.balancer import Balancer
from harness.stack.runtime_api import BACKEND, GREEN
from harness.target import Counted, Instance

__all__ = ["Discovery", "Dns", "Slots"]


class Discovery(Protocol):
    """One mode. Instances are those of one run; `where` is an instance's address."""

    @property
    def alias(self) -> str:
        """The name on the run's network that every instance answers to; empty for none."""

    def offer(self, instance: Instance, where: str) -> None:
        """From now on `answers` can become true."""

    def answers(self, instance: Instance) -> bool:
        """Whether the balancer's own check, from its own network, found it ready."""

    def told(self, instance: Instance) -> str:
        """What came of that check, in words."""

    def admit(self, instance: Instance) -> None:
        """It may get requests, if it does not get them already."""

    def drain(self, instance: Instance, timeout_s: float) -> None:
        """Nothing new goes there; returns once nothing is in flight or queued there.

        MissingEvidenceError when the time is over before that.
        """

    def stopped(self, instance: Instance) -> None:
        """It was stopped; the balancer is not told."""

    def forget(self, instance: Instance) -> None:
        """Neither requests nor checks go there. Idempotent."""


class Slots:
    """`slots`: servers that are declared beforehand and filled through the Runtime API.

    There are two pools of them, of which one gets all requests. An instance is offered a slot of
    that one, unless it was set aside before.
    """

    alias = ""

    def __init__(
        self,
        balancer: Balancer,
        slots: tuple[str, ...],
        port: int,
        *,
        green: tuple[str, ...] = (),
    ) -> None:
        self._balancer = balancer
        self._port = port
        self._free = {BACKEND: list(slots), GREEN: list(green)}
        self._serving, self._other = BACKEND, GREEN
        self._pools = dict.fromkeys(slots, BACKEND) | dict.fromkeys(green, GREEN)
        self._aside: set[str] = set()
        self._slots: dict[str, str] = {}
        self._stopped: set[str] = set()
        self._weighed: set[str] = set()

    def offer(self, instance: Instance, where: str) -> None:
        # One that was drained, wholly or in part, is offered again on the way back.
        self.forget(instance)
        free = self._free[self._other if instance.name in self._aside else self._serving]
        if not free:
            self._reclaim()
        if not free:
            raise MissingEvidenceError("balancer: no slot is left for another instance")
        slot = self._slots[instance.name] = free.pop(0)
        if slot in self._weighed:
            self._weighed.remove(slot)
            self._balancer.weigh_as_declared(slot)
        self._balancer.offer(slot, where, self._port)

    def answers(self, instance: Instance) -> bool:
        return self._balancer.answers(self._slots[instance.name])

    def told(self, instance: Instance) -> str:
        return self._balancer.told(self._slots[instance.name])

    def admit(self, instance: Instance) -> None:
        self._balancer.admit(self._slots[instance.name])

    def drain(self, instance: Instance, timeout_s: float) -> None:
        self._balancer.drain(self._slots[instance.name], timeout_s)
        self._vacate(instance.name)

    def stopped(self, instance: Instance) -> None:
        self._stopped.add(instance.name)

    def forget(self, instance: Instance) -> None:
        slot = self._slots.get(instance.name)
        if slot is not None:
            self._balancer.forget(slot)
            self._vacate(instance.name)

    def set_aside(self, instance: Instance) -> None:
        """It is to be offered a slot of the pool that gets no requests."""
        self._aside.add(instance.name)

    def switch(self, to: Instance) -> None:
        """All requests that come from now on go to the pool of that instance. Idempotent."""
        pool = self._pools[self._slots[to.name]]
        self._balancer.route_to(pool)
        if pool != self._serving:
            self._serving, self._other = self._other, self._serving
        self._aside.clear()

    def await_idle(self, instance: Instance, timeout_s: float) -> None:
        self._balancer.await_idle(self._slots[instance.name], timeout_s)

    def weigh(self, instance: Instance, weight: int) -> None:
        slot = self._slots[instance.name]
        self._weighed.add(slot)
        self._balancer.weigh(slot, weight)

    def weigh_alike(self, instances: Sequence[Instance]) -> None:
        for slot in self._of(instances):
            self._weighed.discard(slot)
            self._balancer.weigh_as_declared(slot)

    def count_anew(self) -> None:
        self._balancer.count_anew()

    def counted(self, instances: Sequence[Instance]) -> Counted:
        states = self._balancer.seen(self._of(instances))
        answered = sum(state.answered for state in states)
        waited_ms = sum(state.mean_ms * state.answered for state in states)
        return Counted(
            sent=sum(state.sent for state in states),
            answered=answered,
            errors=sum(state.errors for state in states),
            broken=sum(state.broken for state in states),
            mean_ms=waited_ms / answered if answered else 0.0,
            down=sum(state.status.startswith("DOWN") for state in states),
        )

    def _of(self, instances: Sequence[Instance]) -> list[str]:
        names = [instance.name for instance in instances]
        return [self._slots[name] for name in names if name in self._slots]

    def _vacate(self, name: str) -> None:
        """The slot goes to the end of the row: the longest unused is used next."""
        slot = self._slots.pop(name)
        self._free[self._pools[slot]].append(slot)

    def _reclaim(self) -> None:
        """Takes back the slots of instances that were stopped without a word to the balancer."""
        for name in [name for name in self._slots if name in self._stopped]:
            self._balancer.forget(self._slots[name])
            self._vacate(name)


class Dns:
    """`dns`: the balancer asks the engine's DNS which instances there are, and nobody tells it
    more. An instance gets requests as soon as DNS names it and a check has passed, or before: a
    server that DNS has just named is UP unchecked (field notes, 3, number 8).
    """

    alias = "website"

    def __init__(self, balancer: Balancer, port: int) -> None:
        self._balancer = balancer
        self._port = port
        self._addresses: dict[str, str] = {}

    def offer(self, instance: Instance, where: str) -> None:
        self._addresses[instance.name] = f"{where}:{self._port}"

    def answers(self, instance: Instance) -> bool:
        state = self._balancer.server_at(self._addresses[instance.name])
        return state is not None and state.is_up and state.check.startswith("L7OK")

    def told(self, instance: Instance) -> str:
        return self._balancer.told_at(self._addresses[instance.name])

    def admit(self, instance: Instance) -> None:
        """Nothing is to be done: DNS did."""

    def drain(self, instance: Instance, timeout_s: float) -> None:
        state = self._balancer.server_at(self._addresses[instance.name])
        if state is not None:
            self._balancer.drain(state.name, timeout_s)

    def stopped(self, instance: Instance) -> None:
        """The engine takes its name out of DNS; the balancer hears of it there."""

    def forget(self, instance: Instance) -> None:
        self._addresses.pop(instance.name, None)
