"""What a fault is: a disturbance of somebody, which knows when it surely held."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from harness.swap.strategy import Steps
from harness.target import Disturbance, Held, Stage
from harness.timeline import Timekeeper

__all__ = ["WEBSITE", "Fault", "Ground", "LeavesDamage", "MayBeImpossible"]

WEBSITE = "website"
"""As `whom` of a fault: any instance of the website, drawn when its turn comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What faults act on, and the clock that they are dated by."""

    disturbance: Disturbance
    stage: Stage
    clock: Timekeeper


class Fault(Protocol):
    """One disturbance."""

    @property
    def kind(self) -> str:
        """`pause`, `kill`, …: the verb of its step."""

    @property
    def whom(self) -> str:
        """A component, or `website` for any of its instances."""

    def carry_out(self, ground: Ground, whom: str) -> Held:
        """Puts it in, holds it and takes it out again, however that ends."""


@runtime_checkable
class MayBeImpossible(Protocol):
    """The ability to say beforehand that a machine does not allow it."""

    def lack(self, ground: Ground, whom: str) -> str:
        """Why it cannot be done here, to that component or instance; empty where it can.

        Makes ready what it takes. Asked before the first fault is put in.
        """


@runtime_checkable
class LeavesDamage(Protocol):
    """The ability to bring back what it did away with."""

    def repair(self, ground: Ground, steps: Steps, whom: str) -> None:
        """In steps of its own."""
