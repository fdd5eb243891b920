"""What the catalogue's arms do to the proxies, before the release is replaced as it should be."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from procedures import DrainThenStop

from harness.stack.modes import MODES
from harness.stack.website import PORT
from harness.swap.strategy import Steps, unable
from harness.target import Instance, Proxies, Stage, TouchesProxies

__all__ = ["BESIDE", "Blinks", "MovesBalancer", "RenewsWorkers", "RestartsProxies", "two_addresses"]

EDGE, BALANCER = (Instance(name=name, release="") for name in ("edge", "balancer"))
"""As steps name them."""
BESIDE = "beside"
"""The frontend at the balancer's second address, port 8081; the first is `edge` at 8080."""


def two_addresses() -> dict[str, str]:
    """Of haproxy.cfg: a second frontend, a copy of the first."""
    plain = MODES["slots"].configuration("roundrobin", 1, PORT)
    section = plain.partition("frontend edge\n")[2].partition("\nbackend ")[0]
    copied = section.replace("bind :8080", "bind :8081")
    (last,) = (line.strip() for line in section.splitlines() if "use_backend" in line)
    return {last: f"{last}\nfrontend {BESIDE}\n{copied}"}


class Touching(DrainThenStop, ABC):
    """The proxies first, then the swap that loses nothing."""

    def replace(self, stage: Stage, steps: Steps) -> None:
        if not isinstance(stage, TouchesProxies):
            raise unable("reach its proxies")
        self.touch(stage, stage.proxies(), steps)
        super().replace(stage, steps)

    @abstractmethod
    def touch(self, stage: Stage, proxies: Proxies, steps: Steps) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Blinks(Touching):
    """Frontends of the balancer refuse connections for a while, one after the other."""

    frontends: Sequence[str]
    for_s: float = 0.5
    name: str = "an address blinks, then drain"

    def touch(self, stage: Stage, proxies: Proxies, steps: Steps) -> None:
        del stage
        for number, frontend in enumerate(self.frontends, 1):
            with steps.step("shut", BALANCER, number=number):
                proxies.shut(frontend)
                try:
                    steps.clock.sleep(self.for_s)
                finally:
                    proxies.reopen(frontend)
            steps.clock.sleep(self.for_s)


@dataclass(frozen=True, kw_only=True)
class RenewsWorkers(Touching):
    """The edge gets new workers, and the old ones a signal."""

    signal: str
    name: str = "the edge renewed, then drain"

    def touch(self, stage: Stage, proxies: Proxies, steps: Steps) -> None:
        del stage
        with steps.step("renew", EDGE):
            proxies.renew_workers(self.signal)


@dataclass(frozen=True, kw_only=True)
class RestartsProxies(Touching):
    """What a deploy of all services at once does: the proxies are part of it."""

    name: str = "the proxies restarted, then drain"

    def touch(self, stage: Stage, proxies: Proxies, steps: Steps) -> None:
        for each in (EDGE, BALANCER):
            with steps.step("restart", each):
                proxies.restart(each.name)
        introduce(stage, steps)


@dataclass(frozen=True, kw_only=True)
class MovesBalancer(Touching):
    """The balancer goes to another address, where it serves before the old one is stopped."""

    name: str = "the balancer moved, then drain"

    def touch(self, stage: Stage, proxies: Proxies, steps: Steps) -> None:
        with steps.step("move", BALANCER):
            proxies.second_balancer()
        introduce(stage, steps)
        # Whoever asks DNS again once a second has heard of it by then.
        steps.clock.sleep(1.5)
        with steps.step("stop", BALANCER):
            proxies.stop(BALANCER.name)


def introduce(stage: Stage, steps: Steps) -> None:
    """What serves, to a balancer that has just begun."""
    for instance in stage.running():
        with steps.step("ready", instance):
            stage.await_ready(instance)
        with steps.step("admit", instance):
            stage.admit(instance)
