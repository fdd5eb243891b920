"""A judged benchmark: what `bench.json` holds, and all that its reports print."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from harness.bench.statistics import Interval

__all__ = [
    "FIGURES",
    "AlgorithmResult",
    "BenchResult",
    "Case",
    "Estimate",
    "Limit",
    "Past",
    "PastFigures",
    "SwapResult",
    "Versus",
]

FIGURES: Final = ("mean", "p50", "p90", "p99", "p999", "max")
"""Of latency, in milliseconds from due. A figure that failed requests reach in a round that counts
is no number: who failed was not answered faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A geometric mean over rounds with its 95 % interval; all null below 3 rounds that have the
    figure.
    """

    middle: float | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, found: Interval | None) -> "Estimate":
        if found is None:
            return cls()
        return cls(middle=found.middle, low=found.low, high=found.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Versus:
    """An algorithm's figure beside another's, paired by round: the ratio `of` / `to`."""

    of: str
    to: str
    ratio: Estimate
    p: float
    """By Holm's correction for all pairs of the case."""
    is_shown: bool
    """Whether they differ, as far as these rounds can tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapResult:
    """What a swap of all servers in the middle of its rounds cost an algorithm."""

    took_s: Estimate
    """From its first step to the last old server's end."""
    requests: int
    """Due while it went on."""
    failed: int
    """Of them."""
    p99_before_ms: Estimate
    """Of the requests that were due before it, warm-up not included."""
    p99_ms: Estimate
    """Of those that were due while it went on."""
    ratio: Estimate
    """The latter to the former, paired by round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgorithmResult:
    """An algorithm in one case. Sums are over the rounds that count."""

    algorithm: str
    rounds: int
    requests: int
    failed: int
    latency_ms: Mapping[str, Estimate]
    """By FIGURES."""
    unbounded: tuple[str, ...] = ()
    """Those of them that are null because failed requests reach them."""
    to_central: Mapping[str, Estimate]
    """The same as ratios to the central queue's; empty where there was none."""
    to_bound: Mapping[str, float | None]
    """The same divided by what `Limit` says of that figure: of one queue before all slots where a
    formula holds, else of the service time alone."""
    predicted_ms: Mapping[str, float | None]
    """p50 and p99 by the simulation of the same rounds; empty where it is not simulated."""
    deviation: Mapping[str, Estimate]
    """Simulated / measured p50 and p99, paired by round; empty where it is not simulated."""
    deviates_by: str
    """Why the simulation is more than 15 % off, as far as it is known; empty where it is not."""
    within: float | None
    """Share of all requests answered right within the workload's limit."""
    within_rounds: Estimate
    """The same as a mean over rounds with its 95 % interval."""
    throughput_hz: float | None
    """Right answers a second."""
    server_requests: Mapping[str, int]
    server_busy_s: Mapping[str, float]
    fairness: float | None
    """Jain's index of the servers' requests."""
    longest_queue: int
    """Most that waited anywhere in front of one slot, in a server or in the balancer."""
    cpu_us: float | None
    """Of the balancer, for each request."""
    hit_ratio: float | None
    curve: tuple[tuple[float, float], ...]
    """(share, milliseconds): percentiles of all rounds together, as far as they are resolved."""
    swap: SwapResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What theory says: the bound that nobody beats, and one queue before all slots."""

    bound_ms: Mapping[str, float]
    """The service time alone: mean, p50 and p99."""
    queue: str
    """`M/M/12` …; empty where no formula holds (servers that differ or change, bursts, caches)."""
    queue_ms: Mapping[str, float]
    """Response of that queue: the mean, for exponential service p50 and p99 too."""
    most_off: float
    """The factor by which the queue's mean wait may be off; 1 is exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A workload at one load."""

    workload: str
    title: str
    load: float | None
    """Share of the capacity; null where the workload has a rate of its own."""
    rate_hz: float
    within_ms: float
    sentence: str
    algorithms: tuple[AlgorithmResult, ...]
    """In the order of the plan."""
    best: Mapping[str, tuple[str, ...]]
    """By p50, p99 and mean: the least, and those compared with it of which no difference to it is
    shown."""
    versus: Mapping[str, tuple[Versus, ...]]
    """By the same figures, all pairs."""
    limit: Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFigures:
    """An algorithm simulated past this machine."""

    algorithm: str
    servers: int
    balancers: int
    is_together: bool
    """Whether all balancers begin with the same server, as those that start at once do."""
    times: Mapping[str, Estimate]
    """p50, p99 and mean of the response, in multiples of the mean service time, over seeds."""
    to_least: Estimate
    """p99 / the least p99 of the algorithms there, paired by seed."""
    to_two: Estimate
    """p99 / that of random(2), paired by seed; null without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The plan's algorithms simulated at more servers and balancers than fit on a machine."""

    load: float
    slots: int
    """Of a server."""
    seeds: int
    warmup: float
    judged: float
    """Mean service times that are cut off and looked at, where few servers need no more of them."""
    figures: tuple[PastFigures, ...]
    """By servers, balancers, and algorithm in the order of the plan."""
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchResult:
    """A judged benchmark."""

    schema: int = 1
    harness: str
    run: str
    cases: tuple[Case, ...]
    left_out: tuple[str, ...]
    """Rounds that are no evidence, each with why; they count nowhere."""
    planned: int
    done: int
    environment: Mapping[str, str | int | float | bool]
    past: Past | None = None
    """What the simulation says past this machine; null where no round counts, or nothing of the
    plan can be simulated so."""
