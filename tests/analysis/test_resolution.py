"""How short an outage could have hidden, from achieved starts."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import START, S, clean

from harness.analysis.phases import Window
from harness.analysis.resolution import certain_outage_ms, largest_gap_ns


def window(begin, end):
    return Window(swap=1, begin_ns=begin, end_ns=end)


def gap(starts, *windows):
    return largest_gap_ns(np.array(starts, dtype=np.int64), windows)


@pytest.mark.parametrize(
    ("begin", "end", "largest"),
    [(12, 45, 30), (41, 45, 10), (10, 40, 30), (0, 10, 10), (0, 50, 30)],
)
def test_the_largest_gap_that_reaches_into_the_window(begin, end, largest):
    assert gap([0, 10, 40, 50], window(begin, end)) == largest


def test_a_window_that_starts_do_not_enclose_hides_outages_of_any_length():
    assert gap([10, 20], window(5, 15)) is None
    assert gap([10, 20], window(15, 25)) is None
    assert gap([10, 20], window(20, 20)) is None
    assert gap([], window(0, 1)) is None


@given(st.data())
def test_an_outage_of_that_length_that_meets_the_window_holds_a_start(data):
    starts = sorted(data.draw(st.sets(st.integers(0, 1_000), min_size=2)))
    begin = data.draw(st.integers(0, 999))
    end = data.draw(st.integers(begin + 1, 1_000))
    largest = gap(starts, window(begin, end))
    if largest is None:
        assert not (starts[0] <= begin and end <= starts[-1])
        return
    at = data.draw(st.integers(begin - largest, end - 1))
    assert any(at <= start <= at + largest for start in starts)
    hidden = [(a, b) for a, b in pairwise(starts) if b - a == largest and b > begin and a < end]
    assert hidden, "a shorter one could have lain in a gap that reaches into the window"


def ms(draft):
    history = draft.history()
    scenario = history.record.scenario
    assert history.record.sent is not None
    return certain_outage_ms(
        history.requests, scenario.traffic, history.windows, history.record.sent.stop_ns
    )


def test_by_stream_by_policy_and_in_all():
    found = ms(clean())
    assert list(found) == [
        "all", "reused connections", "new connections", "get-reused", "get-new", "write", "slow",
    ]  # fmt: skip
    assert found["all"] == pytest.approx(1000 / 300, abs=0.001)
    assert found["new connections"] == found["get-new"] == pytest.approx(4000 / 300, abs=0.001)
    assert found["slow"] == pytest.approx(100, abs=0.001)


def test_a_hole_in_the_swap_counts_and_one_before_it_does_not():
    draft = clean()
    draft.drop(draft.seqs(since=5.0, until=6.0))
    assert ms(draft)["all"] == pytest.approx(1000 / 300, abs=0.001)
    draft.drop(draft.seqs(since=12.0, until=12.5))
    assert ms(draft)["all"] == pytest.approx(500 + 1000 / 300, abs=0.001)


def test_what_was_not_sent_is_no_start():
    draft = clean()
    draft.set(draft.seqs(since=12.0, until=12.1), sent_ns=0, outcome="not_sent")
    assert ms(draft)["all"] > 100


def test_beyond_the_schedules_end_nothing_is_asked_of_it():
    draft = clean()
    draft.sent(stop_ns=START + int(14.5 * S))
    draft.drop(draft.seqs(since=14.5))
    assert ms(draft)["all"] == pytest.approx(1000 / 300, abs=0.001)


def test_of_a_swap_after_the_schedules_end_no_length_is_certain():
    draft = clean()
    draft.sent(stop_ns=START + 10 * S)
    draft.drop(draft.seqs(since=10))
    assert set(ms(draft).values()) == {None}


def test_without_a_swap_there_is_nothing_to_resolve():
    draft = clean()
    draft.marks = []
    assert ms(draft) == {}
