"""Each strategy that claims to drop nothing, several times in a row, with the default mix."""

from collections.abc import Callable

import pytest

from harness.verify import Judged

pytestmark = pytest.mark.catalogue

SWAPS = 5


def _assert_drops_nothing(judged: Judged) -> None:
    judged.assert_passed()
    assert judged.result.requests.failed == 0
    assert judged.result.requests.unknown == 0


@pytest.mark.parametrize("replicas", [1, 2])
def test_rolling_drops_no_request(proved: Callable[..., Judged], replicas: int) -> None:
    """One replica after the other: while both releases answer, each request gets one of them."""
    _assert_drops_nothing(proved(swap="rolling", swaps=SWAPS, replicas=replicas))


def test_blue_green_drops_no_request(proved: Callable[..., Judged]) -> None:
    """Requests in flight end in the pool where they began; the next one goes to the other."""
    _assert_drops_nothing(proved(swap="blue-green", swaps=SWAPS))


def test_canary_drops_no_request(proved: Callable[..., Judged]) -> None:
    """Four shares, each judged by what HAProxy counted before the next."""
    _assert_drops_nothing(proved(swap="canary", swaps=SWAPS))


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
