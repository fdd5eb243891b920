"""The end of a run, as it is planned: long enough for what may still fail, or refused."""

from pathlib import Path

import pytest

from harness.config import Settings
from harness.mix import default_mix
from harness.model.errors import NotJudgedError
from harness.model.scenario import Scenario, Timing
from harness.model.traffic import Stream, Traffic
from harness.verify import Plan, plan


def planned(folder: Path, traffic: Traffic | None = None, **settings: object) -> Plan:
    return plan(Settings(reports=folder, **settings), traffic=traffic)


def refusal(folder: Path, **settings: object) -> str:
    with pytest.raises(NotJudgedError) as caught:
        planned(folder, **settings)
    assert not list(folder.iterdir()), "nothing was made for it"
    return str(caught.value)


def test_a_tail_within_what_a_swap_is_judged_by_is_refused(tmp_path: Path):
    assert refusal(tmp_path, after_s=1.5, traffic=Traffic(streams=(Stream(
        name="page", path="/", rate_hz=100),))) == (
        "settings: after_s = 1.5 is too short: what a swap does is judged until then; give it "
        "2.00 or more"
    )  # fmt: skip


def test_a_tail_in_which_no_copy_could_outlive_its_time_is_refused(tmp_path: Path):
    """At 300/s the stream `cached` has 18: two more of it after 1 s and the grain of another."""
    assert refusal(tmp_path, after_s=2) == (
        "settings: after_s = 2 is too short: a copy of cached's may live so long, and two requests "
        "must come after it; give it 2.11 or more"
    )


def test_a_tail_shorter_than_the_hard_stop_of_a_proxy_is_refused(tmp_path: Path):
    at_a_url = {"url": "http://127.0.0.1:1/", "deploy": "true", "hard_stop_s": 30}
    assert refusal(tmp_path, **at_a_url) == (
        "settings: after_s = 4 is too short: a proxy's hard stop, and a second to see it; give it "
        "31.00 or more"
    )
    timing = planned(tmp_path, after_s=31, **at_a_url).scenario.timing
    assert (timing.hard_stop_s, timing.after_s) == (30, 31)


def test_the_defaults_have_a_tail_that_is_long_enough(tmp_path: Path):
    scenario = planned(tmp_path).scenario
    assert scenario.tail_s()[0] <= scenario.timing.after_s


@pytest.mark.parametrize("rate_hz", [30, 300, 3_000])
def test_the_default_mix_needs_at_most_what_it_is_given(rate_hz: float):
    scenario = Scenario(
        name="n",
        target="stack",
        swap="drain",
        swaps=1,
        releases=("v1", "v2"),
        traffic=default_mix(rate_hz),
    )
    assert scenario.tail_s()[0] < Timing().after_s


def test_a_request_of_ones_own_traffic_is_waited_for_as_long_as_it_may_take(tmp_path: Path):
    traffic = Traffic(streams=(Stream(name="export", path="/", rate_hz=10, timeout_s=90),))
    assert planned(tmp_path, traffic).scenario.timing.finish_s == 92


def test_it_is_waited_for_no_less_than_the_settings_say(tmp_path: Path):
    traffic = Traffic(streams=(Stream(name="quick", path="/", rate_hz=10, timeout_s=1),))
    assert planned(tmp_path, traffic, timeout_s=20).scenario.timing.finish_s == 22
