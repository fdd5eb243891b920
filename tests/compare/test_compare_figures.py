"""One run's figures, from its result alone."""

from dataclasses import replace

import pytest
from comparisons import EXAMPLE, changed, ran, rolled_back

from harness.compare.figures import doubt, figures_of
from harness.model.finding import Verdict
from harness.model.mark import Mark, MarkKind


def test_a_runs_figures_are_a_swaps_but_for_latency_and_counts():
    found = figures_of(
        ran(failed=30, unknown=2, outage_ms=900, near=5, lost=1, doubled=2, swaps_s=(3.0, 4.0)), 7
    )
    assert found is not None
    assert (found.round, found.swaps, found.completed) == (7, 2, 2)
    assert (found.sent, found.dropped, found.harmed) == (4_000, 32, 35)
    assert found.outage_ms == pytest.approx(450)
    assert found.added_p99_ms == pytest.approx(2.0)
    assert found.added_max_ms == pytest.approx(10.0)
    assert (found.near_misses, found.swap_s) == (2.5, 3.5)
    assert (found.writes, found.lost, found.doubled) == (500, 1, 2)


def outage_ms_of(*outages):
    return figures_of(replace(ran(), outages=outages), 1).outage_ms


FIRST_S = 5.0
"""When the first swap of `ran` begins, after the schedule; it has two."""
STALL = replace(ran(outage_ms=900).outages[0], start_s=FIRST_S - 0.5, end_s=FIRST_S - 0.1)


@pytest.mark.parametrize("failed", [0, 9])
def test_what_was_over_before_the_first_swap_is_none_of_its_doing(failed):
    assert outage_ms_of(replace(STALL, failed=failed)) == 0


def test_a_stall_counts_from_the_first_swap_on():
    assert outage_ms_of(replace(STALL, end_s=FIRST_S + 0.3, phase="steady")) == pytest.approx(150)


def test_what_was_due_before_the_first_swap_and_cut_in_it_counts_whole():
    """Its first request was in flight as the swap began."""
    cut = replace(STALL, end_s=FIRST_S + 0.3, phase="steady", failed=1)
    assert outage_ms_of(cut) == pytest.approx(400)


@pytest.mark.parametrize("fewer", [0, 1])
def test_a_swap_that_failed_is_not_completed_and_has_no_length(fewer):
    """The result has the error; the finding alone tells too."""
    result = rolled_back(swaps_s=(3.0, 9.0))
    marks = tuple(mark for mark in result.marks if not fewer or mark.kind is not MarkKind.error)
    found = figures_of(replace(result, marks=marks), 1)
    assert (found.swaps, found.completed, found.swap_s) == (2, 1, 3.0)
    assert not found.is_clean


def test_an_error_of_the_harness_own_in_a_swap_fails_that_one_and_one_in_teardown_none():
    def completed(later_ns):
        result = changed(ran(failed=9), "swap_completed", Verdict.inconclusive)
        end = result.marks[-1]
        error = Mark(at_ns=end.at_ns + later_ns, kind=MarkKind.error, name="a defect")
        return figures_of(replace(result, marks=(*result.marks, error)), 1).completed

    assert (completed(-1), completed(1_000_000)) == (1, 2)


@pytest.mark.parametrize("check", ["replaced", "alive", "cached", "writes", "rate_held"])
@pytest.mark.parametrize("verdict", [Verdict.failed, Verdict.inconclusive])
def test_a_run_is_clean_where_every_check_but_latency_passed(check, verdict):
    assert figures_of(ran(), 1).is_clean
    assert figures_of(changed(ran(), "latency", verdict), 1).is_clean
    assert not figures_of(changed(ran(), check, verdict), 1).is_clean


def test_a_store_that_was_not_read_tells_nothing_of_lost_writes():
    found = figures_of(changed(ran(failed=3), "writes", Verdict.inconclusive), 1)
    assert (found.writes, found.lost, found.doubled) == (None, None, None)
    assert found.harmed == 3


def test_a_latency_that_is_in_doubt_has_added_nothing_that_is_known():
    found = figures_of(changed(ran(failed=3), "latency", Verdict.inconclusive), 1)
    assert (found.added_p99_ms, found.added_max_ms) == (None, None)


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
    found = figures_of(replace(result, marks=result.marks[:-1]), 1)
    assert (found.swaps, found.completed, found.is_clean) == (2, 1, False)
    assert figures_of(replace(result, marks=result.marks[:2]), 1) is None


def test_an_end_whose_beginning_is_lost_is_no_swap():
    result = ran(swaps_s=(3.0, 4.0))
    load, _, *rest = result.marks
    found = figures_of(replace(result, marks=(load, *rest)), 1)
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
