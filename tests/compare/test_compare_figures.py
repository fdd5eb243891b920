"""One run's figures, from its result alone."""

from dataclasses import replace

import pytest
from comparisons import EXAMPLE, ran

from harness.compare.figures import doubt, figures_of
from harness.model.finding import Verdict


def test_a_runs_figures_are_a_swaps_but_for_latency_and_counts():
    found = figures_of(
        ran(failed=30, unknown=2, outage_ms=900, near=5, lost=1, doubled=2, swaps_s=(3.0, 4.0)), 7
    )
    assert found is not None
    assert (found.round, found.swaps, found.sent, found.dropped) == (7, 2, 4_000, 32)
    assert found.outage_ms == pytest.approx(450)
    assert found.added_p99_ms == pytest.approx(2.0)
    assert found.added_max_ms == pytest.approx(10.0)
    assert (found.near_misses, found.swap_s) == (2.5, 3.5)
    assert (found.writes, found.lost, found.doubled) == (500, 1, 2)


def test_a_stall_before_the_first_swap_is_none_of_its_doing():
    result = ran(outage_ms=900)
    first, second = result.outages
    steady = replace(first, phase="steady")
    after = replace(second, phase="after 1")
    found = figures_of(replace(result, outages=(steady, after)), 1)
    assert found.outage_ms == pytest.approx(225)


@pytest.mark.parametrize("changes", [{"steady_ms": None}, {"window_ms": None}])
def test_an_added_p99_needs_both_to_be_resolved(changes):
    assert figures_of(ran(**changes), 1).added_p99_ms is None


def test_a_real_results_swap_is_as_long_as_its_marks_say():
    assert figures_of(EXAMPLE, 1).swap_s == pytest.approx(3.2, abs=0.05)


@pytest.mark.parametrize("changes", [{"swaps_s": ()}, {"sent": 0}])
def test_a_run_without_a_swap_or_a_request_has_none(changes):
    assert figures_of(ran(**changes), 1) is None


def test_a_swap_that_never_ended_is_none():
    result = ran()
    assert figures_of(replace(result, marks=result.marks[:-1]), 1).swaps == 1
    assert figures_of(replace(result, marks=result.marks[:1]), 1) is None


def test_an_end_whose_beginning_is_lost_is_no_swap():
    result = ran(swaps_s=(3.0, 4.0))
    found = figures_of(replace(result, marks=result.marks[1:]), 1)
    assert (found.swaps, found.swap_s) == (1, 4.0)


def test_what_an_earlier_version_wrote_of_writes_is_counted_too():
    result = ran()
    old = {"acknowledged": 9, "lost": [3, 4], "doubled": []}
    findings = [replace(one, evidence=old) if one.check == "writes" else one
                for one in result.findings]  # fmt: skip
    found = figures_of(replace(result, findings=tuple(findings)), 1)
    assert (found.writes, found.lost, found.doubled) == (9, 2, 0)


def test_what_is_in_doubt_is_the_first_inconclusive_finding():
    assert doubt(ran()) == ""
    assert doubt(ran(doubt="second 7", verdict=Verdict.failed)) == "rate_held: second 7"
