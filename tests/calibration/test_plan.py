"""Which outages are put in, and when."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.calibration.calibrator import in_run
from harness.calibration.plan import APART_NS, INTERVALS, LEAD_NS, every_outage, plan
from harness.mix import default_mix
from harness.model.calibration import OutageKind, seeing
from harness.model.scenario import Scenario
from harness.model.traffic import ArrivalKind, Connection, Stream, Traffic

S = 1_000_000_000
NAMES = st.integers(0, 2**31)
STREAMS = st.lists(
    st.builds(
        Stream,
        name=st.integers(0, 10**9).map(str),
        path=st.just("/"),
        rate_hz=st.floats(0.5, 5_000),
        connection=st.sampled_from(Connection),
        slow=st.booleans(),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda stream: stream.name,
)
TRAFFIC = st.builds(Traffic, streams=STREAMS.map(tuple), arrivals=st.sampled_from(ArrivalKind))


@given(TRAFFIC, NAMES, st.integers(0, 60 * S))
def test_outages_lie_apart_and_fit_the_budget(traffic, seed, budget_ns):
    todo = plan(traffic, seed=seed, budget_ns=budget_ns)
    ends = [LEAD_NS - APART_NS]
    for outage in todo.outages:
        assert outage.begin_ns - ends[-1] >= APART_NS
        assert outage.length_ns == outage.intervals * outage.interval_ns > 0
        ends.append(outage.begin_ns + outage.length_ns)
    if todo.outages:
        assert ends[-1] + APART_NS <= todo.length_ns <= budget_ns
    kinds = [(outage.kind, outage.intervals) for outage in todo.outages]
    assert len(kinds) == len(set(kinds))


@given(TRAFFIC, NAMES, st.integers(0, 10 * S))
def test_what_is_not_put_in_is_named(traffic, seed, budget_ns):
    todo = plan(traffic, seed=seed, budget_ns=budget_ns)
    put_in = {(outage.kind, outage.intervals) for outage in todo.outages}
    said = "\n".join(todo.left_out)
    for kind in OutageKind:
        for intervals in INTERVALS:
            if not seeing(traffic, kind):
                assert f"{kind.value}: " in said
            elif (kind, intervals) not in put_in:
                [line] = [one for one in todo.left_out if one.startswith(f"{intervals} intervals")]
                assert kind.value in line


@given(TRAFFIC, NAMES)
def test_the_same_seed_gives_the_same_plan(traffic, seed):
    assert plan(traffic, seed=seed, budget_ns=4 * S) == plan(traffic, seed=seed, budget_ns=4 * S)


def test_another_seed_gives_another_order_and_other_moments():
    first, second = (plan(default_mix(300), seed=seed, budget_ns=4 * S).outages for seed in (1, 2))
    assert [outage.begin_ns for outage in first] != [outage.begin_ns for outage in second]
    assert [outage.kind for outage in first] != [outage.kind for outage in second]


@pytest.mark.parametrize("rate", [250, 300, 1_000, 2_000])
def test_a_run_of_the_default_mix_has_room_for_every_kind_at_two_intervals(rate):
    scenario = Scenario(
        name="n", target="t", swap="s", swaps=1, releases=("v1", "v2"), traffic=default_mix(rate)
    )
    todo = in_run(scenario)
    assert {outage.kind for outage in todo.outages if outage.intervals == 2} == set(OutageKind)
    assert todo.length_ns < 3.8 * S


def test_the_interval_is_that_of_the_slowest_stream_that_can_see_the_kind():
    traffic = Traffic(
        streams=(
            Stream(name="reused", path="/", rate_hz=20),
            Stream(name="new", path="/", rate_hz=100, connection=Connection.new),
            Stream(name="slow", path="/", rate_hz=1, slow=True, connection=Connection.new),
        )
    )
    found = {
        outage.kind: outage.interval_ns / 1e6
        for outage in every_outage(traffic, seed=0, tries=1).outages
    }
    assert found == dict.fromkeys(OutageKind, 50) | {OutageKind.refused: 10}


def test_a_stall_holds_as_many_requests_as_it_takes_to_be_one():
    """Three slow successes make a stall: one stream alone sends two in two intervals."""
    traffic = Traffic(streams=(Stream(name="a", path="/", rate_hz=100),))
    intervals = {
        outage.kind: outage.interval_ns / 1e6
        for outage in every_outage(traffic, seed=0, tries=1).outages
    }
    assert intervals[OutageKind.stall] == 40
    assert intervals[OutageKind.reset] == 10
    random = replace(traffic, arrivals=ArrivalKind.poisson)
    assert {o.interval_ns for o in every_outage(random, seed=0, tries=1).outages} == {40_000_000}


def test_refused_is_left_out_where_no_stream_opens_connections():
    traffic = Traffic(streams=(Stream(name="a", path="/", rate_hz=100),))
    todo = plan(traffic, seed=0, budget_ns=20 * S)
    assert OutageKind.refused not in {outage.kind for outage in todo.outages}
    assert todo.left_out[0] == "refused: no stream opens a new connection for each request"


def test_traffic_that_is_slow_on_purpose_sees_nothing():
    traffic = Traffic(streams=(Stream(name="a", path="/", rate_hz=9, slow=True),))
    todo = plan(traffic, seed=0, budget_ns=20 * S)
    assert todo.outages == ()
    assert set(todo.left_out) == {f"{kind}: every stream is slow on purpose" for kind in OutageKind}


def test_every_outage_comes_as_often_as_asked_and_far_apart():
    todo = every_outage(default_mix(1_000), seed=3, tries=4)
    kinds = [(outage.kind, outage.intervals) for outage in todo.outages]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        (kind, intervals): 4 for kind in OutageKind for intervals in INTERVALS
    }
    assert kinds != sorted(kinds)
    assert todo.left_out == ()
