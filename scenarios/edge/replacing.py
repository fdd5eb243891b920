"""What the scenarios of the edge share: a part of it replaced, then the website as always."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.catalogue.model import Arm
from harness.swap.drain import Drain
from harness.swap.strategy import Steps, Swap, unable
from harness.target import Instance, Proxies, Stage, TouchesProxies

__all__ = ["BALANCER", "EDGE", "STORE", "ReplacesPart", "Shows"]

EDGE, BALANCER, STORE = (Instance(name=name, release="") for name in ("edge", "balancer", "store"))
"""As steps name them."""

Shows = Callable[..., Arm]
"""The fixtures `loses_nothing` and `loses`."""


@dataclass(frozen=True, kw_only=True)
class ReplacesPart(ABC):
    """A part of what stands around the website is replaced, and then the website's release, by
    `drain` unless said otherwise: so it is seen that the new part serves both.
    """

    name: str
    then: Swap = Drain()  # noqa: RUF009 (it holds nothing)

    @property
    def discovery(self) -> str:
        return self.then.discovery

    def replace(self, stage: Stage, steps: Steps) -> None:
        if not isinstance(stage, TouchesProxies):
            raise unable("reach its proxies")
        self.replace_part(stage, stage.proxies(), steps)
        self.then.replace(stage, steps)

    @abstractmethod
    def replace_part(self, stage: Stage, proxies: Proxies, steps: Steps) -> Any:
        """Returns once another process serves than before, or raises MissingEvidenceError: a
        replacement that did not happen loses nothing either.
        """
