"""What is sent, on which connection, and what its answer is held against."""

import time
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from certificates import trust
from scripted import Behaviour, Peer, chunked, closes, cuts, says, whole
from talk import Start, stream

from harness.model.arrivals import Arrival
from harness.model.draw import Draw, DrawKind
from harness.model.outcome import Outcome
from harness.model.row import NAME_BYTES
from harness.model.traffic import Connection, Tls, Traffic
from harness.traffic.client import DETAIL_CHARS, Client
from harness.traffic.connection import Plain
from harness.traffic.tls import Secured


def test_request_is_exactly_this(start: Start) -> None:
    talk = start(says(whole()), headers={"Accept": "text/plain"})
    talk.send()
    assert talk.server.requests == [
        b"GET /page HTTP/1.1\r\nHost: site.test\r\nX-Request-Id: r1-0\r\nAccept: text/plain\r\n\r\n"
    ]


def test_write_is_exactly_this(start: Start) -> None:
    """The operation id fills every gap; the length follows it as it gains a digit."""
    talk = start(
        lambda peer: peer.send(whole(peer.request.partition(b"\r\n\r\n")[2])),
        method="POST",
        path="/w/{operation}",
        body='{"é": "{operation}"}',
        write=True,
        connection=Connection.new,
        expect_body={"*": '{"é": "{operation}"}'},
    )
    talk.seq = 9
    assert [talk.send().outcome for _ in range(2)] == [Outcome.ok] * 2
    assert talk.server.requests[1] == (
        b"POST /w/r1-10 HTTP/1.1\r\nHost: site.test\r\nX-Request-Id: r1-10\r\n"
        b"X-Operation-Id: r1-10\r\nConnection: close\r\nContent-Length: 15\r\n\r\n"
        b'{"\xc3\xa9": "r1-10"}'
    )
    assert b"Content-Length: 14\r\n" in talk.server.requests[0]


def test_what_is_drawn_for_a_request_fills_its_gaps_in_path_and_headers(start: Start) -> None:
    """By seed and seq alone: whoever knows both knows what was sent."""
    service = Draw(kind=DrawKind.exponential, mean=20_000.0)
    key = Draw(kind=DrawKind.key, keys=9)
    talk = start(
        says(whole()),
        path="/{key}?key={key}",
        headers={"X-Service-Us": "{service}"},
        drawn={"service": service, "key": key},
        seed=5,
    )
    talk.seq = 3
    talk.send()
    talk.send()
    for request, seq in zip(talk.server.requests, (3, 4), strict=True):
        chosen, us = key.text("key", 5, seq), service.text("service", 5, seq)
        assert request.startswith(f"GET /{chosen}?key={chosen} HTTP/1.1\r\n".encode())
        assert f"\r\nX-Service-Us: {us}\r\n".encode() in request


def test_post_without_body_states_its_length(start: Start) -> None:
    talk = start(says(whole()), method="POST")
    talk.send()
    assert talk.server.requests[0].endswith(b"\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize(
    "settings",
    [
        {"path": "/a b"},
        {"path": "a"},
        {"path": "/a\r\nX: y"},
        {"path": "/é"},
        {"method": "GET /"},
        {"method": "CONNECT"},
    ],
)
def test_stream_that_http_forbids_is_refused_at_once(settings: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="stream 'page'"):
        Client(
            host="127.0.0.1",
            port=1,
            authority="a",
            run="r1",
            traffic=Traffic(streams=(stream(**settings),)),
        )


@pytest.mark.parametrize(
    "headers", [{"Host": "x"}, {"x-request-id": "x"}, {"A b": "x"}, {"A": "b\r\nC: d"}]
)
def test_header_that_is_not_the_users_to_send_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="header"):
        Client(
            host="127.0.0.1",
            port=1,
            authority="a",
            run="r1",
            traffic=Traffic(streams=(stream(),), headers=headers),
        )


@pytest.mark.parametrize(("authority", "run"), [("", "r"), ("a", ""), ("a", "r 1"), ("a\n", "r")])
def test_names_that_no_header_can_carry_are_refused(authority: str, run: str) -> None:
    with pytest.raises(ValueError, match=r"authority|run"):
        Client(
            host="127.0.0.1",
            port=1,
            authority=authority,
            run=run,
            traffic=Traffic(streams=(stream(),)),
        )


@pytest.mark.parametrize(
    ("tls", "target", "why"),
    [
        (Tls.off, {"port": 0, "tls_port": 1, "trust": trust()}, "without TLS"),
        (Tls.full, {"port": 1, "trust": trust()}, "over TLS"),
        (Tls.resume, {"port": 1, "tls_port": 1}, "over TLS"),
    ],
)
def test_stream_that_the_target_has_no_port_for_is_refused_at_once(
    tls: Tls, target: dict[str, Any], why: str
) -> None:
    with pytest.raises(ValueError, match=f"stream 'page' is {why}"):
        Client(
            host="127.0.0.1",
            authority="a",
            run="r1",
            traffic=Traffic(streams=(stream(tls=tls),)),
            **target,
        )


# Connections.


def test_connection_is_reused(start: Start, tls: Tls) -> None:
    talk = start(says(whole()), tls=tls)
    samples = [talk.send() for _ in range(3)]
    assert [(s.connection, s.reuse) for s in samples] == [(1, 0), (1, 1), (1, 2)]
    assert (talk.server.connections, talk.client.opened) == (1, 1)


def test_new_connection_for_each_request(start: Start, tls: Tls) -> None:
    talk = start(says(whole()), connection=Connection.new, tls=tls)
    samples = [talk.send() for _ in range(3)]
    assert [(s.connection, s.reuse) for s in samples] == [(1, 0), (2, 0), (3, 0)]
    assert talk.server.connections == 3


def test_answer_is_whole_though_the_server_lingers(start: Start) -> None:
    sample = start(says(whole(), b"", gap_s=3), connection=Connection.new).send()
    assert sample.outcome is Outcome.ok
    assert sample.finished_ns - sample.sent_ns < 2e9


@pytest.mark.parametrize(
    "answer",
    [
        whole(extra=b"Connection: close\r\n"),
        whole(extra=b"Connection: x, Close\r\n"),
        whole(extra=b"Connection: x\r\nConnection: close\r\n"),
        whole().replace(b"HTTP/1.1", b"HTTP/1.0"),
        whole(extra=b"Connection: keep-alive\r\n").replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
)
def test_connection_is_not_reused_against_the_servers_word(start: Start, answer: bytes) -> None:
    talk = start(says(answer))
    assert [talk.send().reuse for _ in range(2)] == [0, 0]


@pytest.mark.parametrize("end", [closes, cuts])
def test_close_seen_before_sending_is_no_failure(
    start: Start, tls: Tls, end: Callable[[bytes], Behaviour]
) -> None:
    """Over TLS whether it was announced or not."""
    talk = start([end(whole()), says(whole())], tls=tls)
    assert talk.send().outcome is Outcome.ok
    talk.until_served(1)
    sample = talk.send()
    assert (sample.outcome, sample.connection, sample.reuse) == (Outcome.ok, 2, 0)
    assert (talk.client.closed_idle, talk.client.unasked) == (1, 0)
    assert len(talk.server.requests) == 2


@pytest.mark.parametrize("end", [closes, cuts])
def test_close_between_the_last_look_and_the_request_has_its_own_name(
    start: Start, tls: Tls, end: Callable[[bytes], Behaviour], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race that no client can win: it is a failure, and nothing is tried again."""
    talk = start([end(whole()), says(whole())], tls=tls)
    talk.send()
    talk.until_served(1)
    for wire in (Plain, Secured):
        monkeypatch.setattr(wire, "quiet", lambda _: True)
    sample = talk.send()
    assert (sample.outcome, sample.connection, sample.reuse) == (Outcome.closed_on_reuse, 1, 1)
    assert sample.first_byte_ns == 0
    assert (len(talk.server.requests), talk.client.closed_idle) == (1, 0)


def test_reset_seen_before_sending_is_no_failure(start: Start, tls: Tls) -> None:
    def resets_later(peer: Peer) -> None:
        peer.send(whole())
        peer.pause(0.02)
        peer.reset()

    talk = start([resets_later, says(whole())], tls=tls)
    talk.send()
    talk.until_served(1)
    assert talk.send().outcome is Outcome.ok
    assert talk.client.closed_idle == 1


def test_stray_bytes_seen_before_sending_are_not_taken_for_an_answer(
    start: Start, tls: Tls
) -> None:
    talk = start([says(whole(), whole(b"stray"), gap_s=0.02), says(whole())], tls=tls)
    talk.send()
    talk.until_served(1)
    sample = talk.send()
    assert (sample.outcome, sample.connection) == (Outcome.ok, 2)
    assert (talk.client.closed_idle, talk.client.unasked) == (1, 1)
    assert talk.client.unasked_text.startswith("connection 1: b'HTTP/1.1 200 OK")


def test_stray_bytes_are_told_though_their_connection_is_never_used_again(
    start: Start, tls: Tls
) -> None:
    talk = start(says(whole(), whole(b"stray"), gap_s=0.02), tls=tls)
    talk.send()
    talk.until_served(1)
    time.sleep(0.02)
    talk.client.close()
    assert (talk.client.closed_idle, talk.client.unasked) == (0, 1)


def test_close_after_sending_on_a_used_connection_has_its_own_name(start: Start, tls: Tls) -> None:
    talk = start([says(whole()), closes(), says(whole())], tls=tls)
    samples = [talk.send() for _ in range(3)]
    assert [(s.outcome, s.connection, s.reuse) for s in samples] == [
        (Outcome.ok, 1, 0),
        (Outcome.closed_on_reuse, 1, 1),
        (Outcome.ok, 2, 0),
    ]
    assert talk.client.closed_idle == 0


def test_idle_connections_are_ended_by_us_first(start: Start, tls: Tls) -> None:
    talk = start(says(whole()), max_idle_s=0.05, tls=tls)
    talk.send()
    time.sleep(0.08)
    sample = talk.send()
    assert (sample.outcome, sample.connection) == (Outcome.ok, 2)
    assert talk.client.closed_idle == 0


def test_last_used_connection_is_taken_first(start: Start, tls: Tls) -> None:
    talk = start(says(b"", whole(), gap_s=0.05), tls=tls)
    sending = [gevent.spawn(talk.client.send, Arrival(n, 0, 0)) for n in range(2)]
    gevent.joinall(sending)
    last = max((s.value for s in sending), key=lambda sample: sample.finished_ns)
    assert talk.send().connection == last.connection


def test_streams_share_no_connections(start: Start, tls: Tls) -> None:
    talk = start(says(whole()), tls=tls)
    other = stream(name="other", tls=tls)
    samples = [talk.send(), talk.send(other), talk.send(), talk.send(other)]
    assert [(s.connection, s.reuse) for s in samples] == [(1, 0), (2, 0), (1, 1), (2, 1)]


def test_close_ends_idle_connections(start: Start, tls: Tls) -> None:
    talk = start(says(whole()), tls=tls)
    talk.send()
    talk.client.close()
    assert (talk.send().connection, talk.client.closed_idle) == (2, 0)


# Expectations.


def test_body_of_any_release_is_expected_under_a_star(start: Start) -> None:
    talk = start(says(whole()), expect_body={"v2": "no", "*": "hello"})
    assert talk.send().outcome is Outcome.ok


def test_own_text_of_a_release_comes_before_the_star(start: Start) -> None:
    talk = start(says(whole()), expect_body={"v1": "no", "*": "hello"})
    assert talk.send().outcome is Outcome.wrong_body


def test_unchecked_body_is_counted(start: Start) -> None:
    talk = start(says(whole(b"x" * 3_000_000)), expect_body=None, timeout_s=5)
    sample = talk.send()
    assert (sample.outcome, sample.bytes) == (Outcome.ok, 3_000_000)


@pytest.mark.parametrize(
    ("last", "outcome"),
    [(b"x", Outcome.ok), (b"y", Outcome.wrong_body), (b"xx", Outcome.wrong_body)],
)
def test_large_body_is_compared_to_its_last_byte(
    start: Start, last: bytes, outcome: Outcome
) -> None:
    body = b"x" * 2_999_999 + last
    talk = start(
        [says(whole(body)), says(chunked(body))],
        expect_body={"v1": "x" * 3_000_000},
        timeout_s=5,
    )
    assert [talk.send().outcome for _ in range(2)] == [outcome] * 2


def test_release_and_instance_are_bounded(start: Start) -> None:
    long = b"\xc3\xa9" * 40
    talk = start(says(whole(extra=b"").replace(b"i1", long)))
    assert talk.send().instance == "é" * (NAME_BYTES // 2)


def test_detail_is_bounded(start: Start) -> None:
    talk = start(says(whole(b"\0" * 100)), expect_body={"v1": "\1" * 100})
    talk.send()
    assert len(talk.details[0][2]) == DETAIL_CHARS


def test_detail_names_where_bodies_differ(start: Start) -> None:
    talk = start(says(whole(b"help!")))
    talk.send()
    text = talk.details[0][2]
    assert "at byte 3" in text
    assert "expected b'lo', observed b'p!'" in text
