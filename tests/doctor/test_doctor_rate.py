"""What rate can be held: by the real sender, at rates that any machine holds and that none does."""

from dataclasses import replace

import pytest

from harness.doctor import rate
from harness.doctor.rate import RATES, measured, rates_to_try
from harness.heavy_mix import heavy_mix
from harness.mix import default_mix
from harness.model.traffic import ArrivalKind


def test_the_settings_own_rate_comes_first_and_then_higher_ones():
    assert rates_to_try(300) == (300, *RATES)
    assert rates_to_try(1000) == (1000, 2000, 4000)
    assert rates_to_try(9000) == (9000,)


@pytest.mark.parametrize("mix", [default_mix, heavy_mix])
def test_each_rate_is_judged_by_the_checks_rule_and_leaves_no_process(tmp_path, mix):
    traffic = mix(50, timeout_s=10, arrivals=ArrivalKind.even)
    slow, quick = measured(traffic, (20, 60), seconds=1.0, seed=1, folder=tmp_path)
    for held, rate_hz in ((slow, 20), (quick, 60)):
        assert held.rate_hz == rate_hz
        assert held.is_held
        assert held.text.startswith("the rate was held: in the worst second ")
        # Of so few requests no gap can be shorter than the schedule's own.
        assert held.certain_outage_ms >= 1000 / rate_hz - 1
    requests = [len((tmp_path / str(rate) / "requests.bin").read_bytes()) for rate in (20, 60)]
    assert requests[0] < requests[1]


def test_a_rate_that_is_not_held_is_the_last_that_is_tried(tmp_path, monkeypatch):
    """Requests would have to be sent before they are due."""
    made = rate._scenario

    def strict(traffic, seed):
        scenario = made(traffic, seed)
        return replace(scenario, limits=replace(scenario.limits, late_ms=-1.0))

    monkeypatch.setattr(rate, "_scenario", strict)
    traffic = default_mix(50, timeout_s=10, arrivals=ArrivalKind.even)
    [held] = measured(traffic, (20, 60), seconds=0.5, seed=1, folder=tmp_path)
    assert not held.is_held
    assert held.text.startswith("the rate was not held: in second 0 0 of ")
