"""`result.json`: what a run is judged to be. Its JSON Schema is generated from these types."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.model.finding import Finding, Verdict
from harness.model.mark import Mark

__all__ = ["Latency", "Outage", "Requests", "Result"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Counts of requests. planned >= sent = ok + failed + unknown; probes are not counted."""

    planned: int
    sent: int
    ok: int
    failed: int
    unknown: int
    """Unanswered writes that the store could not resolve, and samples that are missing."""
    missing: int = 0
    """Planned requests without a sample: whether they were sent nobody knows."""
    by_outcome: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds from the due time to the last byte, of samples that succeeded.

    A percentile with fewer than 10 samples beyond it is null.
    """

    count: int
    p50: float | None
    p90: float | None
    p99: float | None
    p999: float | None
    max: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A span in which requests failed or stalled. Seconds since the schedule began."""

    start_s: float
    end_s: float
    kind: str
    """The most common outcome of its failed samples, or `stall`."""
    streams: tuple[str, ...]
    failed: int
    slow: int
    phase: str
    step: str
    """The swap's step that had begun last; empty before the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A judged run."""

    schema: int
    harness: str
    """Version of the harness that judged."""
    run: str
    scenario: str
    verdict: Verdict
    sentence: str
    findings: tuple[Finding, ...]
    requests: Requests
    latency_ms: Mapping[str, Mapping[str, Latency]]
    """By stream, then by phase (`warmup`, `steady`, `swap`, `after`, and `swap_window`: the
    swaps with what settles after them); stream `all` is every stream that is not slow on
    purpose."""
    outages: tuple[Outage, ...]
    marks: tuple[Mark, ...]
    environment: Mapping[str, str | int | float | bool]
    drop_bound: float | None
    """Upper 95 % bound on the probability that a swap drops a request; null unless every
    swap of the run was clean."""
