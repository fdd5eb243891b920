"""No bytes that come in a visit make two samples, none, or a traceback."""

import struct
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paying import PAGE, STREAMS, THEN, accepting
from scripted import Behaviour, Peer, chunked, whole
from talk import Start, Talk

from harness.model.outcome import Outcome
from harness.model.visit import Visit, VisitKind
from sample_app.websocket import CLOSE, PING, PONG, TEXT, frame

fuzz = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
TIMEOUT_S = 0.3
ENDINGS = {
    Outcome.ok,
    Outcome.reset,
    Outcome.closed_before_answer,
    Outcome.closed_on_reuse,
    Outcome.truncated,
    Outcome.answer_timeout,
    Outcome.read_timeout,
    Outcome.malformed,
    Outcome.wrong_status,
    Outcome.wrong_header,
    Outcome.wrong_body,
}
"""Of a visit to somebody who listens: none is a lack of the sender's own."""

GOOD = {
    VisitKind.idle: whole(),
    VisitKind.page: whole(PAGE.encode()),
    VisitKind.session: whole(b"welcome user-r1-0", extra=b"Set-Cookie: session=abc\r\n"),
    VisitKind.events: chunked(b"id: 1\ndata: v1 i1 1\n\n", b"id: 2\ndata: v1 i1 2\n\n"),
}
FRAMES = (
    st.sampled_from(
        [
            frame(TEXT, b"v1 i1 1"),
            b"\x01\x03v1 \x80\x04i1 1",
            frame(PING, b"x"),
            frame(PING, b"x") + frame(CLOSE, struct.pack("!H", 1001)),
            frame(PONG, b""),
            frame(CLOSE, b""),
        ]
    )
    | st.builds(
        lambda code, why: frame(CLOSE, struct.pack("!H", code) + why),
        st.sampled_from([1000, 1001, 1005, 1011, 999, 5000]),
        st.binary(max_size=3),
    )
    | st.builds(
        lambda first, payload: bytes([first, len(payload)]) + payload,
        st.integers(0, 255),
        st.binary(max_size=5),
    )
    | st.binary(max_size=20)
)


def changed(data: bytes, at: int, lost: int, junk: bytes) -> bytes:
    return data[:at] + junk + data[at + lost :]


@pytest.fixture
def visit(start: Start) -> Callable[[VisitKind], Talk]:
    def begin(kind: VisitKind) -> Talk:
        what = Visit(kind=kind, lasts_s=0.02, every_s=0.005, **THEN.get(kind, {}))  # type: ignore[arg-type]
        return start(lambda _: None, visit=what, timeout_s=TIMEOUT_S, **STREAMS[kind])

    return begin


def pay(talk: Talk, script: Behaviour) -> None:
    talk.server.script = script
    talk.seq = 0
    assert talk.send().outcome in ENDINGS


@pytest.mark.parametrize("kind", GOOD)
def test_any_bytes_make_one_sample(visit: Callable[[VisitKind], Talk], kind: VisitKind):
    talk = visit(kind)

    @fuzz
    @given(at=st.integers(0, 150), lost=st.integers(0, 50), junk=st.binary(max_size=5))
    def fuzzed(at: int, lost: int, junk: bytes) -> None:
        def behave(peer: Peer) -> None:
            peer.send(changed(GOOD[kind], at, lost, junk))
            peer.cut_and_drain()

        pay(talk, behave)

    fuzzed()


@pytest.mark.parametrize("is_changed", [False, True], ids=["frames", "the handshake too"])
def test_any_frames_make_one_sample(visit: Callable[[VisitKind], Talk], *, is_changed: bool):
    talk = visit(VisitKind.websocket)

    @fuzz
    @given(
        at=st.integers(0, 160),
        lost=st.integers(0, 3),
        junk=st.binary(max_size=3),
        said=st.lists(st.lists(FRAMES, max_size=3).map(b"".join), max_size=3),
    )
    def fuzzed(at: int, lost: int, junk: bytes, said: list[bytes]) -> None:
        def behave(peer: Peer) -> None:
            answer = accepting(peer)
            peer.send(changed(answer, at, lost, junk) if is_changed else answer)
            for each in said:
                peer.pause(0.002)
                peer.send(each)
            peer.cut_and_drain()

        pay(talk, behave)

    fuzzed()
