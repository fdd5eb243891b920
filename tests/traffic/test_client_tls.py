"""What only happens over TLS: the handshake and all its ways to end, sessions, records, ends."""

import ssl

import gevent
import pytest
from certificates import context
from scripted import (
    Behaviour,
    Peer,
    breaks_off,
    closes,
    cuts,
    says,
    says_instead,
    shakes_hands,
    until_end,
    waits,
    whole,
)
from talk import Start, short_s

from harness.model.arrivals import Arrival
from harness.model.outcome import Handshake, Outcome
from harness.model.traffic import Connection, Tls
from harness.traffic.client import Unfinished

SHORT_S = 0.3
ALERT = b"\x15\x03\x03\x00\x02\x02\x28"  # fatal: handshake_failure
FAREWELL = b"\x15\x03\x03\x00\x02\x01\x00"  # warning: close_notify


@pytest.mark.parametrize(
    ("greeting", "outcome"),
    [
        pytest.param(says_instead(), Outcome.closed_in_handshake, id="end"),
        pytest.param(breaks_off(), Outcome.closed_in_handshake, id="end-in-mid-flight"),
        pytest.param(says_instead(FAREWELL), Outcome.closed_in_handshake, id="announced-end"),
        pytest.param(says_instead(then=Peer.reset), Outcome.reset, id="reset"),
        pytest.param(breaks_off(then=Peer.reset), Outcome.reset, id="reset-in-mid-flight"),
        pytest.param(waits, Outcome.handshake_timeout, id="stall"),
        pytest.param(breaks_off(then=waits), Outcome.handshake_timeout, id="stall-in-mid-flight"),
        pytest.param(says_instead(whole()), Outcome.handshake_failed, id="plain-text"),
        pytest.param(says_instead(b"\0" * 50), Outcome.handshake_failed, id="garbage"),
        pytest.param(says_instead(ALERT), Outcome.handshake_failed, id="alert-and-end"),
        pytest.param(says_instead(ALERT, waits), Outcome.handshake_failed, id="alert"),
    ],
)
def test_handshake_that_fails_has_its_own_name(
    start: Start,
    connection: Connection,
    version: ssl.TLSVersion,
    greeting: Behaviour,
    outcome: Outcome,
) -> None:
    talk = start(
        says(whole()),
        connection=connection,
        tls=Tls.full,
        version=version,
        greeting=greeting,
        timeout_s=SHORT_S if outcome is Outcome.handshake_timeout else 5.0,
    )
    sample = talk.send()
    assert sample.outcome is outcome, talk.details
    assert (sample.status, sample.first_byte_ns, sample.connection) == (0, 0, 0)
    assert sample.handshake is Handshake.plain
    assert (talk.client.opened, talk.server.connections, talk.server.requests) == (0, 1, [])
    [(seq, named, text)] = talk.details
    assert (seq, named) == (0, outcome)
    assert "shaking hands" in text
    talk.server.greeting = shakes_hands
    assert talk.send().outcome is Outcome.ok


@pytest.mark.parametrize(
    ("then", "of_1_2", "of_1_3"),
    [
        (Peer.cut_and_drain, Outcome.closed_in_handshake, Outcome.closed_before_answer),
        (waits, Outcome.handshake_timeout, Outcome.answer_timeout),
    ],
    ids=["end", "stall"],
)
def test_client_of_tls_1_3_is_done_with_the_servers_first_words(
    start: Start, version: ssl.TLSVersion, then: Behaviour, of_1_2: Outcome, of_1_3: Outcome
) -> None:
    """What comes after them is found where the answer is waited for."""
    talk = start(
        says(whole()),
        tls=Tls.full,
        version=version,
        greeting=breaks_off(1.0, then),
        timeout_s=short_s(Tls.full) if then is waits else 5.0,
    )
    assert talk.send().outcome is (of_1_2 if version is ssl.TLSVersion.TLSv1_2 else of_1_3)


@pytest.mark.parametrize(
    ("certificate", "trusted", "why"),
    [
        ("right", "www.site.test", "Hostname mismatch"),
        ("wrong-name", "site.test", "Hostname mismatch"),
        ("expired", "site.test", "expired"),
        ("unknown-authority", "site.test", "unable to get local issuer"),
    ],
)
def test_certificate_that_does_not_verify_is_untrusted(
    start: Start, version: ssl.TLSVersion, certificate: str, trusted: str, why: str
) -> None:
    talk = start(
        says(whole()), tls=Tls.full, version=version, certificate=certificate, trusted=trusted
    )
    sample = talk.send()
    assert (sample.outcome, sample.connection) == (Outcome.untrusted, 0)
    assert talk.server.requests == [], "something was sent to a stranger"
    assert why in talk.details[0][2]


def test_handshake_that_trickles_is_waited_for(start: Start, version: ssl.TLSVersion) -> None:
    def trickled(peer: Peer) -> None:
        assert peer.tls is not None
        flight = peer.tls.first_flight()
        for at in range(0, len(flight), 20):
            peer.sock.sendall(flight[at : at + 20])
            peer.pause(0.001)
        peer.tls.shake_hands()

    talk = start(says(whole()), tls=Tls.full, version=version, greeting=trickled)
    assert talk.send().outcome is Outcome.ok


def test_request_given_up_in_the_handshake_is_unfinished(start: Start) -> None:
    talk = start(says(whole()), tls=Tls.full, greeting=waits, timeout_s=30.0)
    sending = gevent.spawn(talk.client.send, Arrival(0, 0, 0))
    talk.until(lambda: talk.server.connections)
    gevent.sleep(0.05)  # for the client to see it too
    sending.kill(Unfinished)
    assert sending.get().outcome is Outcome.unfinished
    assert "shaking hands" in talk.details[0][2]


# Sessions.


@pytest.mark.parametrize("connection", Connection)
@pytest.mark.parametrize(
    ("tls", "later"), [(Tls.full, Handshake.full), (Tls.resume, Handshake.resumed)]
)
def test_later_connections_resume_where_the_stream_does(
    start: Start, version: ssl.TLSVersion, connection: Connection, tls: Tls, later: Handshake
) -> None:
    closing = closes(whole(extra=b"Connection: close\r\n"))
    talk = start(closing, tls=tls, connection=connection, version=version)
    samples = [talk.send() for _ in range(4)]
    assert {sample.outcome for sample in samples} == {Outcome.ok}
    assert [sample.connection for sample in samples] == [1, 2, 3, 4]
    assert [sample.handshake for sample in samples] == [Handshake.full, later, later, later]


def test_handshake_stands_with_each_request_of_a_connection(start: Start) -> None:
    talk = start([says(whole()), closes(whole()), says(whole())], tls=Tls.resume)
    told = [(s.connection, s.reuse, s.handshake) for s in (talk.send(), talk.send())]
    talk.until_served(2)
    told += [(s.connection, s.reuse, s.handshake) for s in (talk.send(), talk.send())]
    assert told == [
        (1, 0, Handshake.full),
        (1, 1, Handshake.full),
        (2, 0, Handshake.resumed),
        (2, 1, Handshake.resumed),
    ]


def test_session_that_the_server_has_forgotten_costs_a_handshake_and_no_failure(
    start: Start, version: ssl.TLSVersion
) -> None:
    talk = start(says(whole()), tls=Tls.resume, connection=Connection.new, version=version)
    talk.send()
    talk.server.context = context.__wrapped__("right", version)  # with ticket keys of its own
    assert [(s.outcome, s.handshake) for s in (talk.send(), talk.send())] == [
        (Outcome.ok, Handshake.full),
        (Outcome.ok, Handshake.resumed),
    ]


def test_server_without_tickets_is_met_in_full_each_time(start: Start) -> None:
    talk = start(says(whole()), tls=Tls.resume, connection=Connection.new)
    talk.server.context = context(gives_tickets=False)
    assert [talk.send().handshake for _ in range(3)] == [Handshake.full] * 3


# Ends that TLS was not told of, and records.


@pytest.mark.parametrize(
    ("behaviour", "outcome", "status"),
    [
        pytest.param(cuts(), Outcome.closed_before_answer, 0, id="before-any-byte"),
        pytest.param(cuts(whole()[:20]), Outcome.truncated, 0, id="in-headers"),
        pytest.param(cuts(whole()[:-2]), Outcome.truncated, 200, id="in-body"),
        pytest.param(cuts(whole()), Outcome.ok, 200, id="after-declared-length"),
        pytest.param(closes(until_end()), Outcome.ok, 200, id="announced-where-end-was-due"),
        pytest.param(cuts(until_end()), Outcome.truncated, 200, id="where-end-was-due"),
    ],
)
def test_ragged_end_is_no_end_of_an_answer(
    start: Start, version: ssl.TLSVersion, behaviour: Behaviour, outcome: Outcome, status: int
) -> None:
    talk = start([behaviour, says(whole())], tls=Tls.full, version=version)
    sample = talk.send()
    assert (sample.outcome, sample.status) == (outcome, status), talk.details
    talk.until_served(1)
    after = talk.send()
    assert (after.outcome, after.reuse) == (Outcome.ok, 0)
    assert len(talk.server.requests) == 2


def test_ragged_end_without_an_answer_on_a_used_connection_has_its_own_name(start: Start) -> None:
    talk = start([says(whole()), cuts()], tls=Tls.full)
    assert [talk.send().outcome for _ in range(2)] == [Outcome.ok, Outcome.closed_on_reuse]


def says_raw(change: object, then: Behaviour) -> Behaviour:
    """Send the records of a whole answer, changed, and do what comes `then`."""

    def behave(peer: Peer) -> None:
        assert peer.tls is not None
        peer.sock.sendall(change(peer.tls.sealed(whole())))  # type: ignore[operator]
        then(peer)

    return behave


def test_record_cut_at_any_byte_gives_no_byte_of_an_answer(start: Start) -> None:
    """What cannot be authenticated has not come."""
    cut_at = [0, 1, 4, 5, 6, 50, -17, -1]
    script = [says_raw(lambda data, n=n: data[:n], Peer.cut) for n in cut_at]
    talk = start(script, tls=Tls.full)
    assert [talk.send().outcome for _ in cut_at] == [Outcome.closed_before_answer] * len(cut_at)


def test_second_record_cut_is_a_truncated_answer(start: Start) -> None:
    def behave(peer: Peer) -> None:
        assert peer.tls is not None
        peer.send(whole()[:-2])
        peer.sock.sendall(peer.tls.sealed(whole()[-2:])[:-1])
        peer.cut()

    assert start(behave, tls=Tls.full).send().outcome is Outcome.truncated


def test_stall_within_a_record_is_answer_timeout(start: Start) -> None:
    stalling = says_raw(lambda data: data[:-1], waits)
    sample = start(stalling, tls=Tls.full, timeout_s=short_s(Tls.full)).send()
    assert (sample.outcome, sample.first_byte_ns) == (Outcome.answer_timeout, 0)


@pytest.mark.parametrize("at", [0, 1, 5, 30, -1])
def test_record_with_a_bit_turned_is_malformed(
    start: Start, version: ssl.TLSVersion, at: int
) -> None:
    def turned(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[at] ^= 0x40
        return bytes(changed)

    talk = start(
        [says_raw(turned, Peer.cut_and_drain), says(whole())], tls=Tls.full, version=version
    )
    sample = talk.send()
    assert sample.outcome is Outcome.malformed, talk.details
    assert talk.send().outcome is Outcome.ok


def test_answer_in_the_clear_on_a_secured_connection_is_malformed(start: Start) -> None:
    def in_the_clear(peer: Peer) -> None:
        peer.sock.sendall(whole())
        peer.cut_and_drain()

    assert start(in_the_clear, tls=Tls.full).send().outcome is Outcome.malformed
