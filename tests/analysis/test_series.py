import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import clean

from harness.analysis.series import binned, curve, edges, machine, rates, spread, with_waits
from harness.model.outcome import Outcome


@given(st.floats(0.01, 1e6), st.integers(1, 500))
def test_bins_are_bounded_rise_and_cover_the_span(end, most):
    found = edges(0, end, most=most)
    assert len(found) <= most + 2
    assert found[0] == 0
    assert found[-1] == pytest.approx(max(end, 0.25))
    assert (np.diff(found) > 0).all()


def test_the_last_bin_reaches_to_the_end():
    assert edges(0, 10.6, most=5).tolist() == [0, 5, 10.6]


def test_a_bin_holds_its_samples_median_and_maximum():
    found = binned(
        np.array([0.1, 0.2, 0.9, 1.0]), np.array([3.0, 1, 2, 9]), np.array([0.0, 0.5, 1])
    )
    assert found.at_s.tolist() == [0.25, 0.75]
    assert found.count.tolist() == [2, 2]
    assert found.p50.tolist() == [1, 2]
    assert found.most.tolist() == [3, 9]


def test_a_bins_p99_takes_ten_samples_beyond_it():
    due = np.linspace(0, 0.9, 1_000)
    many = binned(due, np.arange(1_000.0), np.array([0.0, 1]))
    assert many.p99.tolist() == [989]
    assert np.isnan(binned(due[1:], np.arange(999.0), np.array([0.0, 1])).p99).all()


def test_a_line_breaks_where_samples_are_lacking():
    due = np.array([0.5, 1.5, 2.5, 9.5])
    found = binned(due, np.ones(4), np.arange(11.0))
    assert found.at_s.tolist() == [0.5, 1.5, 2.5, 3.5, 9.5]
    assert found.count.tolist() == [1, 1, 1, 0, 1]
    assert np.isnan(found.p50[3])


def test_rates_of_all_add_up_to_what_was_due():
    draft = clean()
    draft.fail(draft.seqs(since=12, until=13), Outcome.reset)
    draft.set(draft.seqs(since=14, until=14.5), outcome="not_sent")
    found = rates(draft.history(), np.arange(19.0))
    total = sum(found.answered.values()) + found.failed + found.not_sent
    assert total.tolist() == [300] * 18
    assert list(found.answered) == ["v1", "v2"]
    assert found.failed.tolist() == [0] * 12 + [300] + [0] * 5
    assert found.not_sent[14] == 150


def test_what_never_ended_is_counted_to_the_last_moment():
    draft = clean()
    first = draft.seqs(since=17)[0]
    draft.fail([first], Outcome.unfinished, finished_ns=0)
    [waited] = with_waits(draft.history())["waited_ms"]
    assert waited == pytest.approx(3_000, abs=5)


@given(st.lists(st.floats(0.1, 1e5), min_size=0, max_size=400))
def test_a_curve_ends_where_ten_samples_lie_beyond_and_never_falls(values):
    share, ms = curve(np.array(values))
    if len(values) <= 10:
        assert len(share) == 0
        return
    ordered = sorted(values)
    assert share[-1] == (len(values) - 10) / len(values)
    assert ms[-1] == ordered[len(values) - 11]
    assert (np.diff(ms) >= 0).all()
    assert (np.diff(share) > 0).all()


def test_rows_that_are_thinned_keep_their_ends():
    rows = clean().history().requests
    thin = spread(rows, 100)
    assert len(thin) == 100
    assert (thin["seq"].iloc[0], thin["seq"].iloc[-1]) == (
        rows["seq"].iloc[0],
        rows["seq"].iloc[-1],
    )
    assert len(spread(thin, 100)) == 100


def test_of_many_machine_seconds_the_worst_stand_for_the_rest():
    draft = clean()
    draft.steal(0.5, since=4, until=5)
    found = machine(draft.history(), most=4)
    assert len(found) == 4
    assert found["steal"].tolist() == [1, 50, 1, 1]
