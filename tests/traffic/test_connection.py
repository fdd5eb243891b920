"""Waiting up to a deadline, on a socket that only plays one."""

import errno
import itertools
import os
from collections.abc import Callable
from typing import Any

import pytest

from harness.traffic.connection import receive

DEADLINE_NS = 1_000_000_000


class Fake:
    """Answers each recv with the next of its answers; exceptions are raised."""

    def __init__(self, *answers: bytes | OSError) -> None:
        self.answers = list(answers)
        self.waits_ns: list[int] = []

    def await_readable(self, deadline_ns: int, clock_ns: Callable[[], int]) -> None:
        self.waits_ns.append(max(0, deadline_ns - clock_ns()))

    def recv(self, _size: int) -> bytes:
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer


def receive_from(sock: Any, *now_ns: int) -> bytes:
    """`now_ns`: the clock, asked before and after each wait."""
    return receive(sock, DEADLINE_NS, itertools.chain(now_ns).__next__)


def test_wait_that_ended_early_is_repeated() -> None:
    sock = Fake(BlockingIOError(), b"x")
    assert receive_from(sock, 0, 750_000_000, 750_000_000, 800_000_000) == b"x"
    assert sock.waits_ns == [1_000_000_000, 250_000_000]


def test_last_look_is_taken_after_the_deadline() -> None:
    sock = Fake(BlockingIOError(), b"x")
    assert receive_from(sock, 0, 999_999_999, 1_000_000_000, 1_000_000_000) == b"x"
    assert sock.waits_ns == [1_000_000_000, 0]


def test_bytes_that_are_there_when_the_deadline_is_past_are_read() -> None:
    assert receive_from(Fake(b"x"), 2_000_000_000, 2_000_000_000) == b"x"


def test_nothing_at_the_last_look_is_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        receive_from(Fake(BlockingIOError()), 2_000_000_000, 2_000_000_000)


def test_kernels_own_timeout_is_not_asked_twice() -> None:
    """The next recv would find an end of the stream that never came."""
    sock = Fake(TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)), b"")
    with pytest.raises(TimeoutError):
        receive_from(sock, 0, 0)
