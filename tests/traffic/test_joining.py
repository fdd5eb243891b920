"""All have ended, or the time is over: counted from now, not from the loop's last turn."""

import time

import gevent
import pytest

from harness.traffic.joining import join


@pytest.fixture
def stale_s() -> float:
    """For how long the loop has not turned."""
    gevent.sleep(0.001)
    time.sleep(0.4)
    return 0.4


def test_a_loop_that_has_not_turned_for_long_takes_no_time_from_them(stale_s: float) -> None:
    assert join([gevent.spawn(gevent.sleep, 0.05)], stale_s)


def test_it_gives_up_in_time(stale_s: float) -> None:
    began = time.monotonic()
    sleeps = gevent.spawn(gevent.sleep, 60)
    assert not join([sleeps], stale_s)
    assert stale_s <= time.monotonic() - began < 30
    sleeps.kill()


def test_none_have_ended() -> None:
    assert join([], 60)
