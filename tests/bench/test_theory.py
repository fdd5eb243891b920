import heapq

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bench.theory import MDc, MGc, MMc, erlang_c

LOADS = st.floats(0.05, 0.97)
SLOTS = st.integers(1, 40)


def brute_force(slots, arrivals_s, service_s):
    """Waits of one queue before `slots`, first come first served (Kiefer and Wolfowitz, 1955)."""
    free = [0.0] * slots
    waits = np.empty(len(arrivals_s))
    for index, (at, takes) in enumerate(zip(arrivals_s.tolist(), service_s.tolist(), strict=True)):
        begins = max(at, free[0])
        heapq.heapreplace(free, begins + takes)
        waits[index] = begins - at
    return waits


def poisson(rng, rate_hz, count):
    return np.cumsum(rng.exponential(1 / rate_hz, count))


def chain(slots, offered):
    """(share that waits, mean wait in service times) of M/M/c, summed over its states."""
    state = everything = 1.0
    waiting = queued = 0.0
    for requests in range(1, 3_000):
        state *= offered / min(requests, slots)
        everything += state
        if requests >= slots:
            waiting += state
            queued += state * (requests - slots)
    return waiting / everything, queued / everything / offered


@pytest.mark.parametrize(
    ("slots", "offered", "known"),
    [(1, 0.5, 1 / 2), (2, 1.0, 1 / 3), (3, 2.0, 4 / 9), (5, 4.0, 0.554113), (10, 8.0, 0.409180),
     (12, 8.4, 0.183888), (12, 11.4, 0.809025)],
)  # fmt: skip
def test_the_probability_of_waiting_and_the_wait_are_those_of_the_chain(slots, offered, known):
    """In closed form up to 3 slots."""
    share, wait = chain(slots, offered)
    assert share == pytest.approx(known, abs=1e-6)
    assert erlang_c(slots, offered) == pytest.approx(share)
    queue = MMc(slots=slots, rate_hz=offered, service_s=1.0)
    assert queue.mean_wait_s == pytest.approx(wait)
    assert queue.mean_response_s == pytest.approx(wait + 1)


@pytest.mark.parametrize(("slots", "load"), [(1, 0.5), (2, 0.7), (6, 0.9), (12, 0.7), (12, 0.3)])
def test_the_wait_for_fixed_times_is_that_of_the_chain(slots, load):
    """Seen once a service time: who was in service is gone, and a Poisson number has come."""
    count = 400
    numbers = np.arange(count)
    offered = slots * load
    logs = numbers * np.log(offered) - offered - np.cumsum(np.log(np.maximum(numbers, 1)))
    coming = np.exp(logs)
    states = np.zeros(count)
    states[0] = 1.0
    for _ in range(600):
        left = np.concatenate(([states[: slots + 1].sum()], states[slots + 1 :], np.zeros(slots)))
        states = np.convolve(left, coming)[:count]
        states /= states.sum()
    wait = (states * numbers).sum() / offered - 1
    queue = MDc(slots=slots, rate_hz=offered, service_s=1.0)
    assert queue.mean_wait_s == pytest.approx(wait, rel=1e-6, abs=1e-12)


@given(load=LOADS)
def test_one_slot_waits_as_pollaczek_and_khinchine_say(load):
    alike = {"slots": 1, "rate_hz": load / 0.02, "service_s": 0.02}
    waits = load / (1 - load) * 0.02
    assert MMc(**alike).mean_wait_s == pytest.approx(waits)
    assert MDc(**alike).mean_wait_s == pytest.approx(waits / 2)
    assert MGc(**alike, variation=7.0).mean_wait_s == pytest.approx(waits * 4)


@given(slots=SLOTS, load=LOADS)
def test_the_approximation_is_exact_where_exact_ones_are_known(slots, load):
    alike = {"slots": slots, "rate_hz": slots * load, "service_s": 1.0}
    exponential, fixed = MMc(**alike).mean_wait_s, MDc(**alike).mean_wait_s
    assert MGc(**alike, variation=1.0).mean_wait_s == pytest.approx(exponential)
    assert MGc(**alike, variation=0.0).mean_wait_s == pytest.approx(fixed)
    assert exponential / 2 <= fixed * (1 + 1e-9)
    assert fixed <= exponential
    assert MGc(**alike, variation=1.0).most_off == MGc(**alike, variation=0.0).most_off == 1.0
    between = MGc(**alike, variation=0.5).mean_wait_s
    assert fixed * (1 - 1e-9) <= between <= exponential * (1 + 1e-9)


@pytest.mark.parametrize("slots", [1, 2, 6, 12, 50])
@pytest.mark.parametrize("load", [0.5, 0.7, 0.9])
def test_both_ways_to_the_wait_for_fixed_times_agree(slots, load):
    queue = MDc(slots=slots, rate_hz=slots * load, service_s=1.0)
    assert queue._by_roots() == pytest.approx(queue._by_series(), rel=1e-6, abs=1e-12)


@given(slots=SLOTS, load=LOADS, share=st.floats(0.01, 0.9999))
def test_a_quantile_is_where_the_tail_is_that_small(slots, load, share):
    queue = MMc(slots=slots, rate_hz=slots * load, service_s=1.0)
    assert queue.longer_than(queue.response_quantile_s(share)) == pytest.approx(1 - share)


def test_one_slot_answers_in_exponential_time():
    queue = MMc(slots=1, rate_hz=60, service_s=0.01)
    assert queue.response_quantile_s(0.99) == pytest.approx(np.log(100) / (100 - 60))


def test_a_quantile_is_found_where_waiting_is_as_fast_as_serving():
    """c - offered = 1: the sum of two alike exponentials has another form."""
    exactly = MMc(slots=4, rate_hz=3.0, service_s=1.0)
    nearly = MMc(slots=4, rate_hz=3.0 + 1e-6, service_s=1.0)
    assert exactly.response_quantile_s(0.9) == pytest.approx(
        nearly.response_quantile_s(0.9), rel=1e-5
    )


def test_theory_is_what_brute_force_gives():
    """12 slots at 80 %; a million requests, whose own noise is about 1 %."""
    rng = np.random.default_rng(7)
    count, rate = 1_000_000, 12 * 0.8
    at = poisson(rng, rate, count)
    drawn = rng.exponential(1.0, count)
    waits = brute_force(12, at, drawn)
    queue = MMc(slots=12, rate_hz=rate, service_s=1.0)
    assert waits.mean() == pytest.approx(queue.mean_wait_s, rel=0.05)
    for share in (0.5, 0.9, 0.99):
        found = float(np.quantile(waits + drawn, share))
        assert found == pytest.approx(queue.response_quantile_s(share), rel=0.02)
    fixed = brute_force(12, at, np.ones(count))
    assert fixed.mean() == pytest.approx(
        MDc(slots=12, rate_hz=rate, service_s=1.0).mean_wait_s, rel=0.05
    )


@pytest.mark.parametrize(
    ("draw", "variation", "off"),
    [
        (lambda rng, n: rng.gamma(4, 1 / 4, n), 0.25, 0.05),
        (lambda rng, n: rng.lognormal(-0.5 * np.log(5), np.sqrt(np.log(5)), n), 4.0, 0.15),
    ],
    ids=["erlang-4", "lognormal"],
)
def test_the_approximation_is_near_for_common_service_times(draw, variation, off):
    """Closer than `most_off`, which holds for every distribution of these two moments."""
    rng = np.random.default_rng(11)
    count, rate = 400_000, 6 * 0.7
    waits = brute_force(6, poisson(rng, rate, count), draw(rng, count))
    queue = MGc(slots=6, rate_hz=rate, service_s=1.0, variation=variation)
    assert waits.mean() == pytest.approx(queue.mean_wait_s, rel=off)
    assert off < queue.most_off - 1


@pytest.mark.parametrize("kind", [MMc, MDc])
def test_a_queue_without_a_steady_state_is_refused(kind):
    with pytest.raises(ValueError, match="load of 1 has no steady state"):
        kind(slots=4, rate_hz=40, service_s=0.1)
