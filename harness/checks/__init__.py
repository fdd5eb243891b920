"""Checks: functions from a history to a finding, one file each."""

from typing import Final, Protocol

from harness.analysis.history import History
from harness.checks import (
    alive,
    answered,
    baseline,
    cached,
    calibrated,
    crossed,
    latency,
    longest,
    near_misses,
    no_failed_request,
    outage,
    rate_held,
    recorded,
    replaced,
    resolved,
    swap_completed,
    visits,
    writes,
)
from harness.model.finding import Finding

__all__ = ["ALL", "Check"]


class Check(Protocol):
    """A function from a history to a finding. It may raise: that is inconclusive."""

    def __call__(self, history: History, /) -> Finding: ...


ALL: Final[tuple[Check, ...]] = (
    no_failed_request.check,
    swap_completed.check,
    replaced.check,
    alive.check,
    writes.check,
    visits.check,
    cached.check,
    latency.check,
    longest.check,
    outage.check,
    near_misses.check,
    baseline.check,
    recorded.check,
    rate_held.check,
    answered.check,
    crossed.check,
    resolved.check,
    calibrated.check,
)
"""Every check, what is said of the target first: the first of the worst names the verdict."""
