"""Many answers at once: due requests begin between them, and nobody is overtaken or left behind."""

import socket
import time
from collections.abc import Iterator

import gevent
import pytest

from harness.traffic.alarm import Alarm
from harness.traffic.channel import Channel
from harness.traffic.client import Unfinished
from harness.traffic.joining import join
from harness.traffic.turns import of_this_loop

S = 1_000_000_000
MANY = 100
WORK_NS = 300_000
"""What reading an answer takes here."""


@pytest.fixture
def pairs() -> Iterator[list[tuple[Channel, socket.socket]]]:
    """Channels and their peers."""
    made = []
    with socket.create_server(("127.0.0.1", 0), backlog=MANY) as listener:
        for _ in range(MANY):
            channel = Channel(socket.AF_INET, socket.SOCK_STREAM)
            channel.connect_ex(listener.getsockname())
            made.append((channel, listener.accept()[0]))
    yield made
    for channel, peer in made:
        channel.close()
        peer.close()


def reads(channel: Channel, number: int, done: list[int]) -> None:
    channel.await_readable(time.monotonic_ns() + 60 * S, time.monotonic_ns)
    until_ns = time.monotonic_ns() + WORK_NS
    while time.monotonic_ns() < until_ns:
        pass
    done.append(number)


def all_waiting(
    pairs: list[tuple[Channel, socket.socket]], done: list[int]
) -> "list[gevent.Greenlet[..., None]]":
    greenlets = [
        gevent.spawn(reads, channel, number, done) for number, (channel, _) in enumerate(pairs)
    ]
    gevent.sleep(0)
    return greenlets


def all_done(greenlets: "list[gevent.Greenlet[..., None]]") -> None:
    assert join(greenlets, 30)
    gevent.joinall(greenlets, raise_error=True)


def test_what_is_due_begins_between_the_answers_that_are_there(
    pairs: list[tuple[Channel, socket.socket]],
) -> None:
    done: list[int] = []
    greenlets = all_waiting(pairs, done)
    alarm = Alarm()
    for _, peer in pairs:
        peer.send(b"x")
    alarm.wait(time.monotonic_ns() + 1)
    read_before = len(done)
    all_done(greenlets)
    alarm.close()
    assert read_before < MANY / 2
    assert sorted(done) == list(range(MANY))


def test_those_that_wait_are_not_overtaken(pairs: list[tuple[Channel, socket.socket]]) -> None:
    first, second = pairs[: MANY // 2], pairs[MANY // 2 :]
    done: list[int] = []
    greenlets = all_waiting(pairs, done)
    for _, peer in first:
        peer.send(b"x")
    while len(done) < 3:
        gevent.sleep(0)
    for _, peer in second:
        peer.send(b"x")
    all_done(greenlets)
    assert set(done[: len(first)]) == set(range(len(first)))


def test_one_that_is_ended_while_it_waits_holds_nobody_up(
    pairs: list[tuple[Channel, socket.socket]],
) -> None:
    done: list[int] = []
    greenlets = all_waiting(pairs, done)
    for _, peer in pairs:
        peer.send(b"x")
    while not done:
        gevent.sleep(0)
    ended = [greenlet for greenlet in greenlets if not greenlet.dead][::2]
    assert ended
    gevent.killall(ended, timeout=30)
    assert join(greenlets, 30)
    assert len(done) == MANY - len(ended)
    assert not of_this_loop()._waiting


def test_one_that_gives_up_its_turn_is_not_called_for_it(
    pairs: list[tuple[Channel, socket.socket]],
) -> None:
    done: list[int] = []
    called: list[int] = []

    def gives_up(channel: Channel, number: int) -> None:
        try:
            reads(channel, number, done)
        except Unfinished:
            gevent.get_hub().switch()
            called.append(number)

    greenlets = [
        gevent.spawn(gives_up, channel, number) for number, (channel, _) in enumerate(pairs)
    ]
    gevent.sleep(0)
    for _, peer in pairs:
        peer.send(b"x")
    while not done:
        gevent.sleep(0)
    given_up = [greenlet for greenlet in greenlets if not greenlet.dead]
    gevent.killall(given_up, exception=Unfinished, block=False)
    gevent.sleep(0.05)
    assert given_up
    assert called == []
    gevent.killall(given_up, timeout=30)


def test_the_loop_is_not_kept_busy_once_all_were_read(
    pairs: list[tuple[Channel, socket.socket]],
) -> None:
    done: list[int] = []
    greenlets = all_waiting(pairs, done)
    for _, peer in pairs:
        peer.send(b"x")
    all_done(greenlets)
    gevent.sleep(0.01)
    assert not of_this_loop()._busy.active
