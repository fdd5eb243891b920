"""Shares of failed requests, against published intervals and by counting every case."""

import math

import pytest

from harness.past.shares import Share, change, least_shown, limits


@pytest.mark.parametrize(
    ("failed", "sent", "low", "high"),
    [
        (0, 10, 0.0, 0.3085),
        (1, 10, 0.0025, 0.4450),
        (5, 10, 0.1871, 0.8129),
        (0, 3_000, 0.0, 0.001229),
        (9, 10, 0.5550, 0.9975),
    ],
)
def test_small_counts_have_the_exact_limits(failed, sent, low, high):
    """Clopper and Pearson's, from published tables."""
    found = limits(Share(failed=failed, sent=sent), 0.95)
    assert found == pytest.approx((low, high), abs=5e-5)


def test_wilsons_limits_are_the_published_ones():
    """Newcombe, Statistics in Medicine 17, 1998, 857, table I: 81 of 263."""
    assert limits(Share(failed=81, sent=263), 0.95) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_a_difference_has_the_published_interval():
    """Newcombe, Statistics in Medicine 17, 1998, 873, table II, method 10: 56/70 - 48/80."""
    found = change(Share(failed=48, sent=80), Share(failed=56, sent=70), 0.95)
    assert (found.by, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_turned_round_it_is_the_same_but_for_the_sign():
    one, other = Share(failed=3, sent=900), Share(failed=20, sent=700)
    there, back = change(one, other, 0.99), change(other, one, 0.99)
    assert (there.by, there.low, there.high) == pytest.approx((-back.by, -back.high, -back.low))


def binomial(sent, share):
    return [
        math.exp(
            math.lgamma(sent + 1) - math.lgamma(k + 1) - math.lgamma(sent - k + 1)
            + k * math.log(share) + (sent - k) * math.log1p(-share)
        )
        for k in range(sent + 1)
    ]  # fmt: skip


@pytest.mark.parametrize("shares", [(0.004, 0.004), (0.02, 0.02), (0.01, 0.06), (0.1, 0.1)])
def test_an_interval_misses_the_truth_in_no_more_than_its_doubt(shares):
    """Every pair of counts, each with its own probability: no simulation."""
    sent = 120
    before, after = (binomial(sent, share) for share in shares)
    missed = 0.0
    for k, chance in enumerate(before):
        for j, other in enumerate(after):
            if chance * other < 1e-9:
                continue
            found = change(Share(failed=k, sent=sent), Share(failed=j, sent=sent), 0.95)
            if not found.low <= shares[1] - shares[0] <= found.high:
                missed += chance * other
    assert missed < 0.052


@pytest.mark.parametrize(("failed", "sent"), [(0, 5_000), (4, 5_000), (40, 5_000)])
def test_the_fewest_that_are_shown_are_shown_and_one_fewer_is_not(failed, sent):
    before = Share(failed=failed, sent=sent)
    least = least_shown(before, sent, 0.95)
    assert least is not None
    assert change(before, Share(failed=least, sent=sent), 0.95).low > 0
    assert change(before, Share(failed=least - 1, sent=sent), 0.95).low <= 0


def test_five_against_none_are_shown_and_four_are_not():
    """As by the mid-p of Fisher's exact test, which is 0.031 and 0.063."""
    assert least_shown(Share(failed=0, sent=5_000), 5_000, 0.95) == 5


def test_of_nothing_nothing_is_known():
    assert limits(Share(failed=0, sent=0), 0.95) == (0.0, 1.0)
    assert least_shown(Share(failed=0, sent=9), 0, 0.95) is None
    assert least_shown(Share(failed=9, sent=9), 9, 0.95) is None
