"""What queueing theory says of one queue before c slots: references, and what no balancer can beat.

All times are in seconds, rates in requests a second. Arrivals are Poisson (`M/`); of the others
nothing is said here. One queue before all slots is what a balancer approaches that knows everything
of its servers but how long a request will take.

M/M/c is exact (Erlang 1917), mean and distribution, and so is the mean of M/D/c (Crommelin 1932;
Tijms, A First Course in Stochastic Models, 2003). For other service times only approximations are
known. `MGc` is Kimura's of two moments (A two-moment approximation for the mean waiting time in
the GI/G/s queue, Management Science 32, 1986): for Poisson arrivals the weighted harmonic mean of
what M/M/c and M/D/c wait, exact for both, and where c is 1. How far it is off depends on moments
that it does not see: Gupta, Harchol-Balter, Dai and Zwart (On the inapproximability of M/G/K: why
two moments of job size distribution are not enough, Queueing Systems 64, 2010) prove that no
formula of two moments is right for all, and that one queue may wait C² + 1 times as long as another
of the same moments, or longer, C² being the squared coefficient of variation. `MGc.most_off` is
that factor. Simulated with 12 slots the formula is 1.36 times what the bundled heavy-tailed times
(C² = 2.7) wait at 70 % load and 1.10 times at 90 %; of times that are 5 for one request in five and
0 for the others (C² = 4) it is 0.64 times at 70 % and 0.3 times at 30 %.

The trivial bound, for all
arrivals and loads, is the service time alone: nobody waits.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

__all__ = ["MDc", "MGc", "MMc", "erlang_c"]

_PRECISE: Final = 1e-12
_LIGHT: Final = 0.05
_NEWTON: Final = 30


def erlang_c(slots: int, offered: float) -> float:
    """The probability that a request must wait. `offered` is rate x mean service time, below
    `slots`. Example: erlang_c(5, 4) is 0.5541.
    """
    blocked = 1.0
    for slot in range(1, slots + 1):
        blocked = offered * blocked / (slot + offered * blocked)
    return blocked / (1 - offered / slots * (1 - blocked))


@dataclass(frozen=True, slots=True, kw_only=True)
class _System:
    slots: int
    rate_hz: float
    service_s: float
    """Mean service time."""

    def __post_init__(self) -> None:
        """ValueError where there is no steady state."""
        if self.slots < 1 or self.rate_hz <= 0 or self.service_s <= 0:
            raise ValueError("a queue needs slots, a rate and a service time above 0")
        if self.load >= 1:
            raise ValueError(
                f"a load of {self.load:.3g} has no steady state: the queue grows without end. "
                "It must be below 1"
            )

    @property
    def load(self) -> float:
        """Share of the slots' time."""
        return self.offered / self.slots

    @property
    def offered(self) -> float:
        """Mean number of slots that are busy."""
        return self.rate_hz * self.service_s


@dataclass(frozen=True, slots=True, kw_only=True)
class MMc(_System):
    """Exponential service times; exact."""

    @property
    def mean_wait_s(self) -> float:
        return erlang_c(self.slots, self.offered) * self.service_s / (self.slots - self.offered)

    @property
    def mean_response_s(self) -> float:
        return self.mean_wait_s + self.service_s

    def longer_than(self, response_s: float) -> float:
        """The share of requests that take longer: those that need not wait, and those that do,
        whose wait is exponential too.
        """
        served = 1 / self.service_s
        passing = (self.slots - self.offered) / self.service_s
        waiting = erlang_c(self.slots, self.offered)
        at_once = math.exp(-served * response_s)
        if math.isclose(served, passing, rel_tol=1e-9):
            waited = (1 + served * response_s) * at_once
        else:
            waited = (served * math.exp(-passing * response_s) - passing * at_once) / (
                served - passing
            )
        return (1 - waiting) * at_once + waiting * waited

    def response_quantile_s(self, share: float) -> float:
        """The response time that `share` of the requests (0 up to 1) do not exceed."""
        low, high = 0.0, self.service_s
        while self.longer_than(high) > 1 - share:
            low, high = high, high * 2
        while high - low > _PRECISE * high:
            middle = (low + high) / 2
            if self.longer_than(middle) > 1 - share:
                low = middle
            else:
                high = middle
        return high


@dataclass(frozen=True, slots=True, kw_only=True)
class MDc(_System):
    """Fixed service times; the mean is exact."""

    @property
    def mean_wait_s(self) -> float:
        """By a series that is short in light load, by roots that are precise in heavy load."""
        decay = self.slots * (self.load - 1 - math.log(self.load))
        return (self._by_series() if decay > _LIGHT else self._by_roots()) * self.service_s

    @property
    def mean_response_s(self) -> float:
        return self.mean_wait_s + self.service_s

    def _by_series(self) -> float:
        """Crommelin's, in service times: the sum over i of Σ e^-m m^j/j!, once from j = ic and once
        from ic + 1, with m = ic x load.
        """
        total, i = 0.0, 0
        while True:
            i += 1
            mean, slots = i * self.offered, i * self.slots
            exactly = math.exp(slots * math.log(mean) - mean - math.lgamma(slots + 1))
            tail = exactly * _tail_ratio(slots, mean)
            term = tail - (tail - exactly) / self.load
            total += term
            if term <= _PRECISE * total:
                return total

    def _by_roots(self) -> float:
        """In service times. Of the number of requests, seen once a service time, the generating
        function has its poles where z^c = e^(-offered (1 - z)); its slope at 1 is the mean.
        """
        turns = np.exp(2j * np.pi * np.arange(1, self.slots) / self.slots)
        roots = turns.copy()
        for _ in range(_NEWTON):
            image = turns * np.exp(-self.load * (1 - roots))
            roots = roots - (roots - image) / (1 - self.load * image)
        spare, c = self.slots - self.offered, self.slots
        queued = (1 / (1 - roots)).sum().real - (c * (c - 1) - self.offered**2) / (2 * spare)
        return float(queued) / self.offered


@dataclass(frozen=True, slots=True, kw_only=True)
class MGc(_System):
    """Any service times, by their mean and variation; approximate."""

    variation: float
    """Squared coefficient of variation: variance / mean². 0 is M/D/c, 1 is M/M/c."""

    @property
    def mean_wait_s(self) -> float:
        slots, rate_hz, service_s = self.slots, self.rate_hz, self.service_s
        exponential = MMc(slots=slots, rate_hz=rate_hz, service_s=service_s).mean_wait_s
        fixed = MDc(slots=slots, rate_hz=rate_hz, service_s=service_s).mean_wait_s
        return (1 + self.variation) / (
            2 * self.variation / exponential + (1 - self.variation) / fixed
        )

    @property
    def mean_response_s(self) -> float:
        return self.mean_wait_s + self.service_s

    @property
    def most_off(self) -> float:
        """By what factor two queues of these two moments may well differ; 1 where they cannot."""
        if self.slots == 1 or self.variation in {0.0, 1.0}:
            return 1.0
        return 1 + self.variation


def _tail_ratio(least: int, mean: float) -> float:
    """P(N >= least) / P(N = least) of a Poisson number N, for `mean` below `least`."""
    ratio = term = 1.0
    while term > _PRECISE * ratio:
        least += 1
        term *= mean / least
        ratio += term
    return ratio
