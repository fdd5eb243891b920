"""Two runs held against each other: which changes are shown."""

from dataclasses import replace

import pytest
from kept import failing, slower
from synthetic import SWAP_AT, clean

from harness.analysis.latency import SWAP_WINDOW
from harness.model.past import ALL
from harness.past.facts import STEADY, past_of
from harness.past.judge import FAILED_SHARE, P99, compared


def of(*changes):
    draft = clean()
    for change in changes:
        change(draft)
    return past_of(draft.history())


def test_of_the_same_run_nothing_is_shown():
    found = compared(of(), of())
    assert [one for one in found.lines if one.shown] == []
    assert found.unlike == ()
    assert {one.change for one in found.lines if not one.why} == {0.0}


def test_what_changed_is_shown_and_nothing_else():
    found = compared(of(), of(slower(40)))
    assert {(one.figure, one.phase, one.stream) for one in found.lines if one.shown} == {
        (P99, SWAP_WINDOW, name) for name in (ALL, "get-reused", "get-new", "write")
        if found.line(P99, SWAP_WINDOW, name).change is not None
    }  # fmt: skip
    assert found.line(P99, SWAP_WINDOW).shown == "more"
    assert compared(of(slower(40)), of()).line(P99, SWAP_WINDOW).shown == "less"


def test_the_doubt_of_all_intervals_together_is_5_percent():
    found = compared(of(), of())
    told = [one for one in found.lines if one.confidence is not None]
    assert sum(1 - one.confidence for one in told) == pytest.approx(0.05)
    of_all = [one for one in told if one.stream == ALL]
    assert {one.confidence for one in of_all} == {1 - 0.025 / 4}


def test_a_p99_that_failures_reach_is_none():
    found = compared(of(), of(failing(60)))
    line = found.line(P99, SWAP_WINDOW)
    assert (line.low, line.shown) == (None, "")
    assert line.why == "60 of 1,450 failed: they reach the p99"
    assert found.line(FAILED_SHARE, SWAP_WINDOW).shown == "more"
    assert found.line(FAILED_SHARE, "outside").shown == ""


def test_a_longer_steady_state_thins_no_failures():
    """Those in the swaps are held against requests in the swaps alone."""
    long = clean()
    failing(12)(long)
    kept = past_of(long.history())
    wide = replace(kept, outside=replace(kept.outside, sent=100 * kept.outside.sent))
    assert compared(of(failing(12)), wide).line(FAILED_SHARE, SWAP_WINDOW).change == 0


def test_a_stream_that_only_one_has_is_not_compared():
    other = of()
    less = replace(other, cells={ALL: other.cells[ALL]})
    assert {one.stream for one in compared(other, less).lines} == {ALL}


def test_the_numbers_of_a_run_have_no_interval():
    found = compared(of(), of(failing(3, since=SWAP_AT + 0.5)))
    told = {one.figure: (one.before, one.after) for one in found.numbers}
    assert told["outages"] == (0, 1)
    assert told["a swap, the mean"] == (3.0, 3.0)
    assert told["near misses"] == (None, None)
    assert told["certain outage"][0] > 0


def test_it_says_the_same_each_time():
    before, after = of(), of(slower(20, until=SWAP_AT + 2))
    assert compared(before, after) == compared(before, after)
    assert compared(before, after).line(P99, STEADY).block_s == (1.0, 1.0)
