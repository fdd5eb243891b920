"""The simulation held against what was measured: how far off it is, and why where that is known."""

from collections.abc import Mapping, Sequence
from typing import Final

from harness.bench.measures import Measures
from harness.bench.result import Estimate
from harness.bench.statistics import ratio

__all__ = ["FAR", "deviates_by", "deviation_of", "is_far"]

FAR: Final = 0.15
"""Issue 5's bound: a p99 within 15 %."""
_STARVED: Final = 0.05
_FIGURES: Final = ("p50", "p99")


def deviation_of(rounds: Sequence[Measures]) -> Mapping[str, Estimate]:
    """Simulated / measured, paired by round, as both faced the same requests."""
    if not rounds or not rounds[0].predicted_ms:
        return {}
    return {
        figure: Estimate.of(
            ratio(
                [one.predicted_ms[figure] for one in rounds],
                [one.latency_ms[figure] for one in rounds],
            )
        )
        for figure in _FIGURES
    }


def is_far(found: Estimate | None) -> bool:
    """Whether it is beyond 15 % of what was measured, up or down."""
    return found is not None and found.middle is not None and abs(found.middle - 1) > FAR


def deviates_by(rounds: Sequence[Measures], deviation: Mapping[str, Estimate], failed: int) -> str:
    """The first cause that is known; `not explained` where it is off without one."""
    far = [name for name, found in deviation.items() if is_far(found)]
    if not far:
        return ""
    starved = sum(one.done.steal_share > _STARVED for one in rounds)
    if failed:
        return f"{failed:,} requests failed, and none does in the simulation"
    if starved:
        return f"the machine was short of CPU in {starved} of {len(rounds)} rounds"
    if all(_may_be_none(deviation[name]) for name in far):
        return f"no difference is shown: the {len(rounds)} rounds differ by as much"
    return "not explained"


def _may_be_none(found: Estimate) -> bool:
    return found.low is not None and found.high is not None and found.low <= 1 <= found.high
