"""Waiting up to a deadline, and keeping for reuse, on sockets that only play some."""

import errno
import itertools
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from harness.traffic.connection import Connection, Pool, receive

DEADLINE_NS = 1_000_000_000


class Fake:
    """Answers each recv with the next of its answers; exceptions are raised."""

    def __init__(self, *answers: bytes | OSError) -> None:
        self.answers = list(answers)
        self.waits_ns: list[int] = []
        self.heard_unread = 0
        """How much was still to come as the kernel was asked when the last of it came."""

    def await_readable(self, deadline_ns: int, clock_ns: Callable[[], int]) -> None:
        self.waits_ns.append(max(0, deadline_ns - clock_ns()))

    def hear(self, _clock_ns: Callable[[], int]) -> None:
        self.heard_unread = len(self.answers)

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
    sock = Fake(b"x")
    assert receive_from(sock, 2_000_000_000, 2_000_000_000) == b"x"
    assert sock.heard_unread == 1, "the read makes room: what comes by it is no sign of lateness"


def test_nothing_at_the_last_look_is_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        receive_from(Fake(BlockingIOError()), 2_000_000_000, 2_000_000_000)


def test_kernels_own_timeout_is_not_asked_twice() -> None:
    """The next recv would find an end of the stream that never came."""
    sock = Fake(TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)), b"")
    with pytest.raises(TimeoutError):
        receive_from(sock, 0, 0)


# The pool, on wires that only play some.


class Line:
    """A wire that ends when it is told to. Implements Wire as far as a pool needs it."""

    session = None
    heard_ns = None

    def __init__(self) -> None:
        self.is_quiet = True
        self.said: bytes | OSError = b""
        """What comes where it is not quiet: nothing at an end in order."""
        self.closed = 0
        self.closed_unheard = b""
        """What had come over it by its close."""

    def quiet(self) -> bool:
        return self.is_quiet

    def receive(self, _deadline_ns: int, _clock_ns: Callable[[], int]) -> bytes:
        assert not self.is_quiet
        if isinstance(self.said, OSError):
            raise self.said
        return self.said

    def close(self) -> None:
        self.closed += 1
        if not self.is_quiet and isinstance(self.said, bytes):
            self.closed_unheard = self.said


class PoolMachine(RuleBasedStateMachine):
    """Connections are taken, put back, ended by the peer and left alone, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = Pool(max_idle_s=10)
        self.now_ns = 0
        self.lines: list[Line] = []
        self.out: list[Connection] = []
        self.idle: list[Connection] = []
        """In the order in which they were put."""
        self.ended_idle = 0

    def old(self, connection: Connection) -> bool:
        return self.now_ns - connection.idle_ns > 10_000_000_000

    @rule()
    def opens(self) -> None:
        self.lines.append(Line())
        self.out.append(Connection(self.lines[-1], len(self.lines)))  # type: ignore[arg-type]

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def puts(self, data: st.DataObject) -> None:
        connection = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        self.pool.put(connection, self.now_ns)
        self.idle.append(connection)

    @rule()
    def takes(self) -> None:
        """The last put that is neither too old nor ended; those that were found ended count."""
        self.idle = [connection for connection in self.idle if not self.old(connection)]
        expected = None
        while self.idle and expected is None:
            last = self.idle.pop()
            if last.wire.quiet():
                expected = last
            else:
                self.ended_idle += 1
        taken = self.pool.take(self.now_ns)
        assert taken is expected
        if taken is not None:
            assert taken not in self.out, "handed out twice"
            self.out.append(taken)

    @precondition(lambda self: self.lines)
    @rule(data=st.data())
    def ends(self, data: st.DataObject) -> None:
        line = self.lines[data.draw(st.integers(0, len(self.lines) - 1))]
        if line.is_quiet:
            line.is_quiet = False
            line.said = data.draw(st.sampled_from([b"", b"stray", ConnectionResetError()]))

    @rule(left_s=st.sampled_from([1, 4, 11]))
    def waits(self, left_s: int) -> None:
        self.now_ns += left_s * 1_000_000_000

    @rule()
    def closes(self) -> None:
        self.pool.close()
        self.idle = []

    @invariant()
    def counts_are_exact(self) -> None:
        assert self.pool.closed_idle == self.ended_idle
        strayed = sum(1 for line in self.lines if line.closed_unheard)
        assert self.pool.unasked == strayed
        assert self.pool.unasked_text.endswith("b'stray'") is bool(strayed)

    @invariant()
    def what_is_out_is_open_and_the_rest_is_closed_once(self) -> None:
        held = {id(connection.wire) for connection in [*self.out, *self.idle]}
        for line in self.lines:
            if id(line) not in held:
                assert line.closed == 1
            elif id(line) in {id(connection.wire) for connection in self.out}:
                assert line.closed == 0


test_pool_hands_out_each_connection_once_and_counts_what_ended = PoolMachine.TestCase
