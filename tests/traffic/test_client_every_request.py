"""Nothing is hidden: as many failures are reported as were made, whatever they are."""

from collections import Counter

import gevent
import gevent.pool
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted import Behaviour, Peer, chunked, closes, resets, says, whole
from talk import Start, Talk

from harness.model.arrivals import Arrival
from harness.model.outcome import Outcome
from harness.model.row import Sample
from harness.model.traffic import Connection

REQUESTS, EVERY = 500, 50

FAULTS: dict[str, tuple[Behaviour, set[Outcome]]] = {
    "close": (closes(), {Outcome.closed_before_answer, Outcome.closed_on_reuse}),
    "reset": (resets(), {Outcome.reset}),
    "truncation": (closes(whole()[:-1]), {Outcome.truncated}),
    "wrong-answer": (says(whole(b"other")), {Outcome.wrong_body}),
    "503": (says(whole(b"sorry", "503 Away")), {Outcome.wrong_status}),
}


@pytest.mark.parametrize("greenlets", [1, 8])
@pytest.mark.parametrize("fault", FAULTS)
def test_every_50th_request_fails_and_no_other(
    start: Start, connection: Connection, fault: str, greenlets: int
) -> None:
    misbehave, names = FAULTS[fault]
    good = says(whole())

    def behave(peer: Peer) -> None:
        (misbehave if peer.index % EVERY == EVERY - 1 else good)(peer)

    talk = start(behave, connection=connection, timeout_s=5.0)
    pool = gevent.pool.Pool(greenlets)
    arrivals = [Arrival(seq, 0, 0) for seq in range(REQUESTS)]
    samples: list[Sample] = list(pool.imap_unordered(talk.client.send, arrivals))

    assert sorted(sample.seq for sample in samples) == list(range(REQUESTS))
    assert len(talk.server.requests) == REQUESTS
    outcomes = Counter(sample.outcome for sample in samples)
    made = REQUESTS // EVERY
    assert outcomes.pop(Outcome.ok) == REQUESTS - made
    assert set(outcomes) <= names
    assert outcomes.total() == made
    failed = {b"r1-%d" % sample.seq for sample in samples if sample.outcome is not Outcome.ok}
    assert failed == {
        request.partition(b"X-Request-Id: ")[2].partition(b"\r\n")[0]
        for request in talk.server.requests[EVERY - 1 :: EVERY]
    }
    if connection is Connection.reuse and greenlets == 1:
        assert set(outcomes) <= names - {Outcome.closed_before_answer}


@pytest.mark.parametrize("answer", [whole(), chunked(b"hel", b"lo")], ids=["length", "chunked"])
def test_answer_cut_at_any_byte_is_never_ok(
    start: Start, connection: Connection, answer: bytes
) -> None:
    talk = start([closes(answer[:n]) for n in range(len(answer) + 1)], connection=connection)
    samples = [talk.send() for _ in range(len(answer) + 1)]
    assert len(talk.server.requests) == len(samples)
    assert [s.outcome for s in samples] == [
        Outcome.closed_before_answer,
        *[Outcome.truncated] * (len(answer) - 1),
        Outcome.ok,
    ]


tokens = st.sampled_from(
    [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.0 ",
        b"HTTP/1.1 103 ",
        b"204",
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"\0",
        b"Content-Length: ",
        b"Transfer-Encoding: chunked",
        b"X-Release: ",
        b"Connection: close",
        b"0",
        b"5",
        b"hello",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b";a=b",
        b":",
        b" ",
        b"-1",
        b"F" * 20,
    ]
)
anything = (
    st.binary(max_size=300)
    | st.lists(tokens, max_size=20).map(b"".join)
    | st.builds(
        lambda answer, at, junk: answer[:at] + junk + answer[at:],
        st.sampled_from([whole(), chunked(b"hel", b"lo")]),
        st.integers(0, 100),
        st.binary(max_size=3),
    )
)


@pytest.fixture
def closing(start: Start) -> Talk:
    """One server for all examples. On new connections: it ends each one after its answer."""
    return start(closes(), connection=Connection.new, timeout_s=5.0)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(answer=anything)
def test_any_bytes_make_one_sample(closing: Talk, answer: bytes) -> None:
    talk = closing
    talk.server.script = closes(answer)
    before = len(talk.server.requests)
    sample = talk.send()
    assert len(talk.server.requests) == before + 1
    assert sample.outcome in {
        Outcome.ok,
        Outcome.closed_before_answer,
        Outcome.truncated,
        Outcome.malformed,
        Outcome.wrong_status,
        Outcome.wrong_body,
    }
    if sample.outcome is Outcome.ok:
        assert b"hello" in answer or b"hel" in answer
        assert sample.bytes == 5
