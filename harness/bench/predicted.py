"""A measured round played again by the simulation: the same arrivals, service times and keys."""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.bench import proxies
from harness.bench.choosers.chooser import FULL_WEIGHT, Chooser, View
from harness.bench.choosers.hashed import (
    ConsistentHash,
    MapHash,
    PowerOfChoices,
    avalanche,
    sdbm,
)
from harness.bench.choosers.leastconn import LeastConnections
from harness.bench.choosers.nginx import Ketama, LeastConn, RandomTwo, SmoothRoundRobin, ip_hash
from harness.bench.choosers.turns import First, RoundRobin, StaticRoundRobin
from harness.bench.model import Algorithm, Change, Keyed, Proxy, Round, Workload
from harness.bench.simulation import Balancing, Event, Requests, Servers, simulate
from harness.model.draw import DrawKind, key_text

__all__ = ["chooser_of", "events_of", "hashes_of", "path_s", "plays_of", "predicted_s"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_WEIGHT: Final = 100
"""Of a server that is not weighted, as the balancer's configuration has it."""
_UNDISTURBED: Final = 0.1
_PLAYS: Final = 3
_WORD: Final = 2**32
"""Between the seeds of plays, so that none is that of another round."""
_MOVED_S: Final = 0.0003
"""About as much as a request's way to the balancer varies."""


def plays_of(algorithm: Algorithm) -> int:
    """How often a round is to be played. Which of equally loaded servers is taken hangs on
    microseconds, on chance and on what was before the round, and all that follows on which was
    taken: a single play is no more than an example. Turns and hashes know nothing of loads.
    """
    name = algorithm.lines[0].removeprefix("balance ").partition("(")[0] if algorithm.lines else ""
    is_blind = name in {"roundrobin", "static-rr", ""} or algorithm.keyed is not Keyed.nothing
    return 1 if is_blind and not algorithm.is_limited else _PLAYS


def predicted_s(
    algorithm: Algorithm, workload: Workload, done: Round, samples: pd.DataFrame, *, play: int = 0
) -> Floats | None:
    """Response times from due, of all rows of `samples`, warm-up included. None for a swap and for
    an algorithm that is not simulated. ValueError where the round cannot be played.

    To each is added what the path took of the least disturbed (`path_s`): the simulation has none.
    Each `play` but the first has other draws, and requests that come up to 0.3 ms later.
    """
    make = chooser_of(algorithm, done.seed + play * _WORD)
    if make is None or workload.swap is not None:
        return None
    due_s = (samples["due_ns"].to_numpy() - done.start_ns) / 1e9
    sent_s = np.maximum((samples["sent_ns"].to_numpy() - done.start_ns) / 1e9, due_s)
    moved_s = np.random.default_rng(play).uniform(0, _MOVED_S if play else 0.0, len(samples))
    order = np.argsort(sent_s + moved_s, kind="stable")
    keys = samples["key"].to_numpy().astype(np.int64)
    cache = workload.cache
    served = simulate(
        Requests(
            at_s=(sent_s + moved_s)[order],
            service_s=samples["service_us"].to_numpy()[order] / 1e6,
            keys=keys[order],
            hashes=hashes_of(algorithm, keys[order]),
        ),
        Servers(
            count=workload.servers,
            slots=workload.slots,
            weights=_weights(algorithm, workload),
            cached_keys=cache.keys if cache else 0,
            hit_factor=cache.hit_factor if cache else 1.0,
        ),
        Balancing(
            chooser=make,
            limit=workload.slots if algorithm.is_limited else 0,
            is_sticky=workload.is_sticky,
        ),
        events_of(algorithm, workload, done),
    )
    response_s = np.empty(len(samples))
    response_s[order] = served.finished_s - (due_s + moved_s)[order]
    return response_s + path_s(samples)


def path_s(samples: pd.DataFrame) -> float:
    """What sender, network and balancer took of an answer when they were least disturbed: the
    tenth part of the answers has less beyond what the server says it queued and served.
    """
    good = samples[(samples["outcome"] == "ok") & (samples["served_us"] >= 0)]
    if good.empty:
        return 0.0
    took_s = (good["finished_ns"] - good["sent_ns"]).to_numpy() / 1e9
    at_server_s = (good["served_us"] + good["queued_us"].clip(lower=0)).to_numpy() / 1e6
    return max(0.0, float(np.quantile(took_s - at_server_s, _UNDISTURBED)))


def chooser_of(algorithm: Algorithm, seed: int) -> Callable[[int, View], Chooser] | None:
    """From the lines that its proxy is given; None for what is not simulated."""
    if algorithm.proxy is Proxy.nginx:
        return _nginx_chooser(" ".join(algorithm.lines).rstrip(";"), seed)
    if not algorithm.lines:
        return None
    name, _, rest = algorithm.lines[0].removeprefix("balance ").partition(" ")
    if name.startswith("random"):
        draws = int(name[len("random") :].strip("()") or 2)
        return lambda number, view: PowerOfChoices(view, draws=draws, seed=seed + number)
    if name in {"source", "uri", "url_param", "hash"} or (name + rest).startswith("hdr("):
        kind = ConsistentHash if _is_consistent(algorithm) else MapHash
        return lambda _, view: kind(view)
    plain: dict[str, Callable[[View], Chooser]] = {
        "roundrobin": RoundRobin,
        "static-rr": StaticRoundRobin,
        "leastconn": LeastConnections,
        "first": First,
    }
    found = plain.get(name)
    return None if found is None else lambda _, view: found(view)


def _nginx_chooser(directive: str, seed: int) -> Callable[[int, View], Chooser] | None:
    match directive:
        case "":
            return lambda _, view: SmoothRoundRobin(view)
        case "least_conn":
            return lambda _, view: LeastConn(view)
        case "random two least_conn":
            return lambda number, view: RandomTwo(view, seed=seed + number)
        case "ip_hash":
            return lambda _, view: MapHash(view)
        case "hash $http_x_key consistent":
            return lambda _, view: Ketama(view, names=_names(len(view.weights)))
        case _:
            return None


def _names(servers: int) -> list[str]:
    return [f"{proxies.server(each)}:{proxies.REPLICA_PORT}" for each in range(1, servers + 1)]


def hashes_of(algorithm: Algorithm, keys: Ints) -> Ints:
    """Of the keys as they are sent: `k5`, the path `/k5`, or the client's address. HAProxy's
    consistent hashing stirs the bits once more.
    """
    distinct, places = np.unique(keys, return_inverse=True)
    hashed = np.array([_hash(algorithm, key) for key in distinct.tolist()], dtype=np.int64)
    hashes = hashed[places] if len(keys) else keys
    return avalanche(hashes) if _is_consistent(algorithm) else hashes


def _hash(algorithm: Algorithm, key: int) -> int:
    directive = algorithm.lines[0].removeprefix("balance ") if algorithm.lines else ""
    text, client = key_text(DrawKind.key, key), key_text(DrawKind.client, key)
    if algorithm.proxy is Proxy.nginx:
        return ip_hash(client) if directive.startswith("ip_hash") else crc32(text.encode())
    if directive.startswith("source"):
        return int(IPv4Address(client))  # an address is its own hash
    return sdbm(f"/{text}" if directive.startswith("uri") else text)


def events_of(algorithm: Algorithm, workload: Workload, done: Round) -> tuple[Event, ...]:
    """The workload's changes, in seconds from the round's start; the warm-up is as the first moment
    of what is measured.
    """
    warmup_s = (done.measured_ns - done.start_ns) / 1e9
    seconds = (done.stop_ns - done.measured_ns) / 1e9
    weights = _weights(algorithm, workload)
    events: list[Event] = []
    for server in sorted({change.server for change in workload.changes}):
        own = [change for change in workload.changes if change.server == server]
        moments = {0.0, *(change.begins for change in own), *(change.ends for change in own)}
        for share in sorted(moments):
            now = [change for change in own if change.begins <= share < change.ends]
            events.append(
                _event(
                    warmup_s + share * seconds if share > 0 else 0.0,
                    server - 1,
                    now,
                    weights[server - 1],
                )
            )
    return tuple(events)


def _event(at_s: float, server: int, now: Sequence[Change], weight: int) -> Event:
    factor, at_least_s = 1.0, 0.0
    for change in now:
        factor *= change.factor
        at_least_s = max(at_least_s * change.factor, change.at_least_ms / 1e3)
        weight = weight if change.weight is None else change.weight
    return Event(
        at_s=at_s,
        server=server,
        factor=factor,
        at_least_s=at_least_s,
        is_usable=not any(change.is_away for change in now),
        weight=weight * FULL_WEIGHT,
    )


def _weights(algorithm: Algorithm, workload: Workload) -> tuple[int, ...]:
    return workload.weights() if algorithm.is_weighted else (_WEIGHT,) * workload.servers


def _is_consistent(algorithm: Algorithm) -> bool:
    return any(line.startswith("hash-type consistent") for line in algorithm.lines)
