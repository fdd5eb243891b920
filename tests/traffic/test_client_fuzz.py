"""No bytes make two samples, none, or a traceback: as an answer, as TLS records, as a handshake."""

import ssl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted import Peer, chunked, closes, says_instead, until_end, whole
from talk import Start, Talk

from harness.model.outcome import Outcome
from harness.model.traffic import Connection, Tls

fuzz = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

TOKENS = st.sampled_from(
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
ANYTHING = (
    st.binary(max_size=300)
    | st.lists(TOKENS, max_size=20).map(b"".join)
    | st.builds(
        lambda answer, at, junk: answer[:at] + junk + answer[at:],
        st.sampled_from([whole(), chunked(b"hel", b"lo")]),
        st.integers(0, 100),
        st.binary(max_size=3),
    )
)


RECORDS = st.sampled_from([b"\x14", b"\x15", b"\x16", b"\x17"]).map(
    lambda kind: kind + b"\x03\x03\0"
)
AFTER_CONNECTING = {
    Outcome.ok,
    Outcome.closed_before_answer,
    Outcome.truncated,
    Outcome.malformed,
    Outcome.wrong_status,
    Outcome.wrong_body,
}
IN_HANDSHAKE = {Outcome.closed_in_handshake, Outcome.handshake_failed, Outcome.untrusted}


@pytest.fixture
def closing(start: Start, tls: Tls) -> Talk:
    """One server for all examples. On new connections: it ends each one after its answer."""
    return start(closes(), connection=Connection.new, tls=tls)


@pytest.fixture
def secured(start: Start, version: ssl.TLSVersion) -> Talk:
    return start(closes(), connection=Connection.new, tls=Tls.resume, version=version)


@fuzz
@given(answer=ANYTHING)
def test_any_bytes_make_one_sample(closing: Talk, answer: bytes) -> None:
    talk = closing
    talk.server.script = closes(answer)
    before = len(talk.server.requests)
    sample = talk.send()
    assert len(talk.server.requests) == before + 1
    assert sample.outcome in AFTER_CONNECTING
    if sample.outcome is Outcome.ok:
        assert b"hello" in answer or b"hel" in answer
        assert sample.bytes == 5


@fuzz
@given(
    answer=st.sampled_from([whole(), chunked(b"hel", b"lo"), until_end()]),
    at=st.integers(0, 200),
    lost=st.integers(0, 200),
    junk=st.binary(max_size=20),
)
def test_any_records_make_one_sample(
    secured: Talk, answer: bytes, at: int, lost: int, junk: bytes
) -> None:
    """Bytes are lost from what TLS made of an answer and its end, others put in."""
    talk, sealed, needed = secured, b"", 0

    def behave(peer: Peer) -> None:
        nonlocal sealed, needed
        assert peer.tls is not None
        sealed = peer.tls.sealed(answer[:30]) + peer.tls.sealed(answer[30:])
        needed = len(sealed)  # the announced end is not, where the answer says its length
        sealed += peer.tls.farewell()
        peer.sock.sendall(sealed[:at] + junk + sealed[at + lost :])
        peer.cut_and_drain()

    talk.server.script = behave
    before = len(talk.server.requests)
    sample = talk.send()
    assert len(talk.server.requests) == before + 1
    assert sample.outcome in AFTER_CONNECTING
    if sample.outcome is Outcome.ok:
        assert sample.bytes == 5
        needed = len(sealed) if answer == until_end() else needed
        assert (sealed[:at] + junk + sealed[at + lost :])[:needed] == sealed[:needed]


@fuzz
@given(data=ANYTHING | st.builds(lambda kind, data: kind + data, RECORDS, st.binary(max_size=80)))
def test_any_bytes_instead_of_the_handshake_make_one_sample(secured: Talk, data: bytes) -> None:
    talk = secured
    talk.server.greeting = says_instead(data)
    before = talk.server.connections
    sample = talk.send()
    assert (talk.server.connections, talk.server.requests) == (before + 1, [])
    assert sample.outcome in IN_HANDSHAKE
    assert sample.connection == 0


@fuzz
@given(at=st.integers(0, 2000), lost=st.integers(0, 50), junk=st.binary(max_size=20))
def test_any_change_of_the_handshake_makes_one_sample(
    secured: Talk, at: int, lost: int, junk: bytes
) -> None:
    def changed(peer: Peer) -> None:
        assert peer.tls is not None
        flight = peer.tls.first_flight()
        peer.sock.sendall(flight[:at] + junk + flight[at + lost :])
        peer.cut_and_drain()

    talk = secured
    talk.server.greeting = changed
    before = talk.server.connections
    sample = talk.send()
    assert (talk.server.connections, talk.server.requests) == (before + 1, [])
    # The client of TLS 1.3 is done with it where nothing was changed, or only what came after.
    assert sample.outcome in IN_HANDSHAKE | {Outcome.closed_before_answer, Outcome.malformed}
    assert (sample.connection > 0) is (sample.outcome not in IN_HANDSHAKE)
