"""How a request ends that gets no connection, and whose fault that is."""

import errno
import os
import resource
import socket

import gevent
import pytest
from certificates import trust
from scripted import says, whole
from talk import Start, stream

from harness.model.arrivals import Arrival
from harness.model.outcome import Outcome
from harness.model.traffic import Tls, Traffic
from harness.traffic import connection as connections
from harness.traffic.client import Client

SHORT_S = 0.3


def dead_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def client_of(port: int, **settings: object) -> Client:
    return Client(
        host="127.0.0.1",
        port=port,
        tls_port=port,
        trust=trust(),
        authority="site.test",
        run="r1",
        traffic=Traffic(streams=(stream(**settings),)),
    )


def test_port_without_listener_is_refused(tls: Tls) -> None:
    sample = client_of(dead_port(), tls=tls).send(Arrival(7, 0, 0))
    assert sample.outcome is Outcome.refused
    assert 0 < sample.sent_ns <= sample.finished_ns
    assert (sample.connection, sample.first_byte_ns) == (0, 0)


def test_connection_to_itself_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead port of the ephemeral range may be given to the very socket that asks for it."""
    port = dead_port()
    original = connections.new_socket

    def bound(family: int):
        sock = original(family)
        sock.bind(("127.0.0.1", port))
        return sock

    monkeypatch.setattr("harness.traffic.client.new_socket", bound)
    assert client_of(port).send(Arrival(0, 0, 0)).outcome is Outcome.refused


def test_full_backlog_is_connect_timeout(tls: Tls) -> None:
    listener = socket.socket()
    fillers = []
    try:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        client = client_of(listener.getsockname()[1], timeout_s=SHORT_S, tls=tls)
        sample = client.send(Arrival(0, 0, 0))
    finally:
        for sock in (listener, *fillers):
            sock.close()
    assert sample.outcome is Outcome.connect_timeout
    assert 0.3e9 <= sample.finished_ns - sample.sent_ns < 1e9


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        (errno.EHOSTUNREACH, Outcome.unreachable),
        (errno.ENETUNREACH, Outcome.unreachable),
        (errno.EPERM, Outcome.unreachable),
        (errno.ETIMEDOUT, Outcome.connect_timeout),
        (errno.ECONNRESET, Outcome.reset),
        (errno.EADDRNOTAVAIL, Outcome.not_sent),
        (errno.ENOBUFS, Outcome.not_sent),
    ],
)
def test_errors_of_connecting(
    monkeypatch: pytest.MonkeyPatch, tls: Tls, number: int, outcome: Outcome
) -> None:
    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("harness.traffic.client.establish", fails)
    sample = client_of(1, tls=tls).send(Arrival(0, 0, 0))
    assert sample.outcome is outcome
    assert (sample.sent_ns == 0) is (outcome is Outcome.not_sent)
    assert sample.finished_ns > 0


def test_lack_of_descriptors_is_not_sent(start: Start, tls: Tls) -> None:
    talk = start(says(whole()), tls=tls)
    gevent.sleep(0)  # the hub has its own descriptors by now
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        sample = talk.client.send(Arrival(0, 0, 0))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert (sample.outcome, sample.sent_ns) == (Outcome.not_sent, 0)
    assert sample.finished_ns > 0
    assert "Too many open files" in talk.details[0][2]
    assert talk.server.requests == []
    assert talk.send().outcome is Outcome.ok
