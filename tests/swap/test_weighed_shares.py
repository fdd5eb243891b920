"""What a new instance gets at a canary's first share, as simulated: not every algorithm does."""

from collections.abc import Callable

import numpy as np
import pytest

from harness.bench.choosers.chooser import FULL_WEIGHT, Chooser, View
from harness.bench.choosers.hashed import PowerOfChoices
from harness.bench.choosers.leastconn import LeastConnections
from harness.bench.choosers.turns import RoundRobin
from harness.bench.simulation import Balancing, Event, Requests, Servers, simulate

COUNT, RATE_HZ = 6_000, 300
OLD, NEW = 95, 5


def share(chooser: Callable[[int, View], Chooser], mean_s: float) -> float:
    """Of the requests, that of the new instance."""
    services = np.random.default_rng(1).exponential(mean_s, COUNT)
    weights = (OLD, NEW)
    weighed = [
        Event(at_s=0.0, server=server, weight=FULL_WEIGHT * weight)
        for server, weight in enumerate(weights)
    ]
    served = simulate(
        Requests(at_s=np.arange(COUNT) / RATE_HZ, service_s=services),
        Servers(count=2, slots=COUNT, weights=weights),
        Balancing(chooser=chooser),
        weighed,
    )
    return float((served.server == 1).mean())


@pytest.mark.parametrize("mean_s", [0.003, 0.02])
def test_roundrobin_shares_by_weights(mean_s: float):
    assert share(lambda _, view: RoundRobin(view), mean_s) == pytest.approx(0.05, abs=0.001)


@pytest.mark.parametrize("mean_s", [0.003, 0.02])
def test_random_gives_a_new_instance_little_more_than_its_share(mean_s: float):
    found = share(lambda _, view: PowerOfChoices(view, draws=2, seed=1), mean_s)
    assert 0.04 < found < 1 - 0.95**2


@pytest.mark.parametrize("mean_s", [0.003, 0.02])
def test_leastconn_gives_an_idle_new_instance_a_multiple_of_its_share(mean_s: float):
    assert share(lambda _, view: LeastConnections(view), mean_s) > 0.1
