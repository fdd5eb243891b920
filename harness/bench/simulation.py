"""Servers behind balancers, simulated event by event: what a balancer's choices alone do.

The same algorithms and workloads as are measured, without network, kernel and cores: a request
costs its service time and what it waits. Arrivals and service times are arrays, those of a measured
round or drawn ones, so that a measured round and its simulation face the very same requests. All
times are in seconds. The same input and seed give the same result to the bit.

A request goes to its balancer as it arrives. The balancer sends it to a server, or keeps it: where
servers have a limit (HAProxy's maxconn) and all that it may have are full. A server works on
`slots` requests at once, the others wait there, first come first served. A server that comes free
takes from its balancer the oldest that waits for this very server or for any (queue.c).
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush

import numpy as np
import numpy.typing as npt

from harness.bench.choosers.balancer import Balancer
from harness.bench.choosers.chooser import FULL_WEIGHT, Chooser, View

__all__ = ["Balancing", "Event", "Requests", "Served", "Servers", "simulate", "warming_up"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """What arrives. A row a request, in the order of arrival."""

    at_s: Floats
    service_s: Floats
    """Before what the server does to it."""
    keys: Ints | None = None
    """For caches and sessions."""
    hashes: Ints | None = None
    """The key's 32-bit hash, for algorithms that ask for it."""
    balancers: Ints | None = None
    """Which balancer it comes to, from 0; the first where it is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """All alike, but for their weights and what events do to them."""

    count: int
    slots: int
    weights: Sequence[int] = ()
    """1 to 256; 1 each where left out."""
    cached_keys: int = 0
    """How many keys a server's cache holds, those used last; 0 is no cache."""
    hit_factor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What becomes of a server at a moment. None leaves it as it is. What is in service then is
    finished as it was begun.
    """

    at_s: float
    server: int
    """From 0."""
    factor: float | None = None
    """Service times are multiplied by it."""
    at_least_s: float | None = None
    is_usable: bool | None = None
    """Whether balancers send it anything new; sessions of its own still come."""
    weight: int | None = None
    """In sixteenths: 16 x HAProxy's weight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balancing:
    """How every balancer chooses. Each knows its own requests alone."""

    chooser: Callable[[int, View], Chooser]
    """Makes one, for the balancer of that number."""
    limit: int = 0
    """Requests that a balancer lets be at a server at once; 0 is no limit."""
    is_sticky: bool = False
    """Whether a key stays with the server that it first had, at that balancer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What became of each request, and what the servers did."""

    server: Ints
    begun_s: Floats
    """When a slot began it."""
    finished_s: Floats
    hit: npt.NDArray[np.bool_]
    response_s: Floats
    busy_s: Floats
    """Service time by server, all slots together."""
    longest_queue: Ints
    """Most requests that waited at the server, by server."""
    longest_kept: int
    """Most requests that waited in a balancer."""


def warming_up(server: int, *, at_s: float, for_s: float, weight: int = 1) -> tuple[Event, ...]:
    """HAProxy's slow start (server_recalc_eweight): the weight goes from one to sixteen sixteenths,
    looked at each second, or each twentieth of a longer start.
    """
    step_s = max(1.0, for_s / 20)
    events = [Event(at_s=at_s, server=server, is_usable=True, weight=weight)]
    for step in range(1, int(for_s / step_s) + 1):
        elapsed_s = min(step * step_s, for_s)
        sixteenths = min(int((FULL_WEIGHT * elapsed_s + for_s) / for_s), FULL_WEIGHT)
        events.append(Event(at_s=at_s + elapsed_s, server=server, weight=weight * sixteenths))
    events.append(Event(at_s=at_s + for_s, server=server, weight=weight * FULL_WEIGHT))
    return tuple(events)


def simulate(
    requests: Requests, servers: Servers, balancing: Balancing, events: Sequence[Event] = ()
) -> Served:
    """Every request is served once. ValueError for what cannot be simulated.

    While no server is usable requests wait in the balancer, where HAProxy would answer 503.
    """
    count = len(requests.at_s)
    if not count == len(requests.service_s):
        raise ValueError(f"{count} arrivals have {len(requests.service_s)} service times")
    if (np.diff(requests.at_s) < 0).any() or (requests.service_s < 0).any():
        raise ValueError("requests come in the order of arrival, with service times of 0 or more")
    if servers.count < 1 or servers.slots < 1:
        raise ValueError("a server at least, with a slot at least")
    run = _Run(requests, servers, balancing)
    run.carry_out(sorted(events, key=lambda event: event.at_s))
    return run.served()


@dataclass(slots=True)
class _Server:
    slots: int
    busy: int = 0
    factor: float = 1.0
    at_least_s: float = 0.0
    waiting: deque[int] = field(default_factory=deque)
    longest: int = 0
    busy_s: float = 0.0
    cached: OrderedDict[int, None] = field(default_factory=OrderedDict)


class _Run:
    def __init__(self, requests: Requests, servers: Servers, balancing: Balancing) -> None:
        count = len(requests.at_s)
        self._at_s: list[float] = requests.at_s.tolist()
        self._service_s: list[float] = requests.service_s.tolist()
        self._keys = _listed(requests.keys, count)
        self._hashes = _listed(requests.hashes, count)
        self._balancer_of = _listed(requests.balancers, count)
        self._is_sticky = balancing.is_sticky
        self._cached_keys, self._hit_factor = servers.cached_keys, servers.hit_factor
        self._servers = [_Server(servers.slots) for _ in range(servers.count)]
        self._balancers = [
            Balancer(
                servers.weights or [1] * servers.count,
                balancing.limit,
                partial(balancing.chooser, number),
            )
            for number in range(max(self._balancer_of, default=0) + 1)
        ]
        self._ending: list[tuple[float, int, int]] = []
        """(when, request, server): who ends first comes first, of equals who came first."""
        self._server = [0] * count
        self._begun = [0.0] * count
        self._finished = [0.0] * count
        self._hit = [False] * count

    def carry_out(self, events: Sequence[Event]) -> None:
        """Of one moment: first what becomes of servers, then what ends, then what arrives."""
        ending, coming, upcoming = self._ending, self._at_s, deque(events)
        index, count = 0, len(coming)
        while index < count or ending or upcoming:
            arrives = coming[index] if index < count else np.inf
            ends = ending[0][0] if ending else np.inf
            if upcoming and upcoming[0].at_s <= ends and upcoming[0].at_s <= arrives:
                self._happen(upcoming.popleft())
            elif ends <= arrives:
                self._end(*heappop(ending))
            else:
                self._arrive(index, arrives)
                index += 1
        kept = sum(balancer.all_kept for balancer in self._balancers)
        if kept:
            raise ValueError(f"{kept} requests are never served: no server is usable in the end")

    def served(self) -> Served:
        finished = np.array(self._finished)
        return Served(
            server=np.array(self._server, dtype=np.int64),
            begun_s=np.array(self._begun),
            finished_s=finished,
            hit=np.array(self._hit, dtype=bool),
            response_s=finished - np.array(self._at_s),
            busy_s=np.array([server.busy_s for server in self._servers]),
            longest_queue=np.array([server.longest for server in self._servers], dtype=np.int64),
            longest_kept=max(balancer.longest for balancer in self._balancers),
        )

    def _arrive(self, index: int, now: float) -> None:
        balancer = self._balancers[self._balancer_of[index]]
        chooser, view = balancer.chooser, balancer.view
        own = balancer.sessions.get(self._keys[index]) if self._is_sticky else None
        if own is not None:
            server: int | None = own
        elif not chooser.is_keyed and balancer.full == balancer.usable:
            server = None
        else:
            server = chooser.choose(self._hashes[index])
        if server is None:
            balancer.keep(index, None)
        elif not view.has_room(server):
            balancer.keep(index, server)
        else:
            self._send(index, server, balancer, now)

    def _send(self, index: int, number: int, balancer: Balancer, now: float) -> None:
        balancer.sent(number)
        self._server[index] = number
        server = self._servers[number]
        if server.busy < server.slots:
            self._begin(index, number, server, now)
        else:
            server.waiting.append(index)
            server.longest = max(server.longest, len(server.waiting))

    def _begin(self, index: int, number: int, server: _Server, now: float) -> None:
        server.busy += 1
        takes_s = self._service_s[index]
        if self._cached_keys and self._is_cached(server, self._keys[index]):
            self._hit[index] = True
            takes_s *= self._hit_factor
        takes_s = max(takes_s * server.factor, server.at_least_s)
        server.busy_s += takes_s
        self._begun[index] = now
        heappush(self._ending, (now + takes_s, index, number))

    def _is_cached(self, server: _Server, key: int) -> bool:
        cached = server.cached
        if key in cached:
            cached.move_to_end(key)
            return True
        cached[key] = None
        if len(cached) > self._cached_keys:
            cached.popitem(last=False)
        return False

    def _end(self, now: float, index: int, number: int) -> None:
        server = self._servers[number]
        self._finished[index] = now
        server.busy -= 1
        if server.waiting:
            self._begin(server.waiting.popleft(), number, server, now)
        balancer = self._balancers[self._balancer_of[index]]
        if self._is_sticky:
            # HAProxy stores a session's server with the answer; the latest answer counts.
            balancer.sessions[self._keys[index]] = number
        balancer.left(number)
        if balancer.all_kept:
            self._fill(number, balancer, now)

    def _fill(self, number: int, balancer: Balancer, now: float) -> None:
        while (kept := balancer.next_for(number)) is not None:
            self._send(kept, number, balancer, now)

    def _happen(self, event: Event) -> None:
        server = self._servers[event.server]
        server.factor = server.factor if event.factor is None else event.factor
        server.at_least_s = server.at_least_s if event.at_least_s is None else event.at_least_s
        if event.is_usable is None and event.weight is None:
            return
        for balancer in self._balancers:
            view = balancer.view
            if event.is_usable is not None:
                view.is_usable[event.server] = event.is_usable
            if event.weight is not None:
                view.weights[event.server] = event.weight
            balancer.recount()
            if balancer.all_kept:
                self._fill(event.server, balancer, event.at_s)


def _listed(values: Ints | None, count: int) -> list[int]:
    if values is None:
        return [0] * count
    if len(values) != count:
        raise ValueError(f"{count} arrivals have {len(values)} keys, hashes or balancers")
    listed: list[int] = values.tolist()
    return listed
