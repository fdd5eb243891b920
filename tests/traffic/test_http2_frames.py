"""The server's talk cut into frames, and what cannot be one."""

import itertools

import pytest
from hyperframe.frame import ContinuationFrame, DataFrame, GoAwayFrame, HeadersFrame, SettingsFrame
from hypothesis import given
from hypothesis import strategies as st

from harness.traffic.answer import MalformedError
from harness.traffic.http2.exchange import said
from harness.traffic.http2.frames import MOST_BYTES, Frames, GoAway, answered_stream

SETTINGS = SettingsFrame(0).serialize()
HEADERS = HeadersFrame(1, data=b"head", flags=["END_HEADERS"]).serialize()
BEGUN = HeadersFrame(1, data=b"he").serialize()
GONE_ON = ContinuationFrame(1, data=b"ad", flags=["END_HEADERS"]).serialize()
DATA = DataFrame(1, data=b"hello", flags=["END_STREAM"]).serialize()
LEAVING = GoAwayFrame(0, last_stream_id=7, error_code=2, additional_data=b"why").serialize()
TALK = [SETTINGS, HEADERS, LEAVING, DATA, BEGUN, GONE_ON, LEAVING]
TOLD = [SETTINGS, HEADERS, GoAway(7, 2, b"why"), DATA, BEGUN, GONE_ON, GoAway(7, 2, b"why")]


@given(st.lists(st.integers(0, sum(map(len, TALK)))))
def test_frames_are_the_same_however_they_come(cuts: list[int]) -> None:
    talk = b"".join(TALK)
    places = [0, *sorted(cuts), len(talk)]
    frames = Frames()
    found = [
        frame for begin, end in itertools.pairwise(places) for frame in frames.feed(talk[begin:end])
    ]
    assert found == TOLD


def fed(*pieces: bytes) -> list[bytes | GoAway]:
    frames = Frames()
    return [frame for piece in pieces for frame in frames.feed(piece)]


@pytest.mark.parametrize(
    ("talk", "why"),
    [
        ((HEADERS,), "begins with SETTINGS"),
        ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), "begins with SETTINGS"),
        ((SETTINGS, DataFrame(1, data=b"x" * (MOST_BYTES + 1)).serialize()), "16385 bytes"),
        ((SETTINGS, BEGUN, LEAVING), "within a header section"),
        ((SETTINGS, b"\0\0\x04\x07\0\0\0\0\0" + b"\0" * 4), "no GOAWAY"),
        ((SETTINGS, b"\0\0\x08\x07\0\0\0\0\x01" + b"\0" * 8), "no GOAWAY"),
    ],
)
def test_what_cannot_be_http2_is_refused(talk: tuple[bytes, ...], why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        fed(*talk)


def test_a_frame_that_is_too_long_is_refused_before_it_has_come() -> None:
    head = DataFrame(1, data=b"x" * (MOST_BYTES + 1)).serialize()[:9]
    with pytest.raises(MalformedError, match="16385 bytes"):
        fed(SETTINGS + head)
    assert len(fed(SETTINGS, DataFrame(1, data=b"x" * MOST_BYTES).serialize())) == 2


def test_the_reserved_bit_of_a_stream_is_passed_over() -> None:
    [_, goaway] = fed(SETTINGS, LEAVING[:9] + b"\x80" + LEAVING[10:])
    assert goaway == GoAway(7, 2, b"why")


def test_what_answers_is_told_from_what_does_not() -> None:
    assert [answered_stream(each) for each in (HEADERS, DATA, SETTINGS, GONE_ON)] == [1, 1, 0, 0]


def test_a_request_is_said_in_both_ways() -> None:
    request = (
        b"POST /a?b=c HTTP/1.1\r\nHost: a.test:8443\r\nX-Request-Id: r-1\r\nConnection: close\r\n"
        b"X-Empty: \r\nX-Time: 1:2\r\nContent-Length: 6\r\n\r\nx\r\n\r\ny"
    )
    fields, body = said(request)
    assert fields == [
        (b":method", b"POST"),
        (b":scheme", b"https"),
        (b":authority", b"a.test:8443"),
        (b":path", b"/a?b=c"),
        (b"x-request-id", b"r-1"),
        (b"x-empty", b""),
        (b"x-time", b"1:2"),
        (b"content-length", b"6"),
    ]
    assert body == b"x\r\n\r\ny"
