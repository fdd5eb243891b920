"""The schedule, computed alike by the sender and by the judge."""

from collections import Counter
from dataclasses import replace
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.arrivals import Arrival, arrivals, arrivals_until
from harness.model.traffic import ArrivalKind, Burst, Stream, Traffic

S = 1_000_000_000
RATES = st.lists(st.integers(1, 50), min_size=1, max_size=6)


def traffic(*rates, kind=ArrivalKind.even):
    streams = [Stream(name=f"s{i}", path="/", rate_hz=rate) for i, rate in enumerate(rates)]
    return Traffic(streams=tuple(streams), arrivals=kind)


def first(n, *rates, kind=ArrivalKind.even, **settings):
    return list(islice(arrivals(traffic(*rates, kind=kind), **settings), n))


def test_even_arrivals_by_hand():
    assert first(6, 2, 1, start_ns=7 * S, first_seq=3) == [
        Arrival(3, 0, 7 * S),
        Arrival(4, 1, 7 * S + 333_333_333),
        Arrival(5, 0, 7 * S + 666_666_666),
        Arrival(6, 0, 8 * S),
        Arrival(7, 1, 8 * S + 333_333_333),
        Arrival(8, 0, 8 * S + 666_666_666),
    ]


@given(RATES)
def test_each_second_has_exactly_each_streams_rate(rates):
    for second in range(3):
        part = first(3 * sum(rates), *rates, start_ns=0)[second * sum(rates) :][: sum(rates)]
        assert Counter(a.stream for a in part) == dict(enumerate(rates))
        assert all(second * S <= a.due_ns < (second + 1) * S for a in part)


def test_a_thin_stream_is_spread_and_not_bunched():
    due = [a.due_ns for a in first(1000, 96, 4, start_ns=0) if a.stream == 1]
    gaps = {later - earlier for earlier, later in pairwise(due)}
    assert gaps == {S // 4}


@pytest.mark.parametrize("kind", ArrivalKind)
@given(rates=RATES, seed=st.integers(0, 2**31))
def test_seq_counts_up_and_time_never_goes_back(kind, rates, seed):
    plan = first(200, *rates, kind=kind, start_ns=5, seed=seed, first_seq=11)
    assert [a.seq for a in plan] == list(range(11, 211))
    assert all(a.due_ns <= b.due_ns for a, b in pairwise(plan))
    assert plan[0].due_ns >= 5


def test_half_rates_keep_time_over_ten_minutes():
    total = 299.5
    *_, last = first(int(600 * total) + 1, 297.25, 2.25, start_ns=0)
    assert last.due_ns == 600 * S


def test_poisson_follows_its_seed_alone():
    def plan(seed):
        return first(500, 90, 10, kind=ArrivalKind.poisson, start_ns=0, seed=seed)

    assert plan(1) == plan(1)
    assert plan(1) != plan(2)


def test_even_arrivals_do_not_depend_on_the_seed():
    assert first(50, 3, 2, start_ns=0, seed=1) == first(50, 3, 2, start_ns=0, seed=2)


def test_poisson_holds_rate_and_shares_on_average():
    plan = first(20_000, 90, 10, kind=ArrivalKind.poisson, start_ns=0, seed=4)
    assert plan[-1].due_ns / S == pytest.approx(200, rel=0.05)
    assert Counter(a.stream for a in plan)[1] == pytest.approx(2000, rel=0.1)
    gaps = [(b.due_ns - a.due_ns) / S for a, b in pairwise(plan)]
    assert sum(gap > 0.01 for gap in gaps) / len(gaps) == pytest.approx(0.368, abs=0.02), (
        "gaps are not exponential"
    )


@pytest.mark.parametrize("kind", ArrivalKind)
def test_arrivals_until_is_the_beginning_of_the_schedule_and_excludes_its_end(kind):
    settings = {"start_ns": 3 * S, "seed": 9, "first_seq": 2}
    plan = first(30, 10, kind=kind, **settings)
    until = list(arrivals_until(plan[20].due_ns, traffic(10, kind=kind), **settings))
    assert until == plan[:20]
    assert (
        list(arrivals_until(plan[20].due_ns + 1, traffic(10, kind=kind), **settings)) == (plan[:21])
    )


BURST = Burst(period_s=2.0, share=0.25, factor=3.0)


@pytest.mark.parametrize("kind", ArrivalKind)
def test_bursts_move_arrivals_and_keep_their_number_and_order(kind):
    plain = traffic(100, kind=kind)
    bursty = replace(plain, burst=BURST)
    settings = {"start_ns": 3 * S, "seed": 4}
    moved = list(arrivals_until(7 * S, bursty, **settings))
    assert len(moved) == len(list(arrivals_until(7 * S, plain, **settings)))
    assert all(a.due_ns <= b.due_ns for a, b in pairwise(moved))


def test_a_burst_has_its_multiple_of_the_rate_and_the_rest_has_what_is_left():
    due = [a.due_ns for a in arrivals_until(4 * S, replace(traffic(100), burst=BURST), start_ns=0)]
    in_burst = [at % (2 * S) < S // 2 for at in due]
    assert (sum(in_burst), len(in_burst)) == (300, 400)
    # 300/s in the burst; 50 requests in the 1.5 s of the rest.
    gaps = {round((b - a) / 1e6, 1) for a, b in pairwise(due[:200])}
    assert gaps == {3.3, 30.0}


@pytest.mark.parametrize(
    ("period_s", "share", "factor"), [(0, 0.5, 1), (1, 0, 1), (1, 1, 1), (1, 0.5, 2), (1, 0.5, 0.9)]
)
def test_a_burst_that_cannot_be_is_refused(period_s, share, factor):
    with pytest.raises(ValueError, match="burst:"):
        Burst(period_s=period_s, share=share, factor=factor)


def test_a_schedule_that_ended_before_it_began_is_empty():
    assert list(arrivals_until(5, traffic(10), start_ns=5)) == []
