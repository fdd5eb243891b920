"""What is sent over HTTP/2, on which connections, and what is told of it."""

import gevent
import pytest
from certificates import trust
from scripted_http2 import Asked, Behaviour, Peer, answers, goes_away, says
from talk import Start, stream

from harness.model.outcome import Handshake, Outcome
from harness.model.traffic import Connection, Stream, Tls, Traffic
from harness.model.visit import Until, Visit, VisitKind
from harness.traffic.client import Client

BIG = 300_000


def operation(asked: Asked) -> bytes:
    return asked.value(b"x-operation-id")


def once_there_are(count: int, then: Behaviour) -> Behaviour:
    """Keeps the requests of one connection until so many have come, and takes the last first."""
    kept: list[Asked] = []

    def behave(peer: Peer, asked: Asked) -> None:
        kept.append(asked)
        if len(kept) == count:
            for each in reversed(kept):
                then(peer, each)

    return behave


def test_a_request_is_said_as_in_http_1_but_for_what_that_says_of_the_connection(
    start_http2: Start,
) -> None:
    talk = start_http2(answers(), headers={"X-Shop": " a b "})
    sample = talk.send()
    assert sample.outcome is Outcome.ok, talk.details
    assert talk.server.requests[0].fields == [
        (b":method", b"GET"),
        (b":scheme", b"https"),
        (b":authority", b"site.test"),
        (b":path", b"/page"),
        (b"x-request-id", b"r1-0"),
        (b"user-agent", b"tests"),
        (b"x-shop", b"a b"),
    ]
    assert talk.server.requests[0].body == b""
    assert (sample.status, sample.bytes, sample.release, sample.instance) == (200, 5, "v1", "i1")
    assert (sample.connection, sample.reuse, sample.handshake) == (1, 0, Handshake.full)


def test_a_write_carries_its_operation_and_its_body(start_http2: Start) -> None:
    talk = start_http2(
        lambda peer, asked: peer.answer(asked, b"applied " + operation(asked)),
        method="POST",
        path="/operations/{operation}",
        body="{operation}",
        expect_body={"*": "applied {operation}"},
        write=True,
    )
    assert [talk.send().outcome for _ in range(2)] == [Outcome.ok] * 2
    assert [asked.body for asked in talk.server.requests] == [b"r1-0", b"r1-1"]
    last = dict(talk.server.requests[1].fields)
    assert (last[b":path"], last[b"content-length"]) == (b"/operations/r1-1", b"4")


def test_many_are_under_way_on_one_connection_and_each_gets_its_own_answer(
    start_http2: Start,
) -> None:
    count = 40
    talk = start_http2(
        once_there_are(count, lambda peer, asked: peer.answer(asked, operation(asked))),
        write=True,
        expect_body={"*": "{operation}"},
    )
    samples = talk.together(count)
    assert {sample.outcome for sample in samples} == {Outcome.ok}, talk.details
    assert {sample.connection for sample in samples} == {1}
    assert sorted(sample.reuse for sample in samples) == list(range(count))
    assert talk.server.connections == talk.client.opened == 1


def test_a_kept_connection_is_used_again_and_a_new_one_is_not(
    start_http2: Start, connection: Connection
) -> None:
    talk = start_http2(answers(), connection=connection)
    told = [(sample.connection, sample.reuse) for sample in (talk.send() for _ in range(3))]
    if connection is Connection.reuse:
        assert told == [(1, 0), (1, 1), (1, 2)]
        assert talk.server.farewells == 0
        return
    assert told == [(1, 0), (2, 0), (3, 0)]
    talk.until(lambda: talk.server.farewells == 3)
    assert (b"connection", b"close") not in talk.server.requests[0].fields


@pytest.mark.parametrize(
    ("tls", "later"), [(Tls.full, Handshake.full), (Tls.resume, Handshake.resumed)]
)
def test_later_connections_resume_where_the_stream_does(
    start_http2: Start, tls: Tls, later: Handshake
) -> None:
    talk = start_http2(answers(), tls=tls, connection=Connection.new)
    assert [talk.send().handshake for _ in range(3)] == [Handshake.full, later, later]


def test_bodies_longer_than_the_windows_are_read_to_their_end(start_http2: Start) -> None:
    talk = start_http2(answers(b"x" * BIG), expect_body={"v1": "x" * BIG})
    samples = talk.together(3)
    assert [(s.outcome, s.bytes) for s in samples] == [(Outcome.ok, BIG)] * 3, talk.details


def test_bodies_longer_than_the_windows_are_sent_as_these_open(start_http2: Start) -> None:
    talk = start_http2(
        lambda peer, asked: peer.answer(asked, b"%d" % len(asked.body)),
        method="POST",
        body="y" * BIG,
        expect_body={"*": str(BIG)},
    )
    samples = talk.together(3)
    assert [sample.outcome for sample in samples] == [Outcome.ok] * 3, talk.details
    assert {sample.connection for sample in samples} == {1}


def test_an_answer_to_head_has_no_body(start_http2: Start) -> None:
    def behave(peer: Peer, asked: Asked) -> None:
        peer.head(asked, fields=[("content-length", "5")], ends=True)
        peer.flush()

    sample = start_http2(behave, method="HEAD").send()
    assert (sample.outcome, sample.bytes) == (Outcome.ok, 0)


def test_interim_answers_and_trailers_are_none(start_http2: Start) -> None:
    def behave(peer: Peer, asked: Asked) -> None:
        for status in ("100", "103"):
            peer.head(asked, status, [("x-release", "no")])
        peer.head(asked)
        peer.h2.send_data(asked.number, b"hello")
        peer.h2.send_headers(asked.number, [("x-release", "neither")], end_stream=True)
        peer.flush()

    sample = start_http2(behave).send()
    assert (sample.outcome, sample.status, sample.release) == (Outcome.ok, 200, "v1")


def test_an_answer_that_trickles_is_waited_for_and_dated_by_its_beginning(
    start_http2: Start,
) -> None:
    def behave(peer: Peer, asked: Asked) -> None:
        peer.head(asked)
        for letter in (b"h", b"e", b"l", b"l"):
            peer.h2.send_data(asked.number, letter)
            peer.flush()
            peer.pause(0.02)
        peer.h2.send_data(asked.number, b"o", end_stream=True)
        peer.flush()

    sample = start_http2(behave).send()
    assert sample.outcome is Outcome.ok
    assert sample.sent_ns < sample.first_byte_ns < sample.finished_ns


def test_a_second_connection_takes_what_the_first_has_no_room_for(start_http2: Start) -> None:
    def behave(peer: Peer, asked: Asked) -> None:
        if asked.value(b"x-request-id") != b"r1-0":
            peer.pause(0.3)
        peer.answer(asked)

    talk = start_http2(behave, server={"most_streams": 2})
    talk.send()
    samples = talk.together(5)
    assert {sample.outcome for sample in samples} == {Outcome.ok}, talk.details
    used = [sample.connection for sample in samples]
    assert used.count(1) == 2
    assert len(set(used)) >= 2


def test_requests_wait_for_the_connection_that_is_being_made(start_http2: Start) -> None:
    talk = start_http2(answers(), server={"greets": lambda peer: peer.pause(0.2)})
    samples = talk.together(10)
    assert {sample.outcome for sample in samples} == {Outcome.ok}
    assert talk.server.connections == 1


def test_an_idle_connection_is_closed_before_the_server_would(start_http2: Start) -> None:
    talk = start_http2(answers(), max_idle_s=0.05)
    talk.send()
    gevent.sleep(0.1)
    sample = talk.send()
    assert (sample.outcome, sample.connection, sample.reuse) == (Outcome.ok, 2, 0)
    talk.until(lambda: talk.server.farewells == 1)
    assert talk.client.closed_idle == 0


@pytest.mark.parametrize("how", [Peer.close, Peer.cut, lambda peer: peer.say(goes_away(1))])
def test_one_that_the_server_ends_while_it_is_idle_is_replaced(
    start_http2: Start, how: object
) -> None:
    """Be it announced or not: nothing was under way, and nothing is sent there any more."""

    def behave(peer: Peer, asked: Asked) -> None:
        peer.answer(asked)
        if asked.connection == 0:
            how(peer)  # type: ignore[operator]

    talk = start_http2(behave)
    talk.send()
    talk.until(lambda: talk.client.closed_idle)
    sample = talk.send()
    assert (sample.outcome, sample.connection, sample.reuse) == (Outcome.ok, 2, 0)
    assert [asked.connection for asked in talk.server.requests] == [0, 1]
    assert (talk.client.closed_idle, talk.client.unasked) == (1, 0)


def test_what_has_come_is_looked_at_before_a_request_is_sent(start_http2: Start) -> None:
    """GOAWAY is in the kernel, and nobody has read it yet: the reader has had no turn."""

    def behave(peer: Peer, asked: Asked) -> None:
        peer.answer(asked)
        says(goes_away(1))(peer, asked)

    talk = start_http2([behave, answers()])
    talk.send()
    while talk.server.served < 1:
        pass  # not by gevent: nobody else is to run
    sample = talk.send()
    assert (sample.outcome, sample.connection) == (Outcome.ok, 2)


def test_closing_lets_go_of_idle_connections_in_order(start_http2: Start) -> None:
    talk = start_http2(answers())
    talk.together(3)
    talk.client.close()
    talk.until(lambda: talk.server.farewells == 1)
    assert talk.send().connection == 2, "it can be used again"


@pytest.mark.parametrize(
    "settings",
    [
        {"tls": Tls.off},
        {"upload_s": 1.0, "method": "POST", "body": "x"},
        {"visit": Visit(kind=VisitKind.idle, lasts_s=1.0, until=Until.swapped)},
        {"headers": {"Keep-Alive": "timeout=5"}},
        {"headers": {"Upgrade": "websocket"}},
    ],
)
def test_what_http2_does_not_carry_is_refused_at_once(settings: dict[str, object]) -> None:
    page: Stream = stream(**({"tls": Tls.full, "http2": True} | settings))
    with pytest.raises(ValueError, match="stream 'page'"):
        Client(
            host="127.0.0.1",
            port=1,
            tls_port=1,
            trust=trust(),
            authority="site.test",
            run="r1",
            traffic=Traffic(streams=(page,)),
        )
