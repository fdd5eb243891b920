"""What to bring up."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.stack.app import SAMPLE, App
from harness.stack.smoke import Question
from harness.stack.variation import AS_IT_IS, Variation
from harness.stack.website import Patience

__all__ = ["StackPlan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPlan:
    """What to bring up. Images named here replace the ones that are built."""

    run: str
    releases: tuple[str, str] = ("v1", "v2")
    replicas: int = 1
    algorithm: str = "roundrobin"
    discovery: str = "slots"
    """How the balancer learns of instances (stack.modes), as the swap strategy needs."""
    edge_port: int = 0
    """The edge's published loopback port; 0 is any free one."""
    path: str = "auto"
    """`edge`, `published`, or `auto`: the edge's own address where it can be reached."""
    host: str = ""
    """Where the engine's published ports are; empty as stack.engine_host finds it."""
    images: Mapping[str, str] = field(default_factory=dict)
    """By component (`base`, `edge`, `balancer`, `store`) or release name."""
    app: App = SAMPLE
    """What the releases' images run."""
    patience: Patience = field(default_factory=Patience)
    variation: Variation = AS_IT_IS
    """What is otherwise than it should be."""
    disturbed: bool = False
    """Whether faults are put in: what they take is then built before there is any load."""
    question: Question | None = None
    """What a new instance is asked before it is admitted; None: nothing."""
    control: bool = False
    """Whether a stub is brought up beside the rest, which no swap touches."""
