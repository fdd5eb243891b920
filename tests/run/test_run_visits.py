"""Visits over a swap: the sender is told when it begins, and what they wait for."""

from dataclasses import replace

import pytest
from rig import RATE, Rig, finding

from harness.heavy_mix import heavy_mix
from harness.model.finding import Verdict
from harness.run import execute


@pytest.fixture
def heavy(rig: Rig) -> Rig:
    rig.scenario = replace(rig.scenario, traffic=heavy_mix(RATE))
    return rig


def test_visits_are_held_from_before_a_swap_until_what_they_wait_for(heavy: Rig):
    seen: list[tuple[str, str, tuple[str, ...]]] = []
    plan = heavy.plan().watched_by(
        lambda mark: seen.append((mark.name, mark.edge.value, tuple(heavy.sender.told)))
    )
    execute(plan.run, plan.scenario, plan.parts, plan.folder)
    judged = heavy.judge()
    assert heavy.sender.told == [
        "hold", "let go admitted", "let go admitted", "let go swapped",
    ]  # fmt: skip
    told = {(name, edge): before for name, edge, before in seen}
    assert told["swap", "begin"] == ("hold",)
    assert told["admit website-2", "end"] == ("hold",), "let go once that mark is made"
    assert told["drain website-1", "begin"] == ("hold", "let go admitted")
    assert finding(judged, "visits").verdict is Verdict.inconclusive, "the fake leaves no account"


def test_a_traffic_without_visits_needs_no_such_orders(rig: Rig):
    rig.run()
    assert rig.sender.told == []
