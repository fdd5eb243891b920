"""Means, bounds and differences, held against published values and numpy's."""

import math

import numpy as np
import pytest

from harness.compare.means import difference, mean_of, share_of, versus

T_2, T_4 = 4.302653, 2.776445
"""Student's t, 97.5 %, 2 and 4 degrees of freedom, from published tables."""


@pytest.mark.parametrize(
    ("values", "t"), [((3.0, 3.4, 2.9), T_2), ((-1.0, 4.0, 2.5, 0.1, 3.3), T_4)]
)
def test_an_interval_is_students(values, t):
    found = mean_of(values)
    reach = t * np.std(values, ddof=1) / math.sqrt(len(values))
    assert found.middle == pytest.approx(np.mean(values))
    assert found.high == pytest.approx(np.mean(values) + reach, rel=1e-6)
    assert found.low == pytest.approx(np.mean(values) - reach, rel=1e-6)
    assert found.rounds == len(values)


@pytest.mark.parametrize("values", [(5.0,), (5.0, 6.0), (5.0, None, 6.0)])
def test_fewer_than_three_rounds_have_a_mean_and_no_interval(values):
    found = mean_of(values)
    assert found.middle == pytest.approx(np.mean([v for v in values if v is not None]))
    assert (found.low, found.high) == (None, None)


def test_rounds_that_do_not_differ_bound_nothing():
    assert (mean_of([2.0] * 5).low, mean_of([2.0] * 5).high) == (None, None)


def test_no_round_has_no_mean():
    assert mean_of([None, None]).middle is None
    assert share_of([], []).middle is None


def test_an_interval_is_cut_off_where_the_figure_ends():
    assert mean_of([0.0, 0.0, 9.0], least=0.0).low == 0.0
    assert share_of([10, 4_000, 4_000], [4_000] * 3).high == 1.0


@pytest.mark.parametrize("rounds", [1, 3])
def test_of_none_that_failed_the_bound_is_exact(rounds):
    """(1 - p)^n = 0.05 at the bound: so many good ones come 1 time in 20."""
    found = share_of([0] * rounds, [1_000] * rounds)
    assert (found.middle, found.low) == (0.0, 0.0)
    assert (1 - found.high) ** (1_000 * rounds) == pytest.approx(0.05)
    assert found.high == pytest.approx(3 / (1_000 * rounds), rel=0.01)


def test_differences_are_paired_by_round():
    """Round 2 was hard for both: the difference does not feel it."""
    of, to = {1: 5.0, 2: 55.0, 3: 5.2, 4: 9.0}, {1: 3.0, 2: 53.1, 3: 3.1}
    found, p = difference(of, to)
    assert found.rounds == 3
    assert found.middle == pytest.approx(2.0)
    assert found.low > 1.7
    assert p < 0.01


@pytest.mark.parametrize("of", [{}, {1: 5.0}, {1: 5.0, 2: 6.0}])
def test_too_few_common_rounds_tell_nothing(of):
    found, p = difference(of, {1: 3.0, 2: 3.0, 3: 3.0})
    assert (found.low, p) == (None, None)


def test_many_differences_are_put_right_for_being_many():
    """Of `z` and three others six pairs are compared, though three of them alone are told."""
    to = {1: 1.0, 2: 1.1, 3: 0.9}
    near = {1: 3.0, 2: 3.9, 3: 2.7}
    others = {"b": {1: 1.2, 2: 1.0, 3: 1.1}, "c": {1: 1.3, 2: 0.9, 3: 1.2}}
    alone = versus("swap_s", {"a": near, "z": to}, "z")["a"]
    among = versus("swap_s", {"a": near, "z": to, **others}, "z")
    assert alone.is_shown
    assert set(among) == {"a", "b", "c"}
    assert among["a"].p == pytest.approx(6 * alone.p)
    assert not among["a"].is_shown


def test_which_one_all_are_held_against_does_not_change_what_is_shown():
    rounds = {"a": {1: 3.0, 2: 3.9, 3: 2.7}, "b": {1: 1.2, 2: 1.0, 3: 1.1}, "c": {1: 9.0}}
    of_a, of_b = versus("swap_s", rounds, "b")["a"], versus("swap_s", rounds, "a")["b"]
    assert of_a.p == of_b.p
    assert of_a.difference.middle == -of_b.difference.middle > 0


def test_strategies_that_share_no_round_are_not_compared():
    assert versus("swap_s", {"a": {9: 1.0}, "z": {1: 1.0}}, "z") == {}
