"""Waiting on a real socket, and nothing of the wait left behind."""

import socket
import time
from collections.abc import Iterator

import gevent
import pytest

from harness.traffic.channel import Channel
from harness.traffic.connection import Plain

S = 1_000_000_000


@pytest.fixture
def pair() -> Iterator[tuple[Channel, socket.socket]]:
    """A channel and its peer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        channel = Channel(socket.AF_INET, socket.SOCK_STREAM)
        channel.connect_ex(listener.getsockname())
        peer, _ = listener.accept()
    yield channel, peer
    channel.close()
    peer.close()


def in_s(seconds: float) -> int:
    return time.monotonic_ns() + int(seconds * S)


def waiting(channel: Channel, seconds: float) -> "gevent.Greenlet[..., None]":
    """A greenlet that waits to read."""
    greenlet = gevent.spawn(channel.await_readable, in_s(seconds), time.monotonic_ns)
    gevent.sleep(0)
    return greenlet


def test_what_cannot_be_done_at_once_raises(pair: tuple[Channel, socket.socket]) -> None:
    with pytest.raises(BlockingIOError):
        pair[0].recv(1)


def test_a_wait_ends_when_there_is_something_to_read(pair: tuple[Channel, socket.socket]) -> None:
    channel, peer = pair
    greenlet = waiting(channel, 60)
    assert not greenlet.dead
    peer.send(b"x")
    greenlet.get(timeout=10)
    assert channel.recv(9) == b"x"


def test_a_wait_ends_at_its_deadline(pair: tuple[Channel, socket.socket]) -> None:
    waiting(pair[0], 0.05).get(timeout=10)
    with pytest.raises(BlockingIOError):
        pair[0].recv(1)


def test_no_time_left_is_no_wait(pair: tuple[Channel, socket.socket]) -> None:
    assert waiting(pair[0], 0).dead


def test_a_wait_that_was_given_up_leaves_nothing_that_wakes_later(
    pair: tuple[Channel, socket.socket],
) -> None:
    """A greenlet woken by the last wait's watcher would take it for the end of the next."""
    channel, peer = pair
    woken = []

    def gives_up() -> None:
        try:
            channel.await_readable(in_s(0.05), time.monotonic_ns)
        except ValueError:
            woken.append(gevent.get_hub().switch())

    greenlet = gevent.spawn(gives_up)
    gevent.sleep(0)
    greenlet.kill(ValueError("given up"), block=False)
    peer.send(b"x")
    gevent.sleep(0.2)
    assert woken == []
    greenlet.kill()


def test_closing_again_is_nothing(pair: tuple[Channel, socket.socket]) -> None:
    pair[0].close()
    pair[0].close()


@pytest.mark.parametrize("does", ["sends", "ends", "resets"])
def test_a_connection_is_quiet_until_the_peer_does_something(
    pair: tuple[Channel, socket.socket], does: str
) -> None:
    channel, peer = pair
    wire = Plain(channel)
    assert wire.quiet()
    if does == "sends":
        peer.send(b"x")
    else:
        if does == "resets":
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()
    channel.await_readable(in_s(10), time.monotonic_ns)
    assert not wire.quiet()


def test_the_kernel_tells_when_bytes_came_though_nobody_has_read_them(
    pair: tuple[Channel, socket.socket],
) -> None:
    channel, peer = pair
    time.sleep(0.1)
    sent_ns = time.monotonic_ns()
    peer.send(b"x")
    time.sleep(0.3)
    channel.hear(time.monotonic_ns)
    heard_ns = channel.heard_ns
    assert heard_ns is not None
    assert abs(heard_ns - sent_ns) < 100_000_000
    channel.recv(1)
    channel.hear(time.monotonic_ns)
    again_ns = channel.heard_ns
    assert again_ns is not None
    assert abs(again_ns - heard_ns) < 50_000_000


def test_of_a_socket_of_another_kind_the_kernel_tells_nothing() -> None:
    channel = Channel(socket.AF_UNIX, socket.SOCK_STREAM)
    channel.hear(time.monotonic_ns)
    assert channel.heard_ns is None
    channel.close()
