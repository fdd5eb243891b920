"""`result.json`: what a run is judged to be. Its JSON Schema is generated from these types."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.model.calibration import Calibration
from harness.model.control import ControlFigures
from harness.model.finding import Finding, Verdict
from harness.model.mark import Mark

__all__ = [
    "Attribution",
    "Latency",
    "NearMisses",
    "Outage",
    "ReplicaOutage",
    "Requests",
    "Result",
    "SeenAs",
]


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
class Attribution:
    """Failed or slow requests of one cause, one instance and one step."""

    cause: str
    """A name of analysis/causes.toml, or `unattributed`."""
    component: str
    """`edge`, `balancer`, `website`, `store` or `sender`; empty where it is not known."""
    instance: str
    swap: int
    step: str
    failed: int
    slow: int
    first_s: float
    """When the first of them showed; seconds since the schedule began."""
    last_s: float
    sentence: str
    remedy: str
    examples: tuple[int, ...]
    """The first 20 seqs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMisses:
    """Requests that succeeded only because a proxy tried again."""

    count: int = 0
    by_balancer: int = 0
    by_edge: int = 0
    by_client: int = 0
    """Asked again by the client, as the server had not processed them (Stream.asks_again)."""
    cost_ms: float | None = None
    """The median of what they took beyond the steady state's median; None without any of a stream
    that is not slow on purpose."""
    most_ms: float | None = None
    examples: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAs:
    """What a client sees of one kind of outage of one replica, with all that is tried again."""

    kind: str
    """`refused` (it refuses connections), `unanswered` (nobody answers them), `broken` (under a
    request) or `held` (its answers come late)."""
    seen_as: str
    """`nothing`, `latency` or `failure`."""
    latency_ms: float | None = None
    """At most, what trying again takes; null: as long as the outage lasts, or none."""
    fails_from_ms: float | None = None
    """An outage of that length may fail requests too; null: however long, it fails none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaOutage:
    """What of an outage of one replica, the others serving, would have come to a client."""

    replicas: int
    certain_ms: float | None
    """The shortest one that was sure to meet a request in a swap; null: no length is certain."""
    seen: tuple[SeenAs, ...]


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
    certain_outage_ms: Mapping[str, float | None] = field(default_factory=dict)
    """The shortest outage that no moment of the swaps could have hidden: by `all`, connection
    policy and stream. Null: no length is certain."""
    replica_outage: ReplicaOutage | None = None
    """Null for a target that does not say how its balancer tries again."""
    outages: tuple[Outage, ...]
    attributions: tuple[Attribution, ...] = ()
    """What failed and slow requests are put down to, those of most first, at most 100."""
    near_misses: NearMisses = NearMisses()
    marks: tuple[Mark, ...]
    environment: Mapping[str, str | int | float | bool]
    drop_bound: float | None
    """Upper 95 % bound on the probability that a swap drops a request; null unless every
    swap of the run was clean."""
    calibration: Calibration | None = None
    """What was put in before the run, and what of it was found; null without one."""
    control: ControlFigures | None = None
    """What became of the requests to the stub that the swap does not touch; null without one."""
    limits: Mapping[str, int | float | bool] = field(default_factory=dict)
    """The limits that are not the defaults, by their settings (`[tool.harness.limits]`)."""
