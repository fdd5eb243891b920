"""Ways of choosing told apart by a round's own requests, which the simulation chose."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.bench.algorithms import ALGORITHMS
from harness.bench.behaviour import contradiction, log_likelihoods
from harness.bench.model import Change
from harness.bench.predicted import chooser_of
from harness.bench.simulation import Balancing, Requests, Servers, simulate
from harness.bench.workloads import known

BY_NAME = {each.name: each for each in ALGORITHMS}
EXPONENTIAL = known()["exponential"]
HAPROXY = ("random-1", "random-2", "random-3")
NGINX = ("nginx-roundrobin", "nginx-least_conn", "nginx-random-two")


def chosen_by(name, *, count=3_000, seed=1, rate_hz=400.0, weights=(1,) * 6, path_ns=150_000):
    """As a sender sees it: the proxy decides a moment after it was asked."""
    rng = np.random.default_rng(seed)
    at = np.cumsum(rng.exponential(1 / rate_hz, count))
    served = simulate(
        Requests(at_s=at, service_s=rng.exponential(0.02, count)),
        Servers(count=6, slots=2, weights=weights),
        Balancing(chooser=chooser_of(BY_NAME[name], seed)),
    )
    return pd.DataFrame(
        {
            "sent_ns": (at * 1e9).astype(np.int64) - path_ns,
            "finished_ns": (served.finished_s * 1e9).astype(np.int64) + path_ns,
            "served_us": ((served.finished_s - served.begun_s) * 1e6).astype(np.int64),
            "queued_us": ((served.begun_s - at) * 1e6).astype(np.int64),
            "server": [f"replica-{server + 1}" for server in served.server],
        }
    )


@pytest.mark.parametrize("ran", HAPROXY + NGINX)
def test_another_way_than_the_one_named_is_told_and_the_one_named_never(ran):
    samples = chosen_by(ran)
    for name in HAPROXY if ran in HAPROXY else NGINX:
        told = contradiction(BY_NAME[name], EXPONENTIAL, samples)
        assert bool(told) == (name != ran), f"{ran} named {name}: {told!r}"


def test_what_is_said_names_both_ways_and_the_evidence():
    told = contradiction(BY_NAME["random-2"], EXPONENTIAL, chosen_by("random-1"))
    assert told.startswith("it was chosen by random(1), not by random(2): that explains ")
    assert told.endswith(" times as well")


def test_few_requests_say_nothing():
    samples = chosen_by("random-1", count=150)
    assert contradiction(BY_NAME["random-3"], EXPONENTIAL, samples) == ""
    assert contradiction(BY_NAME["random-3"], EXPONENTIAL, samples[:0]) == ""


@pytest.mark.parametrize("seed", range(8))
def test_a_disturbed_round_is_not_put_down_to_another_way(seed):
    """Every request is held up by some milliseconds before the proxy sees it: loads are not what
    they seem, which makes three draws look like fewer.
    """
    samples = chosen_by("random-3", seed=seed)
    late = np.random.default_rng(seed).exponential(3e6, len(samples)).astype(np.int64)
    samples["sent_ns"] -= late
    assert contradiction(BY_NAME["random-3"], EXPONENTIAL, samples) == ""


def test_weights_are_reckoned_with():
    slow = known()["slow-server"]
    samples = chosen_by("random-2-weighted", weights=slow.weights())
    assert contradiction(BY_NAME["random-2-weighted"], slow, samples) == ""
    weights = (4, 4, 4, 1, 1, 1)
    found, choices = log_likelihoods(chosen_by("random-3", weights=weights), weights)
    assert max(found["random(1)"], found["random(2)"]) < found["random(3)"] - 20
    assert choices > 500


def test_where_the_proxy_is_meddled_with_nothing_is_said():
    samples = chosen_by("random-1")
    for workload in (
        known()["sticky"],
        replace(EXPONENTIAL, changes=(Change(server=1, is_away=True),)),
        replace(EXPONENTIAL, changes=(Change(server=1, weight=5),)),
    ):
        assert contradiction(BY_NAME["random-3"], workload, samples) == ""
    assert contradiction(BY_NAME["leastconn"], EXPONENTIAL, samples) == "", "its state tells"


def test_who_was_never_answered_by_a_server_is_passed_over():
    samples = chosen_by("random-2")
    samples.loc[::10, "server"] = ""
    assert contradiction(BY_NAME["random-2"], EXPONENTIAL, samples) == ""
