"""`reject`: packets to somebody's port are answered by a reset, as if nobody listened there."""

from dataclasses import dataclass

from harness.faults.fault import Ground
from harness.target import Held

__all__ = ["Reject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """Takes hold within some 5 ms, and ends within some 20.

    `only_new`: connections that exist live on, and only who asks for a new one is refused. Else
    those that exist are reset at their next packet too, as when what listened there was stopped.
    """

    whom: str
    for_s: float
    only_new: bool = False
    kind: str = "reject"

    def lack(self, ground: Ground, whom: str) -> str:
        return ground.disturbance.lack_of_packets(whom)

    def carry_out(self, ground: Ground, whom: str) -> Held:
        return ground.disturbance.refuse(whom, self.for_s, only_new=self.only_new)
