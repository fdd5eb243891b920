"""The default traffic: what it is made of, at any rate that may be asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.mix import LEAST_MIX_RATE, SLOW_MS, asset, default_mix, page
from harness.model.errors import NotJudgedError
from harness.model.traffic import ArrivalKind, Connection, Tls
from sample_app import content

RATES = st.floats(LEAST_MIX_RATE, 100_000)


def shares(rate_hz):
    return {s.name: s.rate_hz for s in default_mix(rate_hz).streams}


@given(RATES)
def test_rates_sum_to_the_rate_asked_for_and_none_is_too_thin_to_be_judged(rate_hz):
    streams = default_mix(rate_hz).streams
    assert sum(stream.rate_hz for stream in streams) == pytest.approx(rate_hz)
    # 20 answers in 10 s of steady state, 10 in the 5 s of a swap with what settles after it.
    assert min(stream.rate_hz for stream in streams) >= 2.19


@given(RATES)
def test_some_slow_request_is_always_under_way(rate_hz):
    slow_hz = shares(rate_hz)["slow"]
    assert slow_hz >= 2.0
    assert slow_hz * SLOW_MS / 1000 > 2


def test_shares_by_hand():
    assert shares(300) == pytest.approx(
        {
            "get-reused": 135.72, "get-new": 35.1, "write": 35.1, "https-page": 28.08,
            "https-new": 9.0, "https-resume": 15.0, "cached": 18.0, "asset": 18.0, "slow": 6.0,
        }
    )  # fmt: skip


def test_a_rate_that_is_too_low_for_so_many_streams_is_refused():
    with pytest.raises(
        NotJudgedError, match=r"rate: 29 requests a second are too few.*at least 30"
    ):
        default_mix(29)


def test_each_stream_is_what_its_name_says():
    mix = {stream.name: stream for stream in default_mix(300, timeout_s=4.0).streams}
    assert [name for name, stream in mix.items() if stream.slow] == ["slow"]
    assert [name for name, stream in mix.items() if stream.write] == ["write"]
    assert [name for name, s in mix.items() if s.connection is Connection.new] == [
        "get-new", "https-new", "https-resume",
    ]  # fmt: skip
    assert {name: s.tls for name, s in mix.items() if s.tls is not Tls.off} == {
        "https-page": Tls.resume,
        "https-new": Tls.full,
        "https-resume": Tls.resume,
        "asset": Tls.resume,
    }
    assert {name: s.cached_s for name, s in mix.items() if s.cached_s} == {"cached": 1.0}
    assert {s.cached_s for name, s in mix.items() if name != "cached"} == {0.0}
    compressed = [name for name, s in mix.items() if s.expect_headers]
    assert compressed == ["https-page", "asset"]
    for name in compressed:
        assert mix[name].headers == {"Accept-Encoding": "gzip"}
        assert mix[name].expect_headers == {"Content-Encoding": "gzip"}
    assert mix["write"].method == "POST"
    assert {stream.method for name, stream in mix.items() if name != "write"} == {"GET"}
    assert {stream.timeout_s for stream in mix.values()} == {4.0}
    assert str(SLOW_MS) in mix["slow"].path
    assert all(stream.expect_body for stream in mix.values()), "every body is checked"


@pytest.mark.parametrize("release", ["v1", "v2"])
def test_page_and_asset_are_those_of_the_sample_website(release):
    assert page(release) == content.page(release)
    assert asset(release) == (
        f"/assets/{content.stylesheet_name(release)}",
        content.stylesheet(release),
    )


def test_a_page_of_the_wrong_release_is_told_from_the_right_one():
    page = default_mix(300).streams[0]
    assert page.expect_body["v1"] != page.expect_body["v2"]
    assert "*" not in page.expect_body


def test_the_spacing_is_passed_on():
    assert default_mix(300).arrivals is ArrivalKind.even
    assert default_mix(300, arrivals=ArrivalKind.poisson).arrivals is ArrivalKind.poisson
