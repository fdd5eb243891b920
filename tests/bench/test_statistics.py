import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bench.statistics import compared, fairness, holm, interval, ratio
from harness.bench.student import both_tails, quantile


@pytest.mark.parametrize(
    ("freedom", "published"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (9, 2.262), (10, 2.228),
     (30, 2.042), (60, 2.000), (120, 1.980)],
)  # fmt: skip
def test_students_t_is_as_published(freedom, published):
    """Abramowitz and Stegun, 1964, table 26.10, A = 0.95."""
    assert quantile(0.95, freedom) == pytest.approx(published, abs=5e-4)


@pytest.mark.parametrize(
    ("confidence", "freedom", "published"),
    [(0.99, 4, 4.604), (0.99, 1, 63.657), (0.90, 4, 2.132), (0.998, 10, 4.144), (0.5, 2, 0.816)],
)
def test_so_are_other_confidences(confidence, freedom, published):
    assert quantile(confidence, freedom) == pytest.approx(published, abs=5e-4)


@given(freedom=st.integers(1, 200), t=st.floats(-50, 50))
def test_the_tails_are_the_densitys(freedom, t):
    """Against Simpson's rule."""
    at = np.linspace(0, abs(t), 4001)
    scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    density = np.exp(scale - (freedom + 1) / 2 * np.log1p(at**2 / freedom))
    density /= math.sqrt(freedom * math.pi)
    step = at[1] - at[0]
    inner = step / 3 * (density[0] + 4 * density[1:-1:2].sum() + 2 * density[2:-1:2].sum()
                        + density[-1])  # fmt: skip
    assert both_tails(t, freedom) == pytest.approx(1 - 2 * inner, abs=1e-6)


def test_no_degree_of_freedom_is_refused():
    with pytest.raises(ValueError, match="1 degree of freedom or more, not 0"):
        both_tails(1, 0)


def test_intervals_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(3)
    logs = rng.normal(0.4, 0.3, (6_000, 5))
    hits = [
        one.low <= math.exp(0.4) <= one.high
        for one in map(interval, np.exp(logs).tolist())
        if one is not None
    ]
    assert len(hits) == 6_000
    assert np.mean(hits) == pytest.approx(0.95, abs=0.02)


def test_a_ratio_is_paired_by_round():
    """Rounds differ tenfold, the ratio hardly at all: unpaired nothing would be seen."""
    to = [1.0, 10.0, 3.0, 30.0, 7.0]
    of = [value * factor for value, factor in zip(to, [1.9, 2.0, 2.1, 2.0, 2.0], strict=True)]
    found = ratio(of, to)
    assert found.middle == pytest.approx(1.999, abs=0.001)
    assert 1.8 < found.low < found.high < 2.2
    assert found.margin == found.high - found.middle
    [shown] = compared({"of": of, "to": to}).differences
    assert shown.is_shown
    assert shown.p < 0.001


def test_fewer_than_three_rounds_say_nothing():
    assert interval([1.0, 2.0]) is None
    assert interval([1.0, None, 2.0]) is None
    assert ratio([1.0, None, 2.0, 3.0], [None, 1.0, 2.0, 3.0]) is None
    found = compared({"a": [1.0, 2.0, 3.0], "b": [1.0, None, 3.0]})
    assert (found.differences, found.left_out) == ((), ("b",))
    assert found.best == ("a",)


def test_nothing_is_said_of_nothing():
    assert compared({}).best == ()


def test_a_round_that_failures_reach_leaves_no_figure_whatever_the_others_say():
    clean, dirty = [200.0, 210.0, 205.0, 220.0, 199.0], [math.inf, 90.0, 100.0, 105.0, math.inf]
    assert interval(dirty) is None
    assert ratio(dirty, clean) is None
    assert ratio(clean, dirty) is None
    found = compared({"clean": clean, "dirty": dirty, "few": [1.0, None, None, None, 2.0]})
    assert found.best == ("clean",)
    assert found.differences == ()
    assert found.unbounded == ("dirty",)
    assert found.left_out == ("few",)


def test_what_was_not_compared_with_the_least_is_no_tie_of_it():
    """In rounds of their own: nothing tells them apart, nor together."""
    alone = [None, None, None]
    found = compared({"x": [1.0, 1.1, 1.05, *alone], "y": [*alone, 5.0, 5.1, 5.2]})
    assert found.differences == ()
    assert found.best == ("x",)
    assert found.left_out == ()


@pytest.mark.parametrize("bad", [0.0, -1.0, -math.inf, math.nan])
def test_a_figure_without_a_logarithm_is_refused(bad):
    with pytest.raises(ValueError, match="above 0"):
        interval([1.0, 2.0, bad])


def test_holm_is_as_in_the_textbook():
    """Of 0.01, 0.04, 0.03 and 0.005: 4 x 0.005, 3 x 0.01, 2 x 0.03, and never falling."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.9, 0.8]) == (1.0, 1.0)
    assert holm([]) == ()


@given(st.lists(st.floats(0, 1), max_size=30))
def test_holm_only_makes_differences_harder_to_show(chances):
    found = holm(chances)
    assert all(after >= before for before, after in zip(chances, found, strict=True))
    assert all(after <= 1 for after in found)
    order = sorted(range(len(chances)), key=chances.__getitem__)
    assert [found[index] for index in order] == sorted(found)


def test_the_best_are_the_least_and_its_ties():
    rounds = np.array([1.0, 1.2, 0.9, 1.1, 1.0])
    noise = np.array([1.01, 0.98, 1.02, 0.99, 1.005])
    found = compared(
        {"slow": (rounds * 3 * noise).tolist(), "b": rounds.tolist(),
         "a": (rounds * noise[::-1] * 0.999).tolist()}
    )  # fmt: skip
    assert set(found.best) == {"a", "b"}
    assert found.between("slow", "b").is_shown
    assert not found.between("a", "b").is_shown


def test_a_difference_reads_the_same_from_both_sides():
    found = compared({"a": [1.0, 2.0, 3.0], "b": [2.0, 4.1, 6.2]})
    one, other = found.between("a", "b"), found.between("b", "a")
    assert one.p == other.p
    assert one.ratio.middle == pytest.approx(1 / other.ratio.middle)
    assert one.ratio.low == pytest.approx(1 / other.ratio.high)
    assert found.between("a", "c") is None


def test_the_very_same_figures_show_no_difference():
    figures = [1.0, 2.0, 3.0]
    [one] = compared({"a": figures, "b": figures}).differences
    assert one.p == 1.0
    assert one.ratio.middle == 1.0


def test_an_algorithm_against_itself_differs_in_at_most_3_of_20_seeds():
    """Five rounds of p99 of 2,000 answers each, of one distribution, twice."""
    shown = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        p99 = np.quantile(rng.exponential(1.0, (2, 5, 2_000)), 0.99, axis=2)
        [one] = compared({"once": p99[0].tolist(), "again": p99[1].tolist()}).differences
        shown += one.is_shown
    assert shown <= 3


def test_of_many_alike_algorithms_a_difference_is_rarely_shown():
    """Eight alike have 28 pairs: uncorrected most benches would show a difference somewhere."""
    rng = np.random.default_rng(5)
    benches = np.exp(rng.normal(0, 0.2, (400, 8, 5)))
    shown = [
        any(
            one.is_shown
            for one in compared({str(n): each.tolist() for n, each in enumerate(bench)}).differences
        )
        for bench in benches
    ]
    assert np.mean(shown) <= 0.07


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_fairness_is_between_one_for_all_and_one_for_one(shares):
    found = fairness(shares)
    if sum(shares) < 1e-100:
        return
    assert 1 / len(shares) - 1e-9 <= found <= 1 + 1e-9


def test_fairness_of_known_shares():
    assert fairness([5, 5, 5]) == 1.0
    assert fairness([9, 0, 0]) == pytest.approx(1 / 3)
    assert fairness([1, 1, 0, 0]) == pytest.approx(0.5)
    assert fairness([0, 0]) is None
    assert fairness([]) is None
