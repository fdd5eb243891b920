"""Rows, the best of them, and what is said of each."""

import pytest
from comparisons import changed, compared, ran, rolled_back, row, usual

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
        "confidence), adds 2.1 ms at p99 and takes 3.1 s a swap: the best here, but too few "
        "rounds tell it from rolling",
        "rolling": "rolling drops nothing in 2 swaps (below 78 % of swaps drop something, at 95 % "
        "confidence), adds 2.6 ms at p99 and takes 3.1 s a swap: too few rounds tell it "
        "from drain (2 of 3 runs left out)",
        "scale-then-stop": "scale-then-stop drops nothing in 6 swaps (below 39 % of swaps drop "
        "something, at 95 % confidence), stalls for 0.57 s a swap, adds 250 ms at p99 and takes "
        "3.1 s a swap: beside drain +0.57 s of outage, +248 ms at p99 (3 of 3 runs failed)",
        "recreate": "recreate drops 10 % of its requests (201 a swap) for 2.1 s, loses 1 "
        "acknowledged write, has no p99 that is known and takes 2.1 s a swap: beside drain "
        "+10 % dropped, +2.1 s of outage, -1.0 s a swap (3 of 3 runs failed)",
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
    assert row(result, "b").sentence.endswith("a swap: too few rounds tell it from a")


A_MS, CLOSE_MS = (6.0, 6.3, 6.1, 6.2, 5.9), (6.2, 6.0, 6.5, 6.1, 6.3)


def test_what_five_rounds_do_not_tell_apart_is_as_good():
    close = [ran(window_ms=ms) for ms in CLOSE_MS]
    result = compared({"a": [ran(window_ms=ms) for ms in A_MS], "b": close})
    assert (result.best, result.untold) == (("a", "b"), ())
    assert row(result, "b").sentence.endswith(": no difference to a is shown")
    assert row(result, "a").sentence.endswith(": the best here")


@pytest.mark.parametrize("window_ms", [6.5, None])
def test_of_four_common_rounds_none_are_called_equal(window_ms):
    """The fifth was not made of b, or has no p99 that is resolved."""
    last = "died" if window_ms else ran(window_ms=None)
    close = [*(ran(window_ms=ms) for ms in CLOSE_MS[:4]), last]
    result = compared({"a": [ran(window_ms=ms) for ms in A_MS], "b": close})
    assert (result.best, result.untold) == (("a",), ("b",))
    assert "too few rounds tell it from a" in row(result, "b").sentence
    assert row(result, "a").sentence.endswith("best here, but too few rounds tell it from b")


def test_the_same_difference_in_every_round_is_not_called_none():
    same = {name: [ran(failed=many, outage_ms=900)] * 5 for name, many in (("a", 9), ("b", 90))}
    result = compared(same)
    assert (result.best, result.untold) == (("a",), ("b",))


def test_what_failed_is_no_equal_of_what_passed_however_unlike_its_rounds_are():
    stalls = [
        ran(window_ms=ms, outage_ms=long_ms, verdict=Verdict.failed)
        for ms, long_ms in ((250, 1_200), (9, 50), (170, 800), (7, 0), (400, 2_000))
    ]
    result = compared({"b": stalls, "a": [ran(window_ms=ms) for ms in A_MS]})
    assert not any(one.is_shown for one in row(result, "b").versus)
    assert (result.best, result.untold) == (("a",), ())
    assert row(result, "b").sentence.endswith(" a swap (5 of 5 runs failed)")


def test_a_swap_that_failed_is_no_clean_one_however_little_it_did():
    result = compared(
        {
            "canary": [rolled_back(window_ms=ms) for ms in (4.1, 4.2, 4.15)],
            "recreate": [ran(failed=many) for many in (400, 410, 395)],
            "died": ["died"],
            "drain": [ran(window_ms=ms) for ms in (6.0, 6.4, 5.9)],
        }
    )
    assert [each.strategy for each in result.rows] == ["drain", "recreate", "canary", "died"]
    assert (result.best, result.untold) == (("drain",), ())
    canary = row(result, "canary")
    assert (canary.swaps, canary.failed_swaps, canary.drop_bound) == (0, 3, None)
    assert canary.sentence == (
        "canary: 3 of 3 swaps failed; it drops nothing and adds 0.2 ms at p99 (3 of 3 runs failed)"
    )


def test_of_strategies_that_each_failed_a_swap_none_is_the_best():
    result = compared({"a": [rolled_back()], "b": [ran(), rolled_back(swaps_s=(3.0, 3.0))]})
    assert (result.best, result.untold) == ((), ())
    assert (row(result, "b").swaps, row(result, "b").failed_swaps) == (3, 1)
    assert row(result, "b").sentence.startswith("b: 1 of 4 swaps failed; it drops nothing, adds")


def test_a_swap_that_failed_is_no_equal_of_one_that_dropped_either():
    many = zip(CLOSE_MS, (1, 9, 1, 1, 1), strict=True)
    drops = [ran(failed=failed, window_ms=ms) for ms, failed in many]
    result = compared({"a": drops, "b": [rolled_back(window_ms=ms) for ms in A_MS]})
    assert not any(one.is_shown for one in row(result, "b").versus)
    assert (result.best, result.untold) == (("a",), ())


def test_where_another_check_failed_clean_swaps_bound_nothing():
    outlived = changed(ran(verdict=Verdict.failed), "alive", Verdict.failed)
    result = compared({"a": [ran(), outlived], "b": [ran(), ran()]})
    assert row(result, "a").drop_bound is None
    assert row(result, "a").sentence.startswith(
        "a drops nothing in 4 swaps (which bounds nothing: another check failed or is in doubt)"
    )
    assert result.best == ("b",)


def test_rounds_that_only_one_has_do_not_rank_it():
    """Round 2 was hard for all; b has none. In each round that both have a is better."""
    doubtful = ran(verdict=Verdict.inconclusive, doubt="starved")
    b = [ran(window_ms=6.0), doubtful, *(ran(window_ms=ms) for ms in (7.1, 6.4, 6.3))]
    result = compared({"b": b, "a": [ran(window_ms=ms) for ms in (5.0, 50.0, 6.0, 5.5, 5.2)]})
    assert [each.strategy for each in result.rows] == ["a", "b"]
    assert result.best == ("a",)
    shown = [one for one in row(result, "b").versus if one.figure == "added_p99_ms"]
    assert [(one.is_shown, one.difference.middle > 0) for one in shown] == [(True, True)]


def test_strategies_that_share_no_round_are_not_better_than_each_other():
    result = compared({"b": [ran(window_ms=9.0), "died"], "a": ["died", ran(window_ms=6.0)]})
    assert (result.best, result.untold) == (("b",), ("a",))


def test_writes_that_no_store_tells_of_are_in_no_sum():
    unread = changed(ran(failed=3), "writes", Verdict.inconclusive)
    result = compared({"a": [unread, unread], "b": [unread, ran(failed=3)]})
    a, b = row(result, "a"), row(result, "b")
    assert (a.writes, a.lost, a.doubled, a.unread) == (None, None, None, 2)
    assert (b.writes, b.lost, b.doubled, b.unread) == (500, 0, 0, 1)
    assert b.sentence.endswith("(2 of 2 runs failed, writes not known in 1 of 2 runs)")


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
