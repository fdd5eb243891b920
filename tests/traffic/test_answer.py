"""The parser alone, without a network."""

import contextlib
import gc
import itertools
import weakref
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import chunked, until_end, whole

from harness.traffic.answer import MAX_HEAD_BYTES, Answer, MalformedError

HEAD = b"HTTP/1.1 200 OK\r\n"


def feed_all(pieces: list[bytes], **settings: Any) -> Answer:
    answer = Answer(**settings)
    for piece in pieces:
        if piece:
            answer.feed(piece)
    return answer


@given(
    data=st.sampled_from(
        [
            whole(),
            chunked(b"hel", b"lo"),
            chunked(b"hello", trailers=b"A: b\r\nC:\r\n"),
            b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n" + whole(),
            b"HTTP/1.1 100 Continue\r\n\r\n" + chunked(b"hello"),
        ]
    ),
    cuts=st.lists(st.integers(0, 200), max_size=8),
)
def test_where_reads_happen_to_end_changes_nothing(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in itertools.pairwise(edges)]
    answer = feed_all(pieces, keep=100, wanted=frozenset({b"x-release", b"x-instance"}))
    assert answer.complete
    assert (answer.status, bytes(answer.body), answer.size) == (200, b"hello", 5)
    assert (answer.fields[b"x-release"], answer.fields[b"x-instance"]) == (b"v1", b"i1")
    assert answer.reusable


@given(data=st.binary(max_size=200), after=st.integers(0, 60))
@settings(max_examples=300)
def test_any_bytes_are_taken_or_malformed(data: bytes, after: int) -> None:
    answer = Answer(keep=10)
    with contextlib.suppress(MalformedError):  # anything else is a defect
        for piece in (whole()[:after], data):
            if piece:
                answer.feed(piece)
    assert answer.size >= len(answer.body)


def test_only_an_answer_without_length_is_ended_by_the_end() -> None:
    assert feed_all([until_end()]).end()
    assert not feed_all([whole()[:-1]]).end()
    assert not feed_all([chunked(b"hello")[:-1]]).end()
    assert not feed_all([HEAD]).end()
    assert not Answer().end()


@pytest.mark.parametrize("spare", [0, 1])
def test_header_section_is_bounded_to_the_byte(spare: int) -> None:
    start = HEAD + b"Content-Length: 0\r\nA: "
    data = start + b"b" * (MAX_HEAD_BYTES - len(start) - 4 + spare) + b"\r\n\r\n"
    pieces = [data[i : i + 9000] for i in range(0, len(data), 9000)]
    if spare:
        with pytest.raises(MalformedError, match="longer than"):
            feed_all(pieces)
    else:
        assert feed_all(pieces).complete


def test_interim_answers_share_the_bound() -> None:
    interim = b"HTTP/1.1 103 Early\r\nA: " + b"b" * 1000 + b"\r\n\r\n"
    with pytest.raises(MalformedError, match="longer than"):
        feed_all([interim] * 70)


@pytest.mark.parametrize("lead", [b"5;", b"0\r\nA: "], ids=["extension", "trailer"])
def test_chunk_extension_and_trailers_are_bounded(lead: bytes) -> None:
    with pytest.raises(MalformedError, match="longer than"):
        feed_all([HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + lead, *[b"x" * 4096] * 40])


def test_many_chunks_are_not_bounded() -> None:
    pieces = [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n" * 4000] * 10]
    assert feed_all([*pieces, b"0\r\n\r\n"]).size == 40_000


def test_kept_body_is_bounded_and_all_is_counted() -> None:
    for data in (whole(b"x" * 1000), chunked(b"x" * 600, b"x" * 400), until_end(b"x" * 1000)):
        answer = feed_all([data], keep=10)
        assert (bytes(answer.body), answer.size) == (b"x" * 10, 1000)


@pytest.mark.parametrize("data", [whole(), chunked(b"hello")], ids=["length", "chunked"])
def test_whole_answer_leaves_nothing_to_the_collector(data: bytes) -> None:
    """Thousands a second would otherwise make it pause the sender."""

    class Watched(Answer):
        pass  # without slots, so that it can be referred to weakly

    gc.disable()
    try:
        answer = Watched()
        answer.feed(data)
        gone = weakref.ref(answer)
        del answer
        assert gone() is None
    finally:
        gc.enable()
