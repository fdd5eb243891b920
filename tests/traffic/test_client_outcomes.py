"""Each way a request can end has one name, and makes one sample."""

import itertools
import socket
import threading
import time
from collections.abc import Callable

import gevent
import pytest
from scripted import Peer, chunked, closes, resets, says, stalls, trickles, until_end, whole
from talk import Place, Start, short_s, stream

from harness.model.arrivals import Arrival
from harness.model.outcome import Handshake, Outcome
from harness.model.row import PROBE_STREAM
from harness.model.traffic import Connection, Tls, Traffic
from harness.traffic.client import DETAIL_CHARS, Client, Unfinished
from harness.traffic.connection import Plain
from harness.traffic.tls import Secured

HEAD = b"HTTP/1.1 200 OK\r\nX-Release: v1\r\n"
SHORT_S = 0.3
IN_BODY = HEAD + b"Content-Length: 5\r\n\r\nhe"
IN_CHUNK = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhe"


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(says(whole()), id="length"),
        pytest.param(says(chunked(b"hel", b"lo")), id="chunked"),
        pytest.param(says(chunked(b"hello", trailers=b"A: b\r\nX-Release: no\r\n")), id="trailers"),
        pytest.param(says(chunked(b"hello", trailers=b"A:\r\n")), id="empty-trailer"),
        pytest.param(closes(until_end()), id="until-end"),
        pytest.param(closes(b"HTTP/1.0 200 OK\r\nX-Release: v1\r\n\r\nhello"), id="http-1.0"),
        pytest.param(trickles(whole(), 0.001), id="length-trickled"),
        pytest.param(trickles(chunked(b"hel", b"lo"), 0.001), id="chunked-trickled"),
        pytest.param(says(b"HTTP/1.1 100 Continue\r\n\r\n" + whole()), id="100-glued"),
        pytest.param(says(b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n", whole()), id="103-apart"),
        pytest.param(says(b"HTTP/1.1 103 Early\r\n\r\n" * 1000 + whole()), id="103-many"),
        pytest.param(says(b"HTTP/1.1 104 New\r\nX-Release: no\r\n\r\n" + whole()), id="104"),
        pytest.param(says(whole(extra=b"Upgrade: h2c\r\nConnection: Upgrade\r\n")), id="upgrade"),
    ],
)
def test_whole_answer_is_ok(start: Start, connection: Connection, tls: Tls, behaviour) -> None:
    talk = start(behaviour, connection=connection, tls=tls)
    sample = talk.send()
    assert talk.details == []
    assert (sample.outcome, sample.status, sample.bytes) == (Outcome.ok, 200, 5)
    assert sample.release == "v1"
    assert (sample.connection, sample.reuse) == (1, 0)
    assert sample.handshake is (Handshake.plain if tls is Tls.off else Handshake.full)
    assert sample.sent_ns < sample.first_byte_ns <= sample.finished_ns


@pytest.mark.parametrize(
    ("behaviour", "outcome", "status"),
    [
        pytest.param(resets(), Outcome.reset, 0, id="reset-before-answer"),
        pytest.param(resets(HEAD), Outcome.reset, 0, id="reset-in-headers"),
        pytest.param(resets(IN_BODY), Outcome.reset, 200, id="reset-in-body"),
        pytest.param(resets(until_end()), Outcome.reset, 200, id="reset-where-end-was-due"),
        pytest.param(closes(), Outcome.closed_before_answer, 0, id="closed"),
        pytest.param(closes(b"HTTP/1.1 20"), Outcome.truncated, 0, id="cut-in-status-line"),
        pytest.param(closes(HEAD), Outcome.truncated, 0, id="cut-in-headers"),
        pytest.param(closes(IN_BODY), Outcome.truncated, 200, id="cut-in-body"),
        pytest.param(closes(IN_CHUNK), Outcome.truncated, 200, id="cut-in-chunk"),
        pytest.param(
            closes(IN_CHUNK + b"llo\r\n"), Outcome.truncated, 200, id="cut-between-chunks"
        ),
        pytest.param(
            closes(IN_CHUNK + b"llo\r\n0\r\nA: b\r\n"), Outcome.truncated, 200, id="cut-in-trailers"
        ),
        pytest.param(
            closes(b"HTTP/1.1 100 Continue\r\n\r\n"), Outcome.truncated, 0, id="cut-after-100"
        ),
        pytest.param(
            closes(whole(b"sorry", "503 Away")[:-1]), Outcome.truncated, 503, id="cut-503"
        ),
        pytest.param(stalls(), Outcome.answer_timeout, 0, id="stall-before-answer"),
        pytest.param(stalls(HEAD), Outcome.read_timeout, 0, id="stall-in-headers"),
        pytest.param(stalls(IN_BODY), Outcome.read_timeout, 200, id="stall-in-body"),
        pytest.param(stalls(IN_CHUNK), Outcome.read_timeout, 200, id="stall-in-chunk"),
        pytest.param(stalls(until_end()), Outcome.read_timeout, 200, id="stall-where-end-was-due"),
        pytest.param(trickles(whole(), 0.05), Outcome.read_timeout, 0, id="trickle"),
        pytest.param(says(whole(b"sorry", "503 Away")), Outcome.wrong_status, 503, id="503"),
        pytest.param(
            says(whole(b"", "302 Found", b"Location: /other\r\n")),
            Outcome.wrong_status,
            302,
            id="redirect-is-not-followed",
        ),
        pytest.param(says(whole(b"other")), Outcome.wrong_body, 200, id="other-text"),
        pytest.param(says(whole(b"hello!")), Outcome.wrong_body, 200, id="longer-text"),
        pytest.param(says(whole(b"hell")), Outcome.wrong_body, 200, id="shorter-text"),
        pytest.param(
            says(whole().replace(b": v1", b": v9")), Outcome.wrong_body, 200, id="other-release"
        ),
        pytest.param(says(b"SSH-2.0-OpenSSH\r\n"), Outcome.malformed, 0, id="garbage"),
        pytest.param(says(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Outcome.malformed, 0, id="http2"),
        pytest.param(says(b"HTTP/2.0 200 OK\r\n\r\n"), Outcome.malformed, 0, id="version-2"),
        pytest.param(says(b"RTSP/1.0 200 OK\r\n\r\n"), Outcome.malformed, 0, id="rtsp"),
        pytest.param(says(b"\r\n" + whole()), Outcome.malformed, 0, id="line-end-first"),
        pytest.param(says(whole() + whole()), Outcome.malformed, 200, id="second-answer"),
        pytest.param(says(whole() + b"\r\n"), Outcome.malformed, 200, id="line-end-after"),
        pytest.param(says(whole()[:-2], b"loX"), Outcome.malformed, 200, id="byte-too-many"),
        pytest.param(
            says(whole(extra=b"Connection: close\r\n") + b"X"),
            Outcome.malformed,
            200,
            id="byte-too-many-before-close",
        ),
        pytest.param(says(chunked(b"hello") + b"X"), Outcome.malformed, 200, id="byte-after-chunk"),
        pytest.param(
            says(chunked(b"hello") + chunked()), Outcome.malformed, 200, id="second-chunked"
        ),
        pytest.param(
            says(chunked(b"hello") + b"\r\n"), Outcome.malformed, 200, id="line-end-after-chunks"
        ),
        pytest.param(says(HEAD + b"A: " + b"b" * 70_000), Outcome.malformed, 0, id="huge-header"),
        pytest.param(
            says(HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
            Outcome.malformed,
            0,
            id="two-lengths",
        ),
        pytest.param(
            says(HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello"),
            Outcome.malformed,
            0,
            id="length-and-chunks",
        ),
        pytest.param(
            says(HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n"),
            Outcome.malformed,
            200,
            id="coding-not-asked-for",
        ),
        pytest.param(
            says(b"HTTP/1.1 101 Switch\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n"),
            Outcome.malformed,
            0,
            id="101",
        ),
        pytest.param(
            says(b"HTTP/1.1 101 Switch\r\n\r\n" + whole()),
            Outcome.malformed,
            0,
            id="101-without-upgrade",
        ),
        pytest.param(says(IN_CHUNK + b"llXX0\r\n\r\n"), Outcome.malformed, 200, id="bad-chunk"),
    ],
)
def test_failure_has_its_own_name(
    start: Start, place: Place, tls: Tls, behaviour, outcome: Outcome, status: int
) -> None:
    late = outcome in {Outcome.answer_timeout, Outcome.read_timeout}
    before = [says(whole())] * place.before
    talk = start(
        [*before, behaviour, says(whole())],
        connection=place.connection,
        tls=tls,
        timeout_s=short_s(tls) if late else 5.0,
    )
    assert [talk.send().outcome for _ in before] == [Outcome.ok] * place.before
    sample = talk.send()
    if outcome is Outcome.closed_before_answer and place.before:
        outcome = Outcome.closed_on_reuse
    assert (sample.outcome, sample.status) == (outcome, status), talk.details
    assert (sample.connection, sample.reuse) == (1, place.before)
    assert len(talk.server.requests) == place.before + 1, "tried again"
    [(seq, named, text)] = talk.details
    assert (seq, named) == (place.before, outcome)
    assert 0 < len(text) <= DETAIL_CHARS
    assert "\n" not in text
    # A connection on which something went wrong carries no other request.
    wrong_answer = outcome in {Outcome.wrong_status, Outcome.wrong_body}
    is_kept = wrong_answer and place.connection is Connection.reuse
    after = talk.send()
    assert after.outcome is Outcome.ok
    assert after.reuse == (place.before + 1 if is_kept else 0)


def test_first_byte_is_dated_only_where_one_came(start: Start) -> None:
    talk = start([stalls(), stalls(HEAD)], timeout_s=SHORT_S)
    assert talk.send().first_byte_ns == 0
    assert talk.send().first_byte_ns > 0


@pytest.mark.parametrize("behaviour", [stalls(), stalls(IN_BODY), trickles(whole(), 0.01)])
def test_deadline_bounds_the_whole_request(start: Start, tls: Tls, behaviour) -> None:
    sample = start(behaviour, timeout_s=0.2, tls=tls).send()
    assert 0.2e9 <= sample.finished_ns - sample.sent_ns < 1e9


def test_endless_answer_ends_at_the_deadline(start: Start, tls: Tls) -> None:
    """Bytes that are there at every look do not keep the deadline from being seen."""

    def floods(peer: Peer) -> None:
        peer.send(until_end())
        while not peer.stopping.is_set():
            peer.send(b"x" * 100_000)

    sample = start(floods, timeout_s=short_s(tls), tls=tls).send()
    assert sample.outcome is Outcome.read_timeout


def test_endless_answer_ends_at_the_deadline_where_the_kernel_tells_nothing(
    start: Start, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = itertools.chain([until_end()], itertools.repeat(b"x" * 1000))

    def floods(wire: object, deadline_ns: int, clock_ns: Callable[[], int]) -> bytes:
        assert clock_ns() < deadline_ns + 500_000_000
        return next(pieces)

    wire = Plain if tls is Tls.off else Secured
    monkeypatch.setattr(wire, "receive", floods)
    monkeypatch.setattr(wire, "heard_ns", None)
    sample = start(stalls(), timeout_s=short_s(tls), tls=tls).send()
    assert sample.outcome is Outcome.read_timeout


def test_answer_that_waited_for_us_is_not_a_timeout(start: Start, tls: Tls) -> None:
    """A late look of our own, the hub being busy beyond the deadline, is not the peer's."""
    late_s = short_s(tls)
    talk = start(says(b"", whole(), gap_s=0.1), timeout_s=late_s, tls=tls)
    talk.send()  # so that the next one is written before anything waits
    hogging = gevent.spawn(time.sleep, 2 * late_s)  # not gevent's: it blocks the hub
    sample = talk.send()
    hogging.join()
    assert (sample.outcome, sample.reuse) == (Outcome.ok, 1)
    assert sample.finished_ns - sample.sent_ns > late_s * 1e9


def test_long_answer_that_waited_for_us_is_not_a_timeout(start: Start, tls: Tls) -> None:
    """It takes many looks, all of them late, and had come before."""
    late_s = short_s(tls)
    body = "x" * 200_000
    answer = whole(body=body.encode())
    talk = start(says(b"", answer, gap_s=0.1), timeout_s=late_s, tls=tls, expect_body={"*": body})
    talk.send()
    hogging = gevent.spawn(time.sleep, 2 * late_s)  # not gevent's: it blocks the hub
    sample = talk.send()
    hogging.join()
    assert (sample.outcome, sample.reuse) == (Outcome.ok, 1), talk.details
    assert sample.finished_ns - sample.sent_ns > late_s * 1e9


def test_answer_that_came_too_late_is_a_timeout_however_late_we_looked(
    start: Start, tls: Tls
) -> None:
    late_s = short_s(tls)
    too_late = says(b"", whole(), gap_s=1.5 * late_s)
    talk = start([says(whole()), too_late], timeout_s=late_s, tls=tls)
    talk.send()
    hogging = gevent.spawn(time.sleep, 3 * late_s)
    sample = talk.send()
    hogging.join()
    assert sample.outcome is Outcome.read_timeout, talk.details


def test_request_that_cannot_be_written_in_time_is_answer_timeout(start: Start) -> None:
    """The server reads nothing: the request fills the kernel's buffers and stays."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        big = stream(method="POST", body="x" * 20_000_000, timeout_s=SHORT_S)
        client = Client(
            host="127.0.0.1",
            port=listener.getsockname()[1],
            authority="site.test",
            run="r1",
            traffic=Traffic(streams=(big,)),
        )
        sample = client.send(Arrival(0, 0, 0))
    assert sample.outcome is Outcome.answer_timeout


def test_large_request_arrives_whole(start: Start, tls: Tls) -> None:
    talk = start(says(whole()), method="POST", body="x" * 5_000_000, tls=tls)
    assert talk.send().outcome is Outcome.ok
    assert talk.server.requests[0].count(b"x" * 5_000_000) == 1


def test_reset_while_writing_is_reset(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        big = stream(method="POST", body="x" * 20_000_000, timeout_s=2.0)
        client = Client(
            host="127.0.0.1",
            port=listener.getsockname()[1],
            authority="site.test",
            run="r1",
            traffic=Traffic(streams=(big,)),
        )
        sending = gevent.spawn(client.send, Arrival(0, 0, 0))
        gevent.sleep(0.1)
        peer, _ = listener.accept()
        peer.close()  # with unread bytes: RST
        assert sending.get(timeout=5).outcome is Outcome.reset


@pytest.mark.parametrize("status", ["204 None", "304 Same"])
def test_answer_without_body_ends_with_its_headers(start: Start, tls: Tls, status: str) -> None:
    answer = b"HTTP/1.1 %b\r\nX-Release: v1\r\n\r\n" % status.encode()
    talk = start(says(answer), expect_status=int(status[:3]), expect_body={"v1": ""}, tls=tls)
    assert [talk.send().outcome for _ in range(2)] == [Outcome.ok, Outcome.ok]
    assert talk.client.opened == 1


@pytest.mark.parametrize(
    "length", [b"Content-Length: 5\r\n", b"", b"Transfer-Encoding: chunked\r\n"]
)
def test_answer_to_head_ends_with_its_headers(start: Start, tls: Tls, length: bytes) -> None:
    talk = start(says(HEAD + length + b"\r\n"), method="HEAD", tls=tls)
    samples = [talk.send() for _ in range(2)]
    assert [(s.outcome, s.bytes) for s in samples] == [(Outcome.ok, 0)] * 2
    assert talk.client.opened == 1


def test_body_after_answer_to_head_is_malformed(start: Start) -> None:
    assert start(says(whole()), method="HEAD").send().outcome is Outcome.malformed


@pytest.mark.parametrize(
    ("behaviour", "stage", "status"),
    [(stalls(), "waiting for the answer", 0), (stalls(IN_BODY), "reading the answer", 200)],
)
def test_request_given_up_is_unfinished(
    start: Start, tls: Tls, behaviour, stage: str, status: int
) -> None:
    talk = start([behaviour, says(whole())], timeout_s=30.0, tls=tls)
    sending = gevent.spawn(talk.send)
    talk.until(lambda: talk.server.requests)
    gevent.sleep(0.1)
    sending.kill(Unfinished)
    sample = sending.get()
    assert (sample.outcome, sample.status) == (Outcome.unfinished, status)
    assert sample.sent_ns > 0
    assert stage in talk.details[0][2]
    assert talk.send().reuse == 0, "its connection was used again"


def test_plain_kill_leaves_no_connection_open(start: Start, tls: Tls) -> None:
    ended = threading.Event()

    def waits_for_the_end(peer: Peer) -> None:
        if (peer.tls or peer.sock).recv(1) == b"":  # over TLS: announced
            ended.set()

    talk = start(waits_for_the_end, timeout_s=30.0, tls=tls)
    sending = gevent.spawn(talk.send)
    talk.until(lambda: talk.server.requests)
    gevent.sleep(0.1)
    sending.kill()
    assert isinstance(sending.get(), gevent.GreenletExit)
    gevent.sleep(0.01)  # gevent closes in the loop's next turn
    assert ended.wait(1)


def test_probe_is_a_stream_passed_in(start: Start) -> None:
    probe = stream(name="probe", path="/ready", connection=Connection.new, timeout_s=1.0)
    talk = start(says(whole()), path="/page")
    samples = [talk.send(probe, index=PROBE_STREAM) for _ in range(2)]
    assert [(s.outcome, s.connection, s.reuse) for s in samples] == [
        (Outcome.ok, 1, 0),
        (Outcome.ok, 2, 0),
    ]
    assert all(r.startswith(b"GET /ready HTTP/1.1\r\n") for r in talk.server.requests)
