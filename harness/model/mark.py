"""Named moments on the run's timeline."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Edge", "Mark", "MarkKind"]


class MarkKind(StrEnum):
    """What a mark is about."""

    phase = "phase"
    """A phase of the run: up, calibration, answering, warmup, steady, swap, after, down."""
    step = "step"
    """A step of the swap."""
    event = "event"
    """What the engine said of a container."""
    error = "error"
    """Something went wrong; `detail["blame"]` is `release` (a deploy that failed: the verdict
    is fail) or `harness` (a defect or lack of our own: inconclusive)."""


class Edge(StrEnum):
    """Which end of a span the mark is; `at` for a moment."""

    begin = "begin"
    end = "end"
    at = "at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A named moment. `at_ns` is monotonic."""

    at_ns: int
    kind: MarkKind
    name: str
    edge: Edge = Edge.at
    detail: Mapping[str, str | int | float] = field(default_factory=dict)
    """Phases `swap` and `after` and all steps carry `swap` (1, 2, …), `old` and `new` (release
    names); steps that concern one container carry `instance` and `release`."""
