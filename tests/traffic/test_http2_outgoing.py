"""What many write on one connection goes out whole and in order, whatever the kernel takes."""

import errno
import ssl
import time
from typing import Any

import gevent
import pytest

from harness.traffic.http2.outgoing import Outgoing


class Kernel:
    """Takes so many bytes before each wait; plays channel and TLS."""

    def __init__(self, room: int, error: OSError | None = None) -> None:
        self.room = self.each = room
        self.error = error
        self.taken = b""
        self.waits = 0

    def sealed(self, data: bytes) -> bytes:
        return b"<" + data + b">"

    def send(self, data: bytes) -> int:
        if self.error is not None and not self.room:
            raise self.error
        if not self.room:
            raise BlockingIOError
        took = bytes(data[: self.room])
        self.room -= len(took)
        self.taken += took
        return len(took)

    def await_writable(self, _deadline_ns: int, _clock_ns: object) -> None:
        self.waits += 1
        gevent.sleep(0)
        self.room = self.each


def outgoing(kernel: Any) -> Outgoing:
    return Outgoing(kernel, kernel, time.monotonic_ns)


@pytest.mark.parametrize("room", [1, 2, 3, 7, 100])
def test_what_the_kernel_does_not_take_at_once_follows_in_order(room: int) -> None:
    kernel = Kernel(room)
    out = outgoing(kernel)
    for data in (b"one", b"two", b"", b"three"):
        out.put(data)
    gevent.sleep(0.05)
    out.put(b"four")
    gevent.sleep(0.05)
    assert kernel.taken == b"<one><two><><three><four>"
    assert bool(kernel.waits) is (room < 100)
    assert out.error is None


@pytest.mark.parametrize("room", [0, 4])
def test_an_error_ends_writing_and_is_kept_for_who_reads(room: int) -> None:
    kernel = Kernel(room, BrokenPipeError(errno.EPIPE, "gone"))
    kernel.each = 0
    out = outgoing(kernel)
    out.put(b"one")
    gevent.sleep(0.05)
    out.put(b"two")
    assert isinstance(out.error, BrokenPipeError)
    assert kernel.taken == b"<one>"[:room]


def test_what_tls_refuses_is_an_error_too() -> None:
    class Broken(Kernel):
        def sealed(self, data: bytes) -> bytes:
            raise ssl.SSLError(1, "broken")

    out = outgoing(Broken(9))
    out.put(b"x")
    assert isinstance(out.error, ssl.SSLError)


def test_nothing_is_written_once_it_is_stopped() -> None:
    kernel = Kernel(2)
    out = outgoing(kernel)
    out.put(b"one")
    out.stop()
    out.put(b"two")
    gevent.sleep(0.05)
    assert kernel.taken == b"<o"
