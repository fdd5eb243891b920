"""`kill`: an instance of the website is gone from one moment to the next."""

from dataclasses import dataclass

from harness.faults.fault import WEBSITE, Ground
from harness.swap.strategy import Steps
from harness.target import Held, Instance

__all__ = ["Kill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """SIGKILL to its container. Nobody tells the balancer, which has `for_s` to find out; then
    another instance takes its place, so that the next fault finds as many as this one.

    With one instance alone all requests fail until the other is there.
    """

    for_s: float
    whom: str = WEBSITE
    kind: str = "kill"

    def carry_out(self, ground: Ground, whom: str) -> Held:
        earliest_ns = ground.clock.now_ns()
        ground.disturbance.kill(whom)
        surely_ns = ground.clock.now_ns()
        ground.clock.sleep(self.for_s)
        until_ns = ground.clock.now_ns()
        return Held(
            earliest_ns=earliest_ns, surely_ns=surely_ns, until_ns=until_ns, latest_ns=until_ns
        )

    def repair(self, ground: Ground, steps: Steps, whom: str) -> None:
        stage = ground.stage
        killed = next(instance for instance in stage.running() if instance.name == whom)
        with steps.step("discard", killed):
            stage.discard(killed)
        with steps.step("start", Instance(name="", release=killed.release)):
            new = stage.start(killed.release)
        with steps.step("ready", new):
            stage.await_ready(new)
        with steps.step("admit", new):
            stage.admit(new)
