"""No frames, and no bytes in their place, make two samples, none, or a traceback."""

import pytest
from hyperframe.frame import (
    AltSvcFrame,
    ContinuationFrame,
    DataFrame,
    ExtensionFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_http2 import Asked, Peer
from talk import Start, Talk

from harness.model.outcome import Outcome
from harness.model.traffic import Connection

fuzz = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
HEADS = [
    # As HPACK has them, without its tables: :status 200, :status 404, x: y, and none.
    b"\x88",
    b"\x8d",
    b"\x88\x00\x01x\x01y",
    b"\x88\x5c\x015",  # content-length: 5
    b"\x40",
    b"\xff\xff",
    b"",
]
FLAGS = ["END_STREAM", "END_HEADERS"]
STREAMS = st.sampled_from([1, 1, 1, 2, 3, 2**31 - 1])
ENDINGS = {
    Outcome.ok,
    Outcome.closed_before_answer,
    Outcome.truncated,
    Outcome.malformed,
    Outcome.reset,
    Outcome.refused_stream,
    Outcome.wrong_status,
    Outcome.wrong_body,
}


def heads(kind: type[Frame], flags: list[str]) -> st.SearchStrategy[Frame]:
    return st.builds(
        lambda stream, data, flagged: kind(stream, data=data, flags=flagged),
        STREAMS,
        st.sampled_from(HEADS) | st.binary(max_size=20),
        st.lists(st.sampled_from(flags), unique=True),
    )


FRAMES = st.one_of(
    heads(HeadersFrame, FLAGS),
    heads(ContinuationFrame, FLAGS[1:]),
    st.builds(
        lambda stream, data, flags: DataFrame(stream, data=data, flags=flags),
        STREAMS,
        st.sampled_from([b"hello", b"", b"x" * 100]),
        st.lists(st.sampled_from(FLAGS[:1]), unique=True),
    ),
    st.builds(
        lambda stream, code: RstStreamFrame(stream, error_code=code), STREAMS, st.integers(0, 20)
    ),
    st.builds(
        lambda last, code: GoAwayFrame(0, last_stream_id=last, error_code=code),
        STREAMS | st.just(0),
        st.integers(0, 20),
    ),
    st.builds(lambda more: WindowUpdateFrame(0, window_increment=more), st.integers(1, 2**31 - 1)),
    st.builds(
        lambda key, value: SettingsFrame(0, settings={key: value}),
        st.integers(0, 10),
        st.integers(0, 2**32 - 1),
    ),
    st.just(PingFrame(0, opaque_data=b"12345678")),
    st.builds(lambda stream: PriorityFrame(stream, depends_on=0), STREAMS),
    st.builds(lambda stream: PushPromiseFrame(stream, promised_stream_id=2, data=b"\x82"), STREAMS),
    st.just(AltSvcFrame(0, origin=b"a", field=b"h2")),
    st.builds(lambda kind: ExtensionFrame(kind, 0, flag_byte=0, body=b"x"), st.integers(20, 255)),
).map(lambda frame: frame.serialize())
ANYTHING = st.lists(FRAMES | st.binary(max_size=40), max_size=8).map(b"".join)


@pytest.fixture
def closing(start_http2: Start) -> Talk:
    return start_http2(lambda _peer, _asked: None, connection=Connection.new)


@fuzz
@given(said=ANYTHING)
def test_any_frames_make_one_sample(closing: Talk, said: bytes) -> None:
    def behave(peer: Peer, _asked: Asked) -> None:
        peer.flush()
        peer.raw(said)
        peer.close()

    talk = closing
    talk.server.script = behave
    before = len(talk.server.requests)
    sample = talk.send()
    assert sample.outcome in ENDINGS, talk.details
    assert len(talk.server.requests) == before + 1


@fuzz
@given(said=st.binary(max_size=300) | ANYTHING)
def test_any_bytes_in_place_of_the_first_frame_make_one_sample(
    start_http2: Start, said: bytes
) -> None:
    def greets(peer: Peer) -> None:
        peer.raw(said)
        peer.close()

    talk = start_http2(lambda _peer, _asked: None, server={"greets": greets})
    sample = talk.send()
    assert sample.outcome in ENDINGS - {Outcome.wrong_status, Outcome.wrong_body}, talk.details
    talk.client.close()
    talk.server.__exit__()
