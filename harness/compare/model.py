"""What a comparison is made of: its plan, and what became of each run."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["NAME", "Cell", "Comparison", "Done", "Plan"]

NAME: Final = "compare-swaps"
"""Of the command, and of its folder among the reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One run: a strategy in a round."""

    round: int
    """1, 2, …"""
    strategy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which strategies run, how often, under what."""

    strategies: tuple[str, ...]
    rounds: int
    seed: int
    mix: str
    rate_hz: float
    swaps: int
    """Of each run."""
    replicas: int = 1

    def cells(self) -> tuple[Cell, ...]:
        """All runs in their order: each round has every strategy once, in an order of its own that
        the seed tells.
        """
        return tuple(
            Cell(round=number, strategy=strategy)
            for number in range(1, self.rounds + 1)
            for strategy in self._shuffled(number)
        )

    def seed_of(self, number: int) -> int:
        """Of the round with that number: all strategies of a round face the same arrivals."""
        return (self.seed + number - 1) % 2**31

    def _shuffled(self, number: int) -> list[str]:
        order = list(self.strategies)
        random.Random(f"{self.seed}-{number}").shuffle(order)  # noqa: S311 (an order, not a secret)
        return order


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`plan.json`: what was meant to be compared, and where."""

    schema: int = 1
    run: str
    plan: Plan
    environment: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A line of `runs.jsonl`: a run that is over."""

    cell: Cell
    folder: str = ""
    """The run's, beside the comparison's own; empty where it left none."""
    error: str = ""
    """Why nothing was judged; empty where the folder has a result."""
