"""Past this machine: the plan's algorithms simulated at more servers and balancers than fit here.

Servers are alike, service times exponential, arrivals Poisson's, and each request comes to one of
the balancers at random. A balancer knows its own requests alone, as HAProxy does: its processes
tell each other sessions, not loads. All figures are in multiples of the mean service time.

Balancers that begin together begin with the same server, as HAProxy does that was started
everywhere at once: its servers stand in their order of declaration (fwlc_init_server_tree in
lb_fwlc.c, fwrr_init_server_groups in lb_fwrr.c). Those that begin apart have each an order of its
own, which is what is left of it once their turns have drifted asunder.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from harness.bench.choosers.chooser import Chooser, View
from harness.bench.model import Algorithm, Plan, Proxy
from harness.bench.predicted import chooser_of
from harness.bench.result import Estimate, Past, PastFigures
from harness.bench.simulation import Balancing, Requests, Servers, simulate
from harness.bench.statistics import interval, ratio
from harness.bench.wording import TWO, past_sentences

__all__ = ["Grid", "load_of", "past_of", "simulated"]

SLOTS: Final = 2
"""Of a server, as the bundled workloads have it."""
WEIGHT: Final = 100
_USUAL_LOAD: Final = 0.7
_FIGURES: Final = ("p50", "p99", "mean")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """What is simulated of each algorithm."""

    servers: tuple[int, ...] = (6, 30, 100, 300, 1000)
    balancers: tuple[tuple[int, bool], ...] = ((1, True), (10, True), (100, True), (100, False))
    """How many, and whether they begin together."""
    seeds: int = 3
    warmup: float = 8.0
    """Mean service times that are not judged."""
    judged: float = 8.0
    """Mean service times that are."""
    least: int = 6_000
    """Requests of a simulation at least: few servers are judged for longer."""


def load_of(plan: Plan) -> float:
    """The plan's, where it has one; else 70 %."""
    return plan.loads[0] if len(plan.loads) == 1 else _USUAL_LOAD


def simulated(plan: Plan) -> tuple[Algorithm, ...]:
    """Those that are HAProxy's, go by no key (there is none) and are not another one's double, as
    weighted ones are where all servers are alike.
    """
    found: dict[tuple[tuple[str, ...], bool], Algorithm] = {}
    for algorithm in plan.algorithms:
        is_haproxy = algorithm.proxy is Proxy.haproxy
        if is_haproxy and chooser_of(algorithm, 0) is not None and not algorithm.keyed:
            found.setdefault((algorithm.lines, algorithm.is_limited), algorithm)
    return tuple(found.values())


def past_of(plan: Plan, grid: Grid | None = None) -> Past | None:
    """The same to the bit for the same plan; None where nothing of it can be simulated so.

    The grid of 4 algorithms takes some 20 s of a core.
    """
    grid = grid or Grid()
    algorithms = simulated(plan)
    if not algorithms:
        return None
    load = load_of(plan)
    figures: list[PastFigures] = []
    for servers in grid.servers:
        for balancers, is_together in grid.balancers:
            played = {
                algorithm.name: [
                    _played(
                        algorithm,
                        grid,
                        servers=servers,
                        balancers=balancers,
                        is_together=is_together,
                        load=load,
                        seed=seed,
                    )
                    for seed in range(plan.seed, plan.seed + grid.seeds)
                ]
                for algorithm in algorithms
            }
            figures += _figures(played, servers, balancers, is_together)
    past = Past(
        load=load,
        slots=SLOTS,
        seeds=grid.seeds,
        warmup=grid.warmup,
        judged=grid.judged,
        figures=tuple(figures),
        sentences=(),
    )
    return replace(past, sentences=past_sentences(past))


def _figures(
    played: dict[str, list[dict[str, float]]], servers: int, balancers: int, is_together: bool
) -> Iterator[PastFigures]:
    """Each p99 also beside the least and random(2)'s, under the same requests."""
    p99 = {name: [one["p99"] for one in each] for name, each in played.items()}
    least = min(p99, key=lambda name: float(np.log(p99[name]).mean()))
    for name, each in played.items():
        yield PastFigures(
            algorithm=name,
            servers=servers,
            balancers=balancers,
            is_together=is_together,
            times={
                figure: Estimate.of(interval([one[figure] for one in each])) for figure in _FIGURES
            },
            to_least=Estimate.of(ratio(p99[name], p99[least])),
            to_two=Estimate.of(ratio(p99[name], p99[TWO]) if TWO in p99 else None),
        )


def _played(
    algorithm: Algorithm,
    grid: Grid,
    *,
    servers: int,
    balancers: int,
    is_together: bool,
    load: float,
    seed: int,
) -> dict[str, float]:
    """The same arrivals, service times and balancers for every algorithm."""
    rate = servers * SLOTS * load
    lasts = max(grid.warmup + grid.judged, grid.least / rate)
    count = round(lasts * rate)
    rng = np.random.default_rng([seed, servers, balancers])
    at = np.cumsum(rng.exponential(1 / rate, count))
    make = chooser_of(algorithm, seed * 10_000)
    if make is None:
        raise ValueError(f"{algorithm.name} is not simulated")
    done = simulate(
        Requests(
            at_s=at,
            service_s=rng.exponential(1.0, count),
            balancers=rng.integers(0, balancers, count),
        ),
        Servers(count=servers, slots=SLOTS, weights=(WEIGHT,) * servers),
        Balancing(
            chooser=make if is_together else _apart(make, servers, seed),
            limit=SLOTS if algorithm.is_limited else 0,
        ),
    )
    response = done.response_s[at >= grid.warmup]
    return {
        "p50": float(np.quantile(response, 0.5)),
        "p99": float(np.quantile(response, 0.99)),
        "mean": float(response.mean()),
    }


def _apart(
    make: Callable[[int, View], Chooser], servers: int, seed: int
) -> Callable[[int, View], Chooser]:
    def made(number: int, view: View) -> Chooser:
        order = list(range(servers))
        random.Random(f"{seed} {number}").shuffle(order)  # noqa: S311 (a simulation, no secret)
        return _Reordered(lambda own: make(number, own), view, order)

    return made


class _Reordered:
    """A balancer in whose configuration the same servers stand in another order."""

    def __init__(self, make: Callable[[View], Chooser], view: View, order: Sequence[int]) -> None:
        self._outer, self._order = view, order
        self._place = {server: place for place, server in enumerate(order)}
        self._own = View(
            weights=[view.weights[server] for server in order],
            is_usable=[view.is_usable[server] for server in order],
            limit=view.limit,
        )
        self._inner = make(self._own)
        self.is_keyed = self._inner.is_keyed

    def choose(self, hashed: int, /) -> int | None:
        found = self._inner.choose(hashed)
        return None if found is None else self._order[found]

    def changed(self, server: int) -> None:
        place = self._place[server]
        self._own.served[place] = self._outer.served[server]
        self._own.queued[place] = self._outer.queued[server]
        self._inner.changed(place)

    def reweighted(self) -> None:
        for place, server in enumerate(self._order):
            self._own.weights[place] = self._outer.weights[server]
            self._own.is_usable[place] = self._outer.is_usable[server]
        self._inner.reweighted()
