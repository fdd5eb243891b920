"""`drop`: packets to somebody's port are lost, and nobody is told."""

from dataclasses import dataclass

from harness.faults.fault import Ground
from harness.target import Held

__all__ = ["Drop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Takes hold within some 5 ms, and ends within some 20; its effect outlasts it.

    The kernel sends a lost packet again after 0.2 s and more, and a lost request for a connection
    after 1 s: whoever met the loss waits for that long, however short it was.
    """

    whom: str
    for_s: float
    kind: str = "drop"

    def lack(self, ground: Ground, whom: str) -> str:
        return ground.disturbance.lack_of_packets(whom)

    def carry_out(self, ground: Ground, whom: str) -> Held:
        return ground.disturbance.drop(whom, self.for_s)
