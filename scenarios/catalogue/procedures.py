"""Ways to replace a release that the catalogue's arms differ by."""

from collections.abc import Callable
from contextlib import suppress

from harness.catalogue.model import Arm
from harness.mixes import mixed
from harness.model.errors import MissingEvidenceError
from harness.model.traffic import ArrivalKind, Traffic
from harness.stack.website import NEIGHBOUR
from harness.swap.moves import admit, bring_up, let_go
from harness.swap.strategy import Steps, publish, unable
from harness.target import (
    HasNeighbours,
    Instance,
    ReloadsBalancer,
    Stage,
    SwitchesPools,
    WeighsInstances,
)

__all__ = [
    "NO_SECOND_TRY",
    "ONE_TRY",
    "DrainThenReuse",
    "DrainThenStop",
    "DrainUntil",
    "LetGoFirst",
    "ReloadAndHope",
    "ReloadOften",
    "ShowsArm",
    "StopOnly",
    "StopOnlyAndReuse",
    "Weightless",
    "lasting",
]

ShowsArm = Callable[..., Arm]
"""The fixture `shows`."""

NO_SECOND_TRY = {"proxy_connect_timeout 1s;": "proxy_connect_timeout 1s;\nproxy_next_upstream off;"}
"""Of nginx.conf: a GET is not sent once more where a kept connection breaks under it."""

ONE_TRY = {"retries 3": "retries 0", "retry-on conn-failure": "retry-on none"}
"""Of haproxy.cfg: who was refused is not sent elsewhere."""


class StopOnly:
    """The new one is started, awaited and admitted; the old one is told to stop, and the balancer
    has to notice. `DrainThenStop` differs by the drain alone.
    """

    name = "stop-only"
    discovery = "slots"
    drains = False

    def replace(self, stage: Stage, steps: Steps) -> None:
        old = stage.running()
        publish(stage, steps)
        for _ in range(stage.replicas()):
            with steps.step("start"):
                new = stage.start(steps.new)
            with steps.step("ready", new):
                stage.await_ready(new)
            with steps.step("admit", new):
                stage.admit(new)
        for instance in old:
            if self.drains:
                with steps.step("drain", instance):
                    stage.drain(instance)
            with steps.step("stop", instance):
                stage.stop(instance)


class StopOnlyAndReuse(StopOnly):
    """As `StopOnly`, and then somebody else is given the address. `DrainThenReuse` differs by the
    drain alone.
    """

    name = "stop-only-and-reuse"

    def replace(self, stage: Stage, steps: Steps) -> None:
        if not isinstance(stage, HasNeighbours):
            raise unable("start a neighbour")
        old = stage.running()
        super().replace(stage, steps)
        neighbour = Instance(name=NEIGHBOUR, release=NEIGHBOUR)
        with steps.step("reuse", neighbour):
            stage.start_neighbour(old[0])


class DrainThenReuse(StopOnlyAndReuse):
    """The twin."""

    name = "drain-then-reuse"
    drains = True


class DrainThenStop(StopOnly):
    """The twin."""

    name = "drain-then-stop"
    drains = True


class LetGoFirst:
    """One after another is drained and stopped, and only then replaced. `rolling`, and with one
    replica `drain`, differ by the order alone.
    """

    name = "let-go-first"
    discovery = "slots"

    def replace(self, stage: Stage, steps: Steps) -> None:
        publish(stage, steps)
        for instance in stage.running():
            let_go(stage, steps, [instance])
            with steps.step("start"):
                new = stage.start(steps.new)
            with steps.step("ready", new):
                stage.await_ready(new)
            admit(stage, steps, [new])


class DrainUntil:
    """As `drain`, but what is still in flight when the drain's time is over (`drain_timeout_s`) is
    left to the website, which is told to stop.
    """

    name = "drain-until"
    discovery = "slots"

    def replace(self, stage: Stage, steps: Steps) -> None:
        old = stage.running()
        publish(stage, steps)
        admit(stage, steps, bring_up(stage, steps, release=steps.new, count=stage.replicas()))
        for instance in old:
            with steps.step("drain", instance), suppress(MissingEvidenceError):
                stage.drain(instance)
            with steps.step("stop", instance):
                stage.stop(instance)


class Weightless:
    """As `drain`, but the old ones are given a weight of 0, and are never put into maintenance."""

    name = "weightless"
    discovery = "slots"

    def replace(self, stage: Stage, steps: Steps) -> None:
        if not (isinstance(stage, WeighsInstances) and isinstance(stage, SwitchesPools)):
            raise unable("weigh instances")
        old = stage.running()
        publish(stage, steps)
        admit(stage, steps, bring_up(stage, steps, release=steps.new, count=stage.replicas()))
        for instance in old:
            with steps.step("weigh", instance):
                stage.weigh(instance, 0)
                stage.await_idle(instance)
            with steps.step("stop", instance):
                stage.stop(instance)


class ReloadOften:
    """`reload`, as often as that one after the other: what one reload loses now and then shows."""

    name = "reload-often"
    discovery = "reload"

    def __init__(self, times: int) -> None:
        self._times = times

    def replace(self, stage: Stage, steps: Steps) -> None:
        if not isinstance(stage, ReloadsBalancer):
            raise unable("reload its balancer")
        old = stage.running()
        publish(stage, steps)
        new = bring_up(stage, steps, release=steps.new, count=stage.replicas())
        with steps.step("reload", Instance(name="", release=steps.new)):
            for _ in range(self._times):
                stage.reload(new)
        admit(stage, steps, new)
        with steps.step("idle", Instance(name="", release=steps.old)):
            stage.await_alone()
        for instance in old:
            with steps.step("stop", instance):
                stage.stop(instance)


class ReloadAndHope:
    """The new one is started and awaited, the configuration written, HAProxy told to reload; a
    second later the old one is stopped, whatever became of that.
    """

    name = "reload-and-hope"
    discovery = "reload"

    def replace(self, stage: Stage, steps: Steps) -> None:
        if not isinstance(stage, ReloadsBalancer):
            raise unable("reload its balancer")
        old = stage.running()
        publish(stage, steps)
        new = bring_up(stage, steps, release=steps.new, count=stage.replicas())
        with steps.step("reload", Instance(name="", release=steps.new)):
            stage.reload(new)
            steps.clock.sleep(1.0)
        for instance in old:
            with steps.step("stop", instance):
                stage.stop(instance)


def lasting(rate_hz: float, **hz: float) -> Traffic:
    """The default mix at `rate_hz` a second in all, and of the heavy one the streams that are named
    (`page_asset=2`), so many a second of each.
    """
    kept = {name.replace("_", "-"): rate for name, rate in hz.items()}
    left_out = dict.fromkeys(_LASTING, 0.0)
    return mixed(
        "heavy",
        rate_hz + len(_LASTING),
        rates=left_out | kept,
        timeout_s=10.0,
        arrivals=ArrivalKind.even,
    )


_LASTING = ("download", "upload", "idle", "page-asset", "session", "events", "websocket")
