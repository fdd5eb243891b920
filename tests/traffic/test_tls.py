"""TLS over a socket, from the client's side: whom it trusts, what it takes for silence."""

import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from certificates import NAME, authority_pem, context, trust
from scripted import Behaviour, Peer, Scripted, breaks_off, says, shakes_hands, waits, whole

from harness.model.outcome import Handshake
from harness.traffic.connection import Connection, Pool, establish, new_socket, receive
from harness.traffic.tls import Secured, Trust

REQUEST = b"GET / HTTP/1.1\r\n\r\n"
Meet = Callable[..., tuple[Secured, socket.socket]]


def deadline_ns() -> int:
    return time.monotonic_ns() + 5_000_000_000


@pytest.fixture
def meet() -> Iterator[Meet]:
    """A secured connection, its handshake made, and its socket."""
    servers: list[Scripted] = []
    made: list[Secured] = []

    def begin(
        greeting: Behaviour = shakes_hands,
        version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
        trusts: Trust | None = None,
        shakes: bool = True,
    ) -> tuple[Secured, socket.socket]:
        server = Scripted(says(whole()), context=context("right", version), greeting=greeting)
        servers.append(server)
        sock = new_socket(socket.AF_INET)
        establish(sock, ("127.0.0.1", server.port), deadline_ns(), time.monotonic_ns)
        made.append((trusts or trust()).secure(sock))
        if shakes:
            made[-1].shake_hands(deadline_ns(), time.monotonic_ns)
        return made[-1], sock

    yield begin
    for secured in made:
        secured.close()
    for server in servers:
        server.__exit__()


def comes(sock: socket.socket) -> bool:
    """Waits until there is something to read."""
    return bool(select.select([sock.fileno()], [], [], 5)[0])


def answer_on(secured: Secured) -> bytes:
    secured.transmit(REQUEST, deadline_ns(), time.monotonic_ns)
    return secured.receive(deadline_ns(), time.monotonic_ns)


# Whom it trusts.


@pytest.mark.parametrize("pem", ["no certificate", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_authority_that_cannot_be_read_is_refused_at_once(pem: str) -> None:
    with pytest.raises((ssl.SSLError, ValueError)):
        Trust(NAME, pem)


def test_given_authority_stands_for_the_systems() -> None:
    """The system's are not trusted beside it."""
    assert Trust(NAME, authority_pem())._context.cert_store_stats()["x509_ca"] == 1


def test_nothing_but_http_1_1_is_offered() -> None:
    offered = context.__wrapped__()
    offered.set_alpn_protocols(["h2", "http/1.1"])
    server = Scripted(says(whole()), context=offered)
    with server:
        sock = new_socket(socket.AF_INET)
        establish(sock, ("127.0.0.1", server.port), deadline_ns(), time.monotonic_ns)
        secured = trust().secure(sock)
        secured.shake_hands(deadline_ns(), time.monotonic_ns)
        assert secured._tls.selected_alpn_protocol() == "http/1.1"
        secured.close()


def test_older_than_tls_1_2_is_not_spoken() -> None:
    assert trust()._context.minimum_version >= ssl.TLSVersion.TLSv1_2


# What it takes for silence.


def test_ticket_that_comes_while_idle_is_no_reason_to_drop_the_connection(meet: Meet) -> None:
    secured, sock = meet()
    assert comes(sock)
    assert len(sock.recv(65536, socket.MSG_PEEK)) > 100, "no ticket came"
    pool = Pool(max_idle_s=60)
    connection = Connection(secured, 1, secured.handshake)
    pool.put(connection, time.monotonic_ns())
    assert pool.take(time.monotonic_ns()) is connection
    assert pool.closed_idle == 0
    assert secured.session is not None
    assert secured.session.has_ticket
    assert answer_on(secured) == whole()


def test_idle_connection_is_quiet_however_often_it_is_asked(
    meet: Meet, version: ssl.TLSVersion
) -> None:
    secured, _ = meet(version=version)
    for _ in range(3):
        assert secured.quiet()
        assert answer_on(secured) == whole()


@pytest.mark.parametrize(
    "then",
    [
        pytest.param(Peer.close, id="announced-end"),
        pytest.param(Peer.cut, id="ragged-end"),
        pytest.param(lambda peer: peer.send(b"x"), id="stray-byte"),
        pytest.param(lambda peer: peer.sock.sendall(b"x" * 5), id="no-record"),
        pytest.param(lambda peer: peer.sock.sendall(b"\x15\x03\x03\0\2\2\x28"), id="alert"),
    ],
)
def test_idle_connection_on_which_anything_comes_is_not_quiet(
    meet: Meet, version: ssl.TLSVersion, then: Behaviour
) -> None:
    def greeting(peer: Peer) -> None:
        shakes_hands(peer)
        then(peer)

    secured, _ = meet(greeting, version)
    end_s = time.monotonic() + 5
    while secured.quiet():  # a ticket may come by itself, before
        assert time.monotonic() < end_s
        time.sleep(0.001)


def test_what_a_look_found_is_still_received(meet: Meet, version: ssl.TLSVersion) -> None:
    def greeting(peer: Peer) -> None:
        shakes_hands(peer)
        peer.send(b"stray")

    secured, _ = meet(greeting, version)
    end_s = time.monotonic() + 5
    while secured.quiet():
        assert time.monotonic() < end_s
        time.sleep(0.001)
    assert not secured.quiet(), "nor at a second look"
    assert secured.receive(time.monotonic_ns(), time.monotonic_ns) == b"stray"


def test_idle_connection_that_was_reset_is_not_quiet(meet: Meet) -> None:
    def greeting(peer: Peer) -> None:
        shakes_hands(peer)
        peer.reset()

    secured, _ = meet(greeting)
    end_s = time.monotonic() + 5
    while secured.quiet():
        assert time.monotonic() < end_s
        time.sleep(0.001)


# Its beginning and its end.


def test_handshake_is_bounded_by_its_deadline(meet: Meet, monkeypatch: pytest.MonkeyPatch) -> None:
    waited_to = []

    def watched(sock: Any, until_ns: int, clock_ns: Callable[[], int]) -> bytes:
        waited_to.append(until_ns)
        return receive(sock, until_ns, clock_ns)

    monkeypatch.setattr("harness.traffic.tls.receive", watched)
    secured, _ = meet(breaks_off(then=waits), shakes=False)
    soon_ns = time.monotonic_ns() + 100_000_000
    with pytest.raises(TimeoutError):
        secured.shake_hands(soon_ns, time.monotonic_ns)
    assert time.monotonic_ns() >= soon_ns
    assert set(waited_to) == {soon_ns}


def test_first_connection_is_a_full_handshake(meet: Meet, version: ssl.TLSVersion) -> None:
    assert meet(version=version)[0].handshake is Handshake.full


def test_close_is_announced_to_the_peer(meet: Meet) -> None:
    heard: list[bytes | OSError] = []

    def greeting(peer: Peer) -> None:
        shakes_hands(peer)
        assert peer.tls is not None
        try:
            heard.append(peer.tls.recv(1))  # b"" where the end was announced
        except OSError as error:
            heard.append(error)
        peer.ended = True

    secured, _ = meet(greeting)
    secured.close()
    end_s = time.monotonic() + 5
    while not heard:
        assert time.monotonic() < end_s
        time.sleep(0.001)
    assert heard == [b""]
