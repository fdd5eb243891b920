"""Each way in which a request over HTTP/2 can end has its name, and ends that request alone."""

import subprocess
import sys

import gevent
import pytest
from h2.errors import ErrorCodes
from hyperframe.frame import DataFrame, PushPromiseFrame
from scripted_http2 import (
    Asked,
    Behaviour,
    Peer,
    answers,
    begins,
    ends,
    goes_away,
    heads,
    resets_stream,
    says,
    says_raw,
    silent,
)
from talk import Start, short_s

from harness.model.arrivals import Arrival
from harness.model.outcome import Handshake, Outcome
from harness.model.traffic import Connection, Tls
from harness.traffic.client import Unfinished

SHORT_S = short_s(Tls.full)
BIG = 200_000


def declares(status: str = "200", length: str = "5", body: bytes = b"") -> Behaviour:
    """Header section and body in any relation."""

    def behave(peer: Peer, asked: Asked) -> None:
        told = [(":status", status), ("x-release", "v1"), ("content-length", length)]
        flags = [] if body else ["END_STREAM"]
        peer.say(heads(peer, asked.number, *flags, fields=told))
        if body:
            peer.say(DataFrame(asked.number, data=body, flags=["END_STREAM"]))

    return behave


def on_its_stream(make: object, *flags: str) -> Behaviour:
    return lambda peer, asked: peer.say(make(asked.number, flags=flags))  # type: ignore[operator]


def titled(fields: list[tuple[str, str]]) -> Behaviour:
    return lambda peer, asked: peer.say(heads(peer, asked.number, "END_STREAM", fields=fields))


def pushes(peer: Peer, asked: Asked) -> None:
    frame = PushPromiseFrame(asked.number, promised_stream_id=2, flags=["END_HEADERS"])
    frame.data = peer.h2.encoder.encode([(":method", "GET"), (":path", "/")])
    peer.say(frame)


ENDS = [
    pytest.param(answers(status="503"), Outcome.wrong_status, 503, id="503"),
    pytest.param(answers(b"help!"), Outcome.wrong_body, 200, id="other-body"),
    pytest.param(
        resets_stream(ErrorCodes.INTERNAL_ERROR), Outcome.reset, 0, id="stream-reset-at-once"
    ),
    pytest.param(
        resets_stream(ErrorCodes.INTERNAL_ERROR, after=begins()),
        Outcome.reset,
        200,
        id="stream-reset-in-mid-answer",
    ),
    pytest.param(resets_stream(99), Outcome.reset, 0, id="stream-reset-by-an-unknown-code"),
    pytest.param(resets_stream(ErrorCodes.REFUSED_STREAM), Outcome.refused_stream, 0, id="refused"),
    pytest.param(
        resets_stream(ErrorCodes.REFUSED_STREAM, after=begins()),
        Outcome.reset,
        200,
        id="refused-too-late",
    ),
    pytest.param(says(goes_away(0)), Outcome.refused_stream, 0, id="goaway"),
    pytest.param(
        says(goes_away(0, ErrorCodes.ENHANCE_YOUR_CALM, b"too much")),
        Outcome.refused_stream,
        0,
        id="goaway-with-a-reason",
    ),
    pytest.param(ends(Peer.close), Outcome.closed_before_answer, 0, id="end"),
    pytest.param(ends(Peer.cut), Outcome.closed_before_answer, 0, id="ragged-end"),
    pytest.param(begins(Peer.close), Outcome.truncated, 200, id="end-in-mid-answer"),
    pytest.param(begins(Peer.cut), Outcome.truncated, 200, id="ragged-end-in-mid-answer"),
    pytest.param(ends(Peer.reset), Outcome.reset, 0, id="rst"),
    pytest.param(silent, Outcome.answer_timeout, 0, id="silence"),
    pytest.param(begins(), Outcome.read_timeout, 200, id="silence-in-mid-answer"),
    pytest.param(declares(length="6", body=b"hello"), Outcome.malformed, 200, id="too-short"),
    pytest.param(declares(length="4", body=b"hello"), Outcome.malformed, 200, id="too-long"),
    pytest.param(declares(length="5"), Outcome.malformed, 200, id="declared-and-no-body"),
    pytest.param(declares(length="x"), Outcome.malformed, 0, id="no-length"),
    pytest.param(declares(status="204", body=b"hello"), Outcome.malformed, 204, id="body-of-204"),
    pytest.param(titled([(":status", "abc")]), Outcome.malformed, 0, id="no-status"),
    pytest.param(titled([("x-release", "v1")]), Outcome.malformed, 0, id="without-status"),
    pytest.param(titled([(":status", "200"), ("A", "b")]), Outcome.malformed, 0, id="upper-case"),
    pytest.param(titled([(":status", "100")]), Outcome.malformed, 0, id="interim-and-end"),
    pytest.param(says_raw(b"HTTP/1.1 200 OK\r\n\r\n"), Outcome.malformed, 0, id="http-1"),
    pytest.param(says_raw(b"\xff" * 40), Outcome.malformed, 0, id="junk"),
    pytest.param(says_raw(b"\0\0\0\x09\0\0\0\0\x01"), Outcome.malformed, 0, id="continuation"),
    pytest.param(on_its_stream(DataFrame, "END_STREAM"), Outcome.malformed, 0, id="no-head"),
    pytest.param(says(DataFrame(7, data=b"x")), Outcome.malformed, 0, id="stream-of-nobody"),
    pytest.param(pushes, Outcome.malformed, 0, id="push"),
]


@pytest.mark.parametrize(("behaviour", "outcome", "status"), ENDS)
def test_each_way_to_end_has_its_name_and_is_told(
    start_http2: Start, behaviour: Behaviour, outcome: Outcome, status: int
) -> None:
    is_late = outcome in {Outcome.answer_timeout, Outcome.read_timeout}
    talk = start_http2([behaviour, answers()], timeout_s=SHORT_S if is_late else 5.0)
    sample = talk.send()
    assert (sample.outcome, sample.status) == (outcome, status), talk.details
    assert (sample.connection, sample.reuse, sample.handshake) == (1, 0, Handshake.full)
    assert bool(sample.first_byte_ns) is bool(status) or outcome is Outcome.malformed
    [(seq, named, text)] = talk.details
    assert (seq, named) == (0, outcome)
    assert text
    assert talk.send().outcome is Outcome.ok, talk.details
    assert len(talk.server.requests) == 2, "something was sent twice"


@pytest.mark.parametrize("how", [Peer.close, Peer.cut])
def test_an_end_without_an_answer_on_a_used_connection_has_its_own_name(
    start_http2: Start, how: object
) -> None:
    talk = start_http2([answers(), ends(how), answers()])  # type: ignore[arg-type]
    told = [(sample.outcome, sample.reuse) for sample in (talk.send() for _ in range(3))]
    assert told == [(Outcome.ok, 0), (Outcome.closed_on_reuse, 1), (Outcome.ok, 0)]


@pytest.mark.parametrize(
    ("answered", "outcome"),
    [(b"hello", Outcome.malformed), (b"other", Outcome.wrong_body)],
)
def test_an_answer_to_half_a_request_is_none(
    start_http2: Start, answered: bytes, outcome: Outcome
) -> None:
    talk = start_http2(
        answers(answered),
        server={"at_once": True, "takes_bodies": False},
        method="POST",
        body="x" * BIG,
    )
    assert talk.send().outcome is outcome
    talk.until(lambda: talk.server.resets)
    assert talk.server.resets == [(1, ErrorCodes.CANCEL)]


def test_a_server_that_opens_no_window_is_waited_for_in_vain(start_http2: Start) -> None:
    talk = start_http2(
        answers(), server={"takes_bodies": False}, method="POST", body="x" * BIG, timeout_s=SHORT_S
    )
    assert talk.send().outcome is Outcome.answer_timeout
    assert "sending the request" in talk.details[0][2]


# One request's ending, and the others.


def test_a_stream_that_is_reset_is_the_only_one(start_http2: Start) -> None:
    def behave(peer: Peer, asked: Asked) -> None:
        if asked.value(b"x-request-id") == b"r1-3":
            resets_stream(ErrorCodes.CANCEL)(peer, asked)
        else:
            peer.answer(asked)

    talk = start_http2(behave)
    samples = talk.together(8)
    found = {sample.seq: sample.outcome for sample in samples}
    assert found == {seq: Outcome.reset if seq == 3 else Outcome.ok for seq in range(8)}
    assert {sample.connection for sample in samples} == {1}


def test_an_answer_that_comes_too_late_disturbs_nobody(start_http2: Start) -> None:
    """The server is told that nobody waits (RST_STREAM), and what it says before it has read that
    is passed over.
    """
    late: list[Asked] = []

    def behave(peer: Peer, asked: Asked) -> None:
        if not late:
            late.append(asked)
            return
        number = late[0].number
        told = [(":status", "200"), ("x-release", "v0")]
        peer.say(heads(peer, number, fields=told), DataFrame(number, b"late", flags=["END_STREAM"]))
        peer.answer(asked)

    talk = start_http2(behave, timeout_s=SHORT_S)
    first = talk.send()
    assert first.outcome is Outcome.answer_timeout
    talk.until(lambda: talk.server.resets)
    assert talk.server.resets == [(1, ErrorCodes.CANCEL)]
    second = talk.send()
    assert (second.outcome, second.connection, second.reuse) == (Outcome.ok, 1, 1), talk.details
    assert (talk.client.unasked, first.release, second.release) == (0, "", "v1")


def test_a_second_answer_to_one_request_is_nobody_s(start_http2: Start) -> None:
    def behave(peer: Peer, asked: Asked) -> None:
        peer.answer(asked)
        if asked.connection == 0:
            peer.say(DataFrame(asked.number, data=b"more", flags=["END_STREAM"]))

    talk = start_http2(behave)
    assert talk.send().outcome is Outcome.ok
    talk.until(lambda: talk.client.unasked)
    assert "connection 1: " in talk.client.unasked_text
    assert "stream 1, which is over" in talk.client.unasked_text
    sample = talk.send()
    assert (sample.outcome, sample.connection) == (Outcome.ok, 2)
    assert (talk.client.unasked, talk.client.closed_idle) == (1, 0)


def test_request_given_up_is_unfinished_and_the_server_is_told(start_http2: Start) -> None:
    talk = start_http2([silent, answers()], timeout_s=30.0)
    sending = gevent.spawn(talk.client.send, Arrival(0, 0, 0))
    talk.until(lambda: talk.server.requests)
    sending.kill(Unfinished)
    assert sending.get().outcome is Outcome.unfinished
    talk.until(lambda: talk.server.resets)
    sample = talk.send()
    assert (sample.outcome, sample.connection) == (Outcome.ok, 1)


# Connections that do not come about.


@pytest.mark.parametrize("protocols", [(), ("http/1.1",), ("http/1.1", "spdy/3")])
def test_a_server_that_does_not_agree_to_http2_fails_the_handshake(
    start_http2: Start, protocols: tuple[str, ...], connection: Connection
) -> None:
    talk = start_http2(answers(), server={"protocols": protocols}, connection=connection)
    sample = talk.send()
    assert (sample.outcome, sample.connection, sample.status) == (Outcome.handshake_failed, 0, 0)
    assert sample.handshake is Handshake.plain
    assert "asked for HTTP/2 (ALPN h2), the server chose nothing" in talk.details[0][2]
    assert (talk.client.opened, talk.server.requests) == (0, [])


def test_a_stranger_is_told_nothing(start_http2: Start) -> None:
    talk = start_http2(answers(), trusted="www.site.test")
    assert [sample.outcome for sample in talk.together(3)] == [Outcome.untrusted] * 3
    assert talk.server.requests == []


def test_who_waited_for_a_connection_that_is_refused_asks_for_one_itself(
    start_http2: Start,
) -> None:
    talk = start_http2(answers())
    talk.server.__exit__()
    samples = talk.together(4)
    assert [sample.outcome for sample in samples] == [Outcome.refused] * 4, talk.details
    assert {sample.first_byte_ns for sample in samples} == {0}


def test_who_waits_for_a_connection_waits_no_longer_than_for_an_answer(
    start_http2: Start,
) -> None:
    talk = start_http2(answers(), server={"greets": lambda peer: peer.pause(20)}, timeout_s=SHORT_S)
    outcomes = {sample.outcome for sample in talk.together(3)}
    # TLS 1.3: the handshake is over for the client, and nothing comes of HTTP/2.
    assert outcomes <= {Outcome.answer_timeout, Outcome.handshake_timeout, Outcome.connect_timeout}
    assert talk.server.requests == []


def test_http2_is_imported_where_a_stream_asks_for_it_alone(tmp_path: object) -> None:
    """What it costs to import, all others are spared."""
    asked = (
        "import sys; import harness.traffic.client, harness.traffic.dispatcher; "
        "print([name for name in sys.modules if name.split('.')[0] in {'h2', 'hpack'}])"
    )
    found = subprocess.run(
        [sys.executable, "-c", f"import locust; {asked}"],
        capture_output=True, text=True, check=True, cwd=str(tmp_path),
    )  # fmt: skip
    assert found.stdout.strip() == "[]"
