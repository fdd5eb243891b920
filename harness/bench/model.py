"""The vocabulary of a benchmark: algorithms, workloads, the plan, and what a round leaves.

A bench folder, `reports/bench/<run id>/`, is the border between the part that runs and the part
that judges:

    plan.json            a `Bench`: the plan, the capacities, the environment; before any round,
                         completed once the capacities are known
    rounds/<name>/       a folder a round, by `Cell.name`
        round.json       a `Round`; written last, so a round without it was not finished
        samples.parquet  a row a request, columns `SAMPLE_COLUMNS`
        details.jsonl    why failed requests failed
        marks.jsonl      the steps of a swap in the round, where there is one (model/mark.py)
"""

import itertools
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from harness.bench.swapping import Swap, Swapped
from harness.model.draw import Draw, DrawKind
from harness.model.scenario import Clock
from harness.model.traffic import Burst

__all__ = [
    "BUSY_LIMIT",
    "LEAST_ROUNDS",
    "SAMPLE_COLUMNS",
    "Algorithm",
    "Bench",
    "Cache",
    "Capacity",
    "Cell",
    "Change",
    "Keyed",
    "Plan",
    "Proxy",
    "Round",
    "ServerRound",
    "Swap",
    "Swapped",
    "Workload",
    "impossible",
]

BUSY_LIMIT: Final = 0.85
"""Above this share of all cores' time a round says nothing of the algorithm: the cores were the
bottleneck, or came near it."""

LEAST_ROUNDS: Final = 3
"""Fewer give no interval worth printing."""

MOST_SERVERS: Final = 32
MOST_SLOTS: Final = 4096
MOST_HZ: Final = 5000.0
"""What one machine's sender, balancer and replicas carry at the very most."""

SAMPLE_COLUMNS: Final = (
    "seq",
    "due_ns",
    "sent_ns",
    "finished_ns",
    "outcome",
    "status",
    "server",
    "service_us",
    "key",
    "served_us",
    "queued_us",
    "hit",
)
"""`seq` counts from 0 in each round, warm-up included. Times are monotonic; 0 is never. `outcome`
is a name of model.outcome. `server` is `replica-1` …, empty where none answered. `service_us` and
`key` (an index) are what was drawn and sent. `served_us`, `queued_us` and `hit` (1, 0, and -1 where
there is no cache) are what the server says it did: -1 where it never began or ended. Where a swap
replaced the servers, `replica-7` may be the new one of six in the place of `replica-1`."""


class Proxy(StrEnum):
    """Who balances."""

    haproxy = "haproxy"
    nginx = "nginx"


class Keyed(StrEnum):
    """What of a request decides its server, where something does."""

    nothing = ""
    key = "key"
    client = "client"
    """The client's address: an IPv4 one of the request's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """One way to choose a server."""

    name: str
    proxy: Proxy = Proxy.haproxy
    lines: tuple[str, ...]
    """Of HAProxy's backend, or of NGINX's upstream."""
    running: str = ""
    """What HAProxy itself calls it (column `algo` of `show stat`)."""
    is_dynamic: bool = True
    """Whether weights can be changed while it runs."""
    keyed: Keyed = Keyed.nothing
    is_limited: bool = False
    """Whether HAProxy sends a server no more requests than it has slots, and keeps the others."""
    is_weighted: bool = False
    """Whether servers are weighted by their speed (`Workload.weights`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of a server for a while. `begins` and `ends` are shares of a round, 0 to 1,
    its warm-up not included; before its begin the warm-up is as the round's first moment.
    """

    server: int
    """Counted from 1."""
    begins: float = 0.0
    ends: float = 1.0
    factor: float = 1.0
    """Service times are multiplied by it."""
    at_least_ms: float = 0.0
    """Service times are at least so long."""
    is_away: bool = False
    """The balancer sends it nothing new (drain)."""
    weight: int | None = None
    """The balancer's weight of it meanwhile, 1 to 256, by the Runtime API; elsewhere it is 100."""

    def __post_init__(self) -> None:
        """ValueError for what cannot be."""
        if not 0 <= self.begins < self.ends <= 1:
            raise ValueError(
                f"from {self.begins} to {self.ends} is no part of a round; begins must be 0 or "
                "more, ends above it and at most 1"
            )
        if self.factor <= 0 or self.at_least_ms < 0:
            raise ValueError("factor must be above 0, at_least_ms 0 or more")
        if self.weight is not None and not 1 <= self.weight <= 256:
            raise ValueError(f"a weight of {self.weight} cannot be; 1 to 256 can")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """Of each server: the keys used last."""

    keys: int
    """How many it holds; it is empty at the beginning of a round."""
    hit_factor: float
    """Service times of keys that it holds are multiplied by it."""

    def __post_init__(self) -> None:
        """ValueError for a cache that cannot be."""
        if self.keys < 1 or self.hit_factor <= 0:
            raise ValueError("a cache needs 1 key or more, and a hit_factor above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What the servers are, what is asked of them, and what becomes of them."""

    name: str
    title: str
    """Begins the sentence of the report: `one server 5 times slower`."""
    service: Draw
    """In microseconds, before factors."""
    servers: int = 6
    slots: int = 2
    """Requests that a server works on at once; the others wait there, first come first served."""
    keys: Draw = field(default_factory=lambda: Draw(kind=DrawKind.key))
    changes: tuple[Change, ...] = ()
    cache: Cache | None = None
    burst: Burst | None = None
    swap: Swap | None = None
    """Whether all servers are replaced in the middle of a round."""
    is_sticky: bool = False
    """Whether HAProxy keeps a key, which is then a session, with the server that it first had."""
    rate_hz: float | None = None
    """Requests a second, where they are not a share of the capacity."""
    within_ms: float = 1000.0
    """An answer counts as in time within it."""

    def __post_init__(self) -> None:
        """ValueError for servers that cannot be, or are not there to be changed."""
        if not 1 <= self.servers <= MOST_SERVERS:
            raise ValueError(f"{self.servers} servers; 1 to {MOST_SERVERS} are possible")
        if not 1 <= self.slots <= MOST_SLOTS:
            raise ValueError(f"{self.slots} slots; 1 to {MOST_SLOTS} are possible")
        if not self.service.is_number:
            raise ValueError(f"service times cannot be drawn as {self.service.kind}")
        if self.keys.is_number:
            raise ValueError(f"keys cannot be drawn as {self.keys.kind}; say key")
        if self.rate_hz is not None and not 0 < self.rate_hz <= MOST_HZ:
            raise ValueError(f"rate_hz = {self.rate_hz}; above 0 up to {MOST_HZ:g} is possible")
        for change in self.changes:
            if not 1 <= change.server <= self.servers:
                raise ValueError(f"a change of server {change.server} of {self.servers}")
        if self.swap and (self.changes or self.is_sticky):
            # In drain HAProxy still sends a server the sessions that it has.
            raise ValueError("a swap replaces servers: it goes with neither changes nor is_sticky")
        if self.swap and self.lines > MOST_SERVERS:
            raise ValueError(f"a swap of {self.servers}; of 1 to {MOST_SERVERS // 2} is possible")

    @property
    def lines(self) -> int:
        """How many servers the balancer is told of: in a swap the old and the new ones."""
        return self.servers * (2 if self.swap else 1)

    @property
    def nominal_hz(self) -> float:
        """What the slots could do if nothing else cost time: servers x slots / mean service time,
        with the factors and absences as they are on average; a cache is left out.
        """
        edges = sorted({0.0, 1.0, *(e for c in self.changes for e in (c.begins, c.ends))})
        speed = sum(
            (later - edge) * self._speed(server, (edge + later) / 2)
            for edge, later in itertools.pairwise(edges)
            for server in range(1, self.servers + 1)
        )
        return speed * self.slots * 1e6 / self.service.mean

    def _speed(self, server: int, at: float) -> float:
        """Of a server at a moment, in multiples of what it is by itself."""
        mean_us = self.service.mean
        for change in self.changes:
            if change.server == server and change.begins <= at < change.ends:
                if change.is_away:
                    return 0.0
                mean_us = max(mean_us * change.factor, change.at_least_ms * 1000)
        return self.service.mean / mean_us

    def weights(self) -> tuple[int, ...]:
        """By server, in proportion to its speed where it is slower for the whole round."""
        factors = [1.0] * self.servers
        for change in self.changes:
            if change.begins <= 0 and change.ends >= 1:
                factors[change.server - 1] *= change.factor
        return tuple(max(1, round(100 / factor)) for factor in factors)


def impossible(algorithm: Algorithm, workload: Workload) -> str:
    """Why the algorithm cannot do what the workload has its balancer do; empty where it can."""
    is_nginx = algorithm.proxy is Proxy.nginx
    if is_nginx and workload.is_sticky:
        return "free NGINX keeps no session with its server"
    if is_nginx and workload.swap:
        return "free NGINX is told of no other servers while it runs"
    if is_nginx and any(change.is_away for change in workload.changes):
        return "free NGINX takes no server away while it runs"
    if not algorithm.is_dynamic and any(change.weight for change in workload.changes):
        return "its weights cannot be changed while it runs"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One round to be carried out. `number` counts from 1 among those of the same kind."""

    algorithm: str
    workload: str
    load: float | None
    """Share of the capacity; None where the workload has a rate of its own."""
    number: int

    @property
    def name(self) -> str:
        """Of the round's folder."""
        load = "own" if self.load is None else f"{self.load * 100:g}"
        return f"{self.workload}-{load}-{self.algorithm}-{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Algorithms x workloads x loads x rounds."""

    algorithms: tuple[Algorithm, ...]
    workloads: tuple[Workload, ...]
    loads: tuple[float, ...]
    rounds: int
    seconds: float
    """Of a round, its warm-up not included, where its workload needs no longer ones."""
    warmup_s: float = 1.0
    seed: int

    def cells(self) -> tuple[Cell, ...]:
        """In the order in which they are carried out: every kind once, in random order by seed,
        then every kind again. What drifts on the machine meets all of them. Pairs that are
        impossible are left out.
        """
        rng = random.Random(self.seed)  # noqa: S311 (an order, not a secret)
        ordered: list[Cell] = []
        for number in range(1, self.rounds + 1):
            block = [
                Cell(algorithm=algorithm.name, workload=workload.name, load=load, number=number)
                for algorithm in self.algorithms
                for workload in self.workloads
                if not impossible(algorithm, workload)
                for load in (self.loads if workload.rate_hz is None else (None,))
            ]
            rng.shuffle(block)
            ordered += block
        return tuple(ordered)

    def seed_of(self, cell: Cell) -> int:
        """Of the arrivals, service times and keys of that round: the same for every algorithm."""
        return self.seed + cell.number

    def seconds_of(self, workload: Workload) -> float:
        """Of its rounds, which may have to be longer than the others."""
        return max(self.seconds, workload.swap.least_seconds if workload.swap else 0.0)

    def algorithm(self, name: str) -> Algorithm:
        return next(each for each in self.algorithms if each.name == name)

    def workload(self, name: str) -> Workload:
        return next(each for each in self.workloads if each.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What a workload's servers could do."""

    workload: str
    hz: float
    """Requests a second, measured with a central queue that never ran empty, and put right for
    service times that happened to be longer or shorter than their mean."""
    nominal_hz: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """`plan.json`."""

    schema: int = 1
    run: str
    plan: Plan
    capacities: tuple[Capacity, ...] = ()
    environment: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    path: str = ""
    """The measured path: `address` (the balancer's own) or `published` (a loopback port)."""
    clocks: tuple[Clock, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRound:
    """What a server says of a round, warm-up included."""

    name: str
    requests: int
    """That it finished."""
    busy_s: float
    """Service time that it spent, all slots together."""
    longest_queue: int
    """Most requests that waited in the server itself."""
    hits: int = 0
    balancer_queue: int = 0
    """Most requests that waited for this very server in HAProxy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """`round.json`: what was measured in one round."""

    schema: int = 1
    cell: Cell
    index: int
    """Its place in the order, from 0."""
    seed: int
    rate_hz: float
    start_ns: int
    """When the warm-up began (monotonic); request k is due as model.arrivals says."""
    measured_ns: int
    """The warm-up's end: only what is due from here on is judged."""
    stop_ns: int
    """Nothing is due from here on."""
    servers: tuple[ServerRound, ...] = ()
    longest_queue: int = 0
    """Most requests that waited in HAProxy for any server."""
    proxy_cpu_s: float = 0.0
    """CPU time that the balancer's container took from start to stop."""
    busy_share: float = 0.0
    """Of all cores' time from start to stop, stolen time not counted as busy."""
    steal_share: float = 0.0
    algorithm_running: str = ""
    """As HAProxy says; empty for NGINX, which does not."""
    swap: Swapped | None = None
    problems: tuple[str, ...] = ()
    """What makes the round no evidence: lost samples, an algorithm that is not the one meant, cores
    that were the bottleneck. None: it counts."""
