"""Waiting up to a deadline, on a socket that only plays one."""

import errno
import itertools
import os
from typing import Any

import pytest

from harness.traffic.connection import receive


class Fake:
    """Answers each recv with the next of its answers; exceptions are raised."""

    def __init__(self, *answers: bytes | OSError) -> None:
        self.answers = list(answers)
        self.timeouts: list[float] = []

    def settimeout(self, timeout: float) -> None:
        self.timeouts.append(timeout)

    def recv(self, _size: int) -> bytes:
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer


def receive_from(sock: Any, *now_ns: int) -> bytes:
    return receive(sock, 1_000_000_000, itertools.chain(now_ns).__next__)


def test_timer_that_ran_early_is_waited_on_again() -> None:
    sock = Fake(TimeoutError("timed out"), b"x")
    assert receive_from(sock, 0, 750_000_000) == b"x"
    assert sock.timeouts == [1.0, 0.25]


def test_last_look_is_taken_after_the_deadline() -> None:
    sock = Fake(TimeoutError("timed out"), b"x")
    assert receive_from(sock, 0, 1_000_000_000) == b"x"
    assert sock.timeouts == [1.0, 0.0]


def test_nothing_at_the_last_look_is_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        receive_from(Fake(BlockingIOError()), 2_000_000_000)


def test_kernels_own_timeout_is_not_asked_twice() -> None:
    """The next recv would find an end of the stream that never came."""
    sock = Fake(TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)), b"")
    with pytest.raises(TimeoutError):
        receive_from(sock, 0, 0)
