"""The default traffic: what it is made of, at any rate that may be asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config import LEAST_RATE
from harness.mix import SLOW_MS, default_mix
from harness.model.traffic import ArrivalKind, Connection

RATES = st.floats(LEAST_RATE, 100_000)


def shares(rate_hz):
    return {s.name: s.rate_hz for s in default_mix(rate_hz).streams}


@given(RATES)
def test_rates_sum_to_the_rate_asked_for_and_none_is_empty(rate_hz):
    streams = default_mix(rate_hz).streams
    assert sum(stream.rate_hz for stream in streams) == pytest.approx(rate_hz)
    assert min(stream.rate_hz for stream in streams) >= 0.9


@given(RATES)
def test_some_slow_request_is_always_under_way(rate_hz):
    slow_hz = shares(rate_hz)["slow"]
    assert slow_hz >= 2.0
    assert slow_hz * SLOW_MS / 1000 > 2


def test_shares_by_hand():
    assert shares(300) == pytest.approx(
        {"get-reused": 211.68, "get-new": 47.04, "write": 35.28, "slow": 6.0}
    )
    assert shares(10) == pytest.approx(
        {"get-reused": 5.76, "get-new": 1.28, "write": 0.96, "slow": 2.0}
    )


def test_each_stream_is_what_its_name_says():
    mix = {stream.name: stream for stream in default_mix(300, timeout_s=4.0).streams}
    assert [name for name, stream in mix.items() if stream.slow] == ["slow"]
    assert [name for name, stream in mix.items() if stream.write] == ["write"]
    assert [name for name, s in mix.items() if s.connection is Connection.new] == ["get-new"]
    assert mix["write"].method == "POST"
    assert {stream.method for name, stream in mix.items() if name != "write"} == {"GET"}
    assert {stream.timeout_s for stream in mix.values()} == {4.0}
    assert str(SLOW_MS) in mix["slow"].path
    assert all(stream.expect_body for stream in mix.values()), "every body is checked"


def test_a_page_of_the_wrong_release_is_told_from_the_right_one():
    page = default_mix(300).streams[0]
    assert page.expect_body["v1"] != page.expect_body["v2"]
    assert "*" not in page.expect_body


def test_the_spacing_is_passed_on():
    assert default_mix(300).arrivals is ArrivalKind.even
    assert default_mix(300, arrivals=ArrivalKind.poisson).arrivals is ArrivalKind.poisson
