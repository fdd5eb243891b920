"""`pause`: a component stands still, with its sockets open, and goes on where it was."""

from dataclasses import dataclass

from harness.faults.fault import Ground
from harness.target import Held

__all__ = ["Pause"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """The engine's pause. It takes 30 to 60 ms to take hold, and 30 to 40 ms to be lifted.

    The kernel goes on taking in connections and requests for it: none is refused, all wait. So one
    that is shorter than a stream's latency allows (p99 + 100 ms at least) is no outage.
    """

    whom: str
    for_s: float
    kind: str = "pause"

    def carry_out(self, ground: Ground, whom: str) -> Held:
        earliest_ns = ground.clock.now_ns()
        try:
            ground.disturbance.pause(whom)
            surely_ns = ground.clock.now_ns()
            ground.clock.sleep(self.for_s)
            until_ns = ground.clock.now_ns()
        finally:
            ground.disturbance.resume(whom)
        return Held(
            earliest_ns=earliest_ns,
            surely_ns=surely_ns,
            until_ns=until_ns,
            latest_ns=ground.clock.now_ns(),
        )
