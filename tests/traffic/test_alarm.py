"""Waking at a moment: never before it, and never before what is ready was looked after."""

import os
import time
from collections.abc import Iterator

import gevent
import pytest

from harness.traffic.alarm import Alarm

S = 1_000_000_000


@pytest.fixture(params=["the kernel's timer", "the loop's timer"])
def alarm(request: pytest.FixtureRequest) -> Iterator[Alarm]:
    """Where the kernel has no such timer, the loop's serves: here, after closing."""
    made = Alarm()
    if request.param == "the loop's timer":
        made.close()
    yield made
    made.close()


def test_it_wakes_at_the_moment_or_later(alarm: Alarm) -> None:
    for ahead_ns in (1, 200_000, 3_000_000, 50_000_000):
        at_ns = time.monotonic_ns() + ahead_ns
        alarm.wait(at_ns)
        # The loop's own timer counts from its last turn, and so may be a little early.
        assert time.monotonic_ns() >= at_ns - (0 if alarm._fd >= 0 else 2_000_000)


def test_a_moment_long_past_is_no_wait_without_end(alarm: Alarm) -> None:
    for _ in range(100):
        alarm.wait(time.monotonic_ns() - S)


def test_what_is_ready_is_looked_after_before_a_moment_that_is_past(alarm: Alarm) -> None:
    readable, writable = os.pipe()
    heard: list[int] = []
    watcher = gevent.get_hub().loop.io(readable, 1)
    watcher.start(lambda: heard.append(len(os.read(readable, 1))))
    try:
        for turn in range(1, 6):
            os.write(writable, b"x")
            alarm.wait(1)
            alarm.wait(1)
            assert len(heard) == turn
    finally:
        watcher.close()
        os.close(readable)
        os.close(writable)


def test_a_later_moment_after_an_earlier_one_is_waited_for(alarm: Alarm) -> None:
    """What it rang for before is not what it rings for now."""
    alarm.wait(time.monotonic_ns() - S)
    at_ns = time.monotonic_ns() + 30_000_000
    alarm.wait(at_ns)
    assert time.monotonic_ns() >= at_ns - (0 if alarm._fd >= 0 else 2_000_000)
