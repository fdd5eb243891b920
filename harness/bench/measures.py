"""The figures of one round, and of an algorithm's rounds together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis.latency import BEYOND, percentile
from harness.bench.model import Algorithm, Round, Workload
from harness.bench.predicted import plays_of, predicted_s
from harness.bench.statistics import fairness, interval
from harness.bench.swapping import slot

__all__ = ["InSwap", "Measures", "Totals", "measures_of", "totals"]

Floats = npt.NDArray[np.float64]

_PERMILLE: Final = {"p50": 500, "p90": 900, "p99": 990, "p999": 999}
_CURVE: Final = (
    *np.linspace(0, 0.95, 39).tolist(), 0.96, 0.97, 0.98, 0.985, 0.99, 0.993, 0.996, 0.998, 0.999,
    0.9995, 0.9999,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class InSwap:
    """One round's swap: of the requests that were due before it and while it went on."""

    took_s: float
    requests: int
    """Due while it went on."""
    failed: int
    p99_before_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """One round's, without its warm-up where nothing else is said."""

    done: Round
    latency_ms: Mapping[str, float | None]
    """By name; None where not resolved, infinite where failed requests reach it."""
    waited_ms: Floats
    """Of every request; those that failed infinitely long."""
    predicted_ms: Mapping[str, float | None]
    """The geometric mean over the simulation's plays of the round."""
    within: float
    """Share answered right within the workload's limit; 0 of none."""
    service_ms: Floats
    """As drawn."""
    servers: Mapping[str, int]
    hits: tuple[int, int]
    """(hits, answers of a server with a cache)."""
    swap: InSwap | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """All rounds of an algorithm in a case; fields as in result.AlgorithmResult."""

    requests: int
    failed: int
    predicted_ms: Mapping[str, float | None]
    within: float | None
    throughput_hz: float | None
    server_requests: Mapping[str, int]
    server_busy_s: Mapping[str, float]
    fairness: float | None
    longest_queue: int
    cpu_us: float | None
    hit_ratio: float | None
    curve: tuple[tuple[float, float], ...]


def measures_of(
    algorithm: Algorithm, workload: Workload, done: Round, samples: pd.DataFrame
) -> Measures:
    """Of one round, and what the simulation makes of it."""
    judged = (samples["due_ns"] >= done.measured_ns).to_numpy()
    rows = samples[judged]
    waited = ((rows["finished_ns"] - rows["due_ns"]) / 1e6).to_numpy(dtype=float, copy=True)
    waited[(rows["outcome"] != "ok").to_numpy()] = np.inf
    played = [
        seen[judged] * 1e3
        for play in range(plays_of(algorithm))
        if (seen := predicted_s(algorithm, workload, done, samples, play=play)) is not None
    ]
    cached = rows.loc[rows["hit"] >= 0, "hit"]
    return Measures(
        done=done,
        latency_ms={
            "mean": float(waited.mean()) if len(waited) else None,
            **{name: percentile(waited, permille) for name, permille in _PERMILLE.items()},
            "max": float(waited.max()) if len(waited) else None,
        },
        waited_ms=waited,
        predicted_ms={
            name: _mean([percentile(one, _PERMILLE[name]) for one in played])
            for name in ("p50", "p99")
            if played
        },
        within=float((waited <= workload.within_ms).mean()) if len(waited) else 0.0,
        service_ms=rows["service_us"].to_numpy() / 1e3,
        servers=Counter(map(str, rows.loc[rows["server"] != "", "server"])),
        hits=(int((cached == 1).sum()), len(cached)),
        swap=_in_swap(done, rows["due_ns"].to_numpy(), waited),
    )


def totals(rounds: Sequence[Measures], workload: Workload) -> Totals:
    """Of at least one round."""
    waited = np.concatenate([one.waited_ms for one in rounds])
    answered = int(np.isfinite(waited).sum())
    seconds = sum((one.done.stop_ns - one.done.measured_ns) / 1e9 for one in rounds)
    names = [f"replica-{number}" for number in range(1, workload.servers + 1)]
    by_server = Counter[str]()
    busy_s = dict.fromkeys(names, 0.0)
    for one in rounds:
        for name, count in one.servers.items():
            by_server[_place(name, workload)] += count
        for server in one.done.servers:
            place = _place(server.name, workload)
            busy_s[place] = busy_s.get(place, 0.0) + server.busy_s
    requests = {name: by_server[name] for name in (*names, *sorted(set(by_server) - set(names)))}
    hits, cached = (sum(one.hits[index] for one in rounds) for index in (0, 1))
    all_rounds_s = sum((one.done.stop_ns - one.done.start_ns) / 1e9 for one in rounds)
    cpu_s = sum(one.done.proxy_cpu_s for one in rounds)
    sent = len(waited) * all_rounds_s / seconds if seconds else 0.0
    return Totals(
        requests=len(waited),
        failed=len(waited) - answered,
        predicted_ms=_predicted(rounds),
        within=float((waited <= workload.within_ms).mean()) if len(waited) else None,
        throughput_hz=answered / seconds if seconds else None,
        server_requests=requests,
        server_busy_s=busy_s,
        fairness=fairness(list(requests.values())),
        longest_queue=max(_longest(one.done) for one in rounds),
        cpu_us=cpu_s / sent * 1e6 if sent else None,
        hit_ratio=hits / cached if cached else None,
        curve=_curve(waited),
    )


def _place(server: str, workload: Workload) -> str:
    """The old and the new one of a swap are one server in two generations."""
    return slot(server, workload.servers) if workload.swap else server


def _in_swap(done: Round, due_ns: npt.NDArray[np.int64], waited: Floats) -> InSwap | None:
    if done.swap is None:
        return None
    within = waited[(due_ns >= done.swap.begun_ns) & (due_ns < done.swap.over_ns)]
    return InSwap(
        took_s=(done.swap.over_ns - done.swap.begun_ns) / 1e9,
        requests=len(within),
        failed=int(np.isinf(within).sum()),
        p99_before_ms=percentile(waited[due_ns < done.swap.begun_ns], _PERMILLE["p99"]),
        p99_ms=percentile(within, _PERMILLE["p99"]),
    )


def _mean(plays: Sequence[float | None]) -> float | None:
    """Geometric; all of them have the figure or none has."""
    known = [play for play in plays if play is not None]
    return float(np.exp(np.log(known).mean())) if known else None


def _longest(done: Round) -> int:
    """Anywhere: in the balancer, for all servers or one, or in a server."""
    return max(
        done.longest_queue,
        *(max(server.longest_queue, server.balancer_queue) for server in done.servers),
        0,
    )


def _predicted(rounds: Sequence[Measures]) -> Mapping[str, float | None]:
    """The geometric mean over rounds, as the measured one is."""
    names = rounds[0].predicted_ms
    found = {name: interval([one.predicted_ms[name] for one in rounds]) for name in names}
    return {name: one.middle if one else None for name, one in found.items()}


def _curve(waited: Floats) -> tuple[tuple[float, float], ...]:
    ordered = np.sort(waited)
    points = []
    for share in _CURVE:
        rank = max(int(np.ceil(share * len(ordered))), 1)
        if len(ordered) - rank >= BEYOND and np.isfinite(ordered[rank - 1]):
            points.append((round(share, 4), round(float(ordered[rank - 1]), 3)))
    return tuple(points)
