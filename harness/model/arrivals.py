"""The schedule: when each request is due, computed alike by the sender and by the judge.

No response can delay an arrival: the schedule knows nothing of responses. The judge computes
it again from the plan and holds the recorded samples against it, so a sender that dropped or
doubled an arrival cannot hide it.
"""

import random
from collections.abc import Iterator
from typing import NamedTuple

from harness.model.traffic import ArrivalKind, Traffic

__all__ = ["Arrival", "arrivals", "arrivals_until"]

_SECOND_NS = 1_000_000_000


class Arrival(NamedTuple):
    """A request that is due. `stream` is an index into the traffic's streams."""

    seq: int
    stream: int
    due_ns: int


def arrivals(
    traffic: Traffic, *, start_ns: int, seed: int = 0, first_seq: int = 0
) -> Iterator[Arrival]:
    """Endless arrivals in the order of their due time, `seq` counting up from `first_seq`.

    Evenly spaced: arrival k is due at start_ns + k / rate, and the streams take turns in
    proportion to their rates (smooth weighted round robin, so that each stream is as evenly
    spaced as the common grid allows). Poisson: gaps are exponential and streams are drawn at
    random by rate, both from `seed`. Where the traffic has bursts, each arrival is moved to when
    they have it come; their order stays.
    """
    plan = _evenly_in_time(traffic, start_ns, seed, first_seq)
    burst = traffic.burst
    if burst is None:
        yield from plan
        return
    for arrival in plan:
        at_s = burst.at((arrival.due_ns - start_ns) / _SECOND_NS)
        yield arrival._replace(due_ns=start_ns + int(at_s * _SECOND_NS))


def _evenly_in_time(
    traffic: Traffic, start_ns: int, seed: int, first_seq: int
) -> Iterator[Arrival]:
    """At a rate that does not change."""
    rates = [stream.rate_hz for stream in traffic.streams]
    total = sum(rates)
    if traffic.arrivals is ArrivalKind.poisson:
        yield from _poisson(rates, total, start_ns, random.Random(seed), first_seq)  # noqa: S311 (a schedule, not a secret)
        return
    credit = [0.0] * len(rates)
    k = 0
    while True:
        best = 0
        for index, rate in enumerate(rates):
            credit[index] += rate
            if credit[index] > credit[best]:
                best = index
        credit[best] -= total
        yield Arrival(first_seq + k, best, start_ns + int(k * _SECOND_NS / total))
        k += 1


def _poisson(
    rates: list[float], total: float, start_ns: int, rng: random.Random, first_seq: int
) -> Iterator[Arrival]:
    at_s, seq, indices = 0.0, first_seq, range(len(rates))
    while True:
        at_s += rng.expovariate(total)
        stream = rng.choices(indices, rates)[0]
        yield Arrival(seq, stream, start_ns + int(at_s * _SECOND_NS))
        seq += 1


def arrivals_until(
    stop_ns: int, traffic: Traffic, *, start_ns: int, seed: int = 0, first_seq: int = 0
) -> Iterator[Arrival]:
    """The arrivals due before `stop_ns`: the plan of a run that ended there."""
    for arrival in arrivals(traffic, start_ns=start_ns, seed=seed, first_seq=first_seq):
        if arrival.due_ns >= stop_ns:
            return
        yield arrival
