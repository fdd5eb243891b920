"""Each strategy that claims to drop nothing, twenty swaps in a row (`make strategies`)."""

from collections.abc import Callable

import pytest

from harness.model.finding import Verdict
from harness.verify import Judged

pytestmark = pytest.mark.strategies


SWAPS = 20
"""So many without a failure bound the probability of one in a swap to 14 %, at 95 % confidence."""


def _assert_drops_nothing(judged: Judged) -> None:
    judged.assert_passed()
    assert judged.result.requests.failed == 0
    assert judged.result.requests.unknown == 0
    _assert_looked_at(judged, "writes")


def _assert_looked_at(judged: Judged, check: str) -> None:
    """It passes where there is nothing to look at as well: then it has no evidence."""
    [finding] = [each for each in judged.result.findings if each.check == check]
    assert finding.verdict is Verdict.passed
    assert finding.evidence


@pytest.mark.parametrize(
    ("swap", "replicas"),
    [("drain", 1), ("rolling", 1), ("rolling", 2), ("blue-green", 1), ("canary", 1), ("reload", 1)],
)
def test_a_safe_strategy_drops_nothing_of_the_heavy_mix(
    proved: Callable[..., Judged], swap: str, replicas: int
) -> None:
    """Downloads, uploads, sessions, events and WebSockets cross each swap; writes are counted."""
    judged = proved(swap=swap, swaps=SWAPS, replicas=replicas, mix="heavy")
    _assert_drops_nothing(judged)
    _assert_looked_at(judged, "visits")


def test_stop_signal_keeps_the_posts_promise_at_a_bounded_price(
    proved: Callable[..., Judged],
) -> None:
    """Scale to two, `docker stop` the old one, and not a word to HAProxy.

    What it costs are the requests that HAProxy sends to a new server before its first check: each
    waits out `timeout connect`, 100 ms, and is sent elsewhere; it is counted as a near miss. The
    slow start of new servers makes them few. (`scale-then-stop`, the same two commands without
    these settings, makes 40 of them wait 250 ms.)
    """
    judged = proved(swap="stop-signal", swaps=SWAPS)
    _assert_drops_nothing(judged)
    saved = judged.result.near_misses
    assert saved.count <= 10 * SWAPS, "the slow start keeps them few"
