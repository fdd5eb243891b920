"""Rows, the best of them, and what is said of each."""

import pytest
from comparisons import compared, ran, row, usual

from harness.model.finding import Verdict


def test_what_drops_least_comes_first_then_what_stalls_least():
    result = usual()
    assert [each.strategy for each in result.rows] == [
        "drain", "rolling", "scale-then-stop", "recreate",
    ]  # fmt: skip
    assert result.best == ("drain",)
    assert (result.planned, result.done) == (12, 12)


def test_the_sentences_say_what_is_known():
    said = {each.strategy: each.sentence for each in usual().rows}
    assert said == {
        "drain": "drain drops nothing in 6 swaps (below 39 % of swaps drop something, at 95 % "
        "confidence), adds 2.1 ms at p99 and takes 3.1 s a swap: the best here",
        "rolling": "rolling drops nothing in 2 swaps (below 78 % of swaps drop something, at 95 % "
        "confidence), adds 2.6 ms at p99 and takes 3.1 s a swap (2 of 3 runs left out)",
        "scale-then-stop": "scale-then-stop drops nothing in 6 swaps (below 39 % of swaps drop "
        "something, at 95 % confidence), stalls for 0.57 s a swap, adds 250 ms at p99 and takes "
        "3.1 s a swap: beside drain +0.57 s of outage, +248 ms at p99",
        "recreate": "recreate drops 10 % of its requests (201 a swap) for 2.1 s, loses 1 "
        "acknowledged write, has too few answers for a p99 and takes 2.1 s a swap: beside drain "
        "+10 % dropped, +2.1 s of outage, -1.0 s a swap",
    }


def test_a_run_that_was_inconclusive_or_died_is_named_and_counts_nowhere():
    result = usual()
    rolling = row(result, "rolling")
    assert (rolling.runs, rolling.counted, rolling.swaps) == (3, 1, 2)
    assert rolling.verdicts == {"pass": 1, "inconclusive": 1, "not judged": 1}
    left = [(line.round, line.verdict, line.why) for line in result.runs if not line.counts]
    assert sorted(left) == [
        (2, "inconclusive", "rate_held: second 7 saw 91 % of its requests"),
        (3, "", "engine: no container could be started: <script>|x|"),
    ]


def test_a_failed_run_counts_though_a_part_of_it_is_in_doubt_and_says_so():
    result = compared({"a": [ran(failed=9, doubt="steal")], "b": [ran()]})
    line = next(each for each in result.runs if each.strategy == "a")
    assert (line.counts, line.why) == (True, "rate_held: steal")
    assert row(result, "a").dropped == 9


def test_one_round_has_means_and_no_interval_and_ties_nobody():
    result = compared({"a": [ran(window_ms=6.0)], "b": [ran(window_ms=6.1)]})
    assert result.best == ("a",)
    figures = row(result, "b").figures
    assert (figures["swap_s"].middle, figures["swap_s"].high) == (pytest.approx(3.1), None)
    assert not any(one.is_shown or one.p is not None for one in row(result, "b").versus)
    assert row(result, "b").sentence.endswith("takes 3.1 s a swap")


def test_what_the_rounds_do_not_tell_apart_is_as_good():
    close = [ran(window_ms=ms) for ms in (6.2, 6.0, 6.5)]
    result = compared({"a": [ran(window_ms=ms) for ms in (6.0, 6.3, 6.1)], "b": close})
    assert result.best == ("a", "b")
    assert row(result, "b").sentence.endswith(": no difference to a is shown")


def test_what_dropped_once_is_no_equal_of_what_dropped_nothing():
    clean = [ran(window_ms=ms) for ms in (6.0, 6.3, 6.1)]
    once = [ran(window_ms=6.2), ran(window_ms=6.0, failed=1), ran(window_ms=6.5)]
    result = compared({"b": once, "a": clean})
    assert result.best == ("a",)
    assert row(result, "b").drop_bound is None
    assert row(result, "b").sentence.startswith("b drops 0.008 % of its requests (0.2 a swap)")


def test_a_lost_write_alone_makes_worse_than_any_latency():
    result = compared({"a": [ran(lost=1)], "b": [ran(window_ms=400.0)]})
    assert result.best == ("b",)
    assert row(result, "a").drop_bound is None


def test_where_all_failed_all_is_said_of_it():
    dead = [ran(failed=4_000, steady_ms=None, window_ms=None, outage_ms=18_000)] * 3
    result = compared({"a": dead, "b": [ran()] * 3})
    dead_row = row(result, "a")
    assert dead_row.figures["failed_share"].middle == 1.0
    assert dead_row.figures["added_p99_ms"].middle is None
    assert dead_row.sentence.startswith("a drops 100 % of its requests (2,000 a swap) for 9 s")
    assert result.best == ("b",)


def test_where_no_run_counts_nothing_is_said():
    result = compared({"a": ["x", "y"], "b": [ran(verdict=Verdict.inconclusive)]})
    assert result.best == ()
    assert [each.sentence for each in result.rows] == [
        "a: nothing can be said, none of 2 runs counts",
        "b: nothing can be said, none of 1 run counts",
    ]


def test_a_strategy_without_a_run_that_counts_comes_last_and_is_never_the_best():
    result = compared({"a": ["died"], "b": [ran(failed=4_000)], "c": [ran(failed=9)]})
    assert [each.strategy for each in result.rows] == ["c", "b", "a"]
    assert result.best == ("c",)


def test_of_one_that_counts_alone_nothing_is_the_best():
    result = compared({"a": ["died"], "b": [ran()]})
    assert result.best == ()
    assert row(result, "b").sentence.endswith("takes 3.1 s a swap")


@pytest.mark.parametrize(("certain", "told"), [((7.5, 9.0, 8.0), 9.0), ((7.5, None, 8.0), None)])
def test_how_short_an_outage_was_sure_to_be_seen_is_the_worst_runs(certain, told):
    result = compared({"a": [ran(certain_ms=ms) for ms in certain], "b": [ran()]})
    assert row(result, "a").certain_ms == told
