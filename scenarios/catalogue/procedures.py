"""Ways to replace a release that the catalogue's arms differ by."""

from collections.abc import Callable

from harness.catalogue.model import Arm
from harness.swap.moves import admit, bring_up
from harness.swap.strategy import Steps, publish, unable
from harness.target import Instance, ReloadsBalancer, Stage

__all__ = [
    "NO_SECOND_TRY",
    "ONE_TRY",
    "DrainThenStop",
    "ReloadAndHope",
    "ReloadOften",
    "ShowsArm",
    "StopOnly",
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


class DrainThenStop(StopOnly):
    """The twin."""

    name = "drain-then-stop"
    drains = True


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
