"""The heavy mix, mixes by name, and the rates of single streams."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from harness.config import load
from harness.heavy_mix import LAST_S, LEAST_HEAVY_RATE, heavy_mix
from harness.mix import SLOW_MS, default_mix
from harness.mixes import MIXES, mixed
from harness.model.errors import NotJudgedError
from harness.model.traffic import ArrivalKind, Traffic
from harness.model.visit import Until, VisitKind
from harness.verify import default_traffic, plan

APP = Path(__file__).parents[2] / "sample_app"


def mix(name="heavy", rates=None, rate_hz=300.0):
    return mixed(name, rate_hz, rates=rates or {}, timeout_s=10.0, arrivals=ArrivalKind.even)


@given(st.floats(LEAST_HEAVY_RATE, 100_000))
def test_heavy_is_the_default_mix_and_what_lasts_at_the_rate_asked_for(rate_hz):
    heavy = heavy_mix(rate_hz)
    assert heavy.rate_hz == pytest.approx(rate_hz)
    assert heavy.streams[:-7] == default_mix(rate_hz - 7).streams


def test_of_each_that_lasts_some_are_always_under_way_and_few_enough_for_the_website():
    mix = {each.name: each for each in heavy_mix(1_000).streams}
    lasting = [each for each in mix.values() if each.visit or each.upload_s]
    assert all(each.rate_hz * LAST_S >= 2 for each in lasting)
    # Those that keep a thread for as long as they last; of two, a swap holds as many again.
    busy = {"download": 1, "upload": 1, "events": 2, "websocket": 2}
    threads = sum(mix[name].rate_hz * LAST_S * times for name, times in busy.items())
    threads += mix["slow"].rate_hz * SLOW_MS / 1000
    settings: dict[str, object] = {}
    exec((APP / "gunicorn.conf.py").read_text(), settings)
    assert threads < 0.75 * settings["threads"]


def test_each_that_lasts_is_what_its_name_says():
    lasting = {each.name: each for each in heavy_mix(300, timeout_s=4.0).streams[-7:]}
    assert {name: each.visit.kind for name, each in lasting.items() if each.visit} == {
        "idle": VisitKind.idle,
        "page-asset": VisitKind.page,
        "session": VisitKind.session,
        "events": VisitKind.events,
        "websocket": VisitKind.websocket,
    }
    held = {name: each.visit.until for name, each in lasting.items() if each.visit}
    assert [name for name, until in held.items() if until is Until.admitted] == [
        "events",
        "websocket",
    ]
    assert lasting["upload"].upload_s == LAST_S
    assert {lasting[name].timeout_s for name in ("download", "upload")} == {4.0 + LAST_S}
    assert all(each.slow for each in lasting.values())


def test_a_plan_with_visits_is_read_back_as_it_was_written():
    adapter = TypeAdapter(Traffic)
    assert adapter.validate_json(adapter.dump_json(heavy_mix(300))) == heavy_mix(300)


def test_a_rate_that_is_too_low_for_the_heavy_mix_is_refused():
    with pytest.raises(NotJudgedError, match=r"too few for the heavy traffic; give at least 40"):
        heavy_mix(39)


def test_a_stream_s_rate_can_be_changed_and_a_stream_left_out():
    streams = {each.name: each.rate_hz for each in mix(rates={"session": 4, "upload": 0}).streams}
    assert streams["session"] == 4
    assert "upload" not in streams
    assert len(streams) == 15


@pytest.mark.parametrize(
    ("name", "rates", "told"),
    [
        ("light", {}, r"mix: there is none named 'light'; choose one of: default, heavy"),
        ("default", {"events": 1}, r"the mix 'default' has no stream 'events'; its streams are: g"),
        ("default", dict.fromkeys(default_mix(300).stream_names(), 0), r"nothing would be sent"),
    ],
)
def test_a_mix_that_cannot_be_is_refused_before_anything_starts(tmp_path, name, rates, told):
    with pytest.raises(NotJudgedError, match=told):
        mix(name, rates)
    settings = load({"mix": name, "traffic": rates, "reports": tmp_path / "reports"})
    with pytest.raises(NotJudgedError, match=told):
        plan(settings)
    assert not (tmp_path / "reports").exists()


def test_mix_and_rates_are_read_from_pyproject(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[tool.harness]\nmix = "heavy"\n[tool.harness.traffic]\nwebsocket = 0\n'
    )
    names = default_traffic(load(folder=tmp_path)).stream_names()
    assert "events" in names
    assert "websocket" not in names


@pytest.mark.parametrize("rate", [-1, "many", float("nan")])
def test_a_rate_that_is_no_rate_is_refused(rate):
    with pytest.raises(NotJudgedError, match=r"traffic.session = "):
        load({"traffic": {"session": rate}})


def test_a_url_has_no_mix():
    with pytest.raises(NotJudgedError, match="mix is the bundled stack's"):
        load({"url": "http://x", "deploy": "true", "mix": "heavy"}).refuse_contradictions()


def test_every_mix_has_a_name():
    assert set(MIXES) == {"default", "heavy"}
