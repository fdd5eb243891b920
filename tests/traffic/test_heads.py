"""Header sections that come again are not parsed again, and nothing else is different."""

from collections.abc import Callable

import pytest

from harness.traffic import answer as module
from harness.traffic.answer import Answer, Heads, MalformedError

WANTED = frozenset({b"x-release"})
OK = b"HTTP/1.1 200 OK\r\nX-Release: v1\r\nContent-Length: 5\r\n\r\n"
BODILESS = b"HTTP/1.1 204 No Content\r\nX-Release: v2\r\n\r\n"
UNTIL_END = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def parsers(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every parser that is made from now on."""
    made: list[object] = []
    real: Callable[[object], object] = module.HttpResponseParser

    def counted(answer: object) -> object:
        made.append(real(answer))
        return made[-1]

    monkeypatch.setattr(module, "HttpResponseParser", counted)
    return made


def told(answer: Answer) -> tuple[object, ...]:
    return (
        answer.started,
        answer.complete,
        answer.reusable,
        answer.status,
        answer.size,
        bytes(answer.body),
        dict(answer.fields),
    )


def fed(heads: Heads | None, *parts: bytes, ends: bool = False) -> tuple[object, ...]:
    answer = Answer(keep=64, wanted=WANTED, heads=heads)
    for part in parts:
        answer.feed(part)
    if ends:
        answer.end()
    return told(answer)


@pytest.mark.parametrize(
    ("head", "body"),
    [(OK, b"hello"), (OK, b"hel"), (OK, b""), (BODILESS, b""), (UNTIL_END, b"down")],
)
def test_an_answer_whose_head_is_known_says_what_it_said_before(
    parsers: list[object], head: bytes, body: bytes
) -> None:
    heads = Heads()
    first = fed(heads, head + body, ends=True)
    made = len(parsers)
    assert fed(heads, head + body, ends=True) == first == fed(None, head + body, ends=True)
    assert len(parsers) == made + 1, "only the one without heads is parsed"


def test_a_known_head_can_be_followed_by_its_body_in_parts() -> None:
    heads = Heads()
    whole = fed(heads, OK + b"hello")
    assert fed(heads, OK, b"he", b"llo") == fed(heads, OK + b"he", b"llo") == whole


def test_a_head_that_differs_in_one_byte_is_parsed() -> None:
    heads = Heads()
    fed(heads, OK + b"hello")
    assert fed(heads, OK.replace(b"v1", b"v2") + b"hello") == fed(
        None, OK.replace(b"v1", b"v2") + b"hello"
    )
    with pytest.raises(MalformedError):
        fed(heads, OK.replace(b"X-Rel", b"X Rel") + b"hello")


def test_bytes_after_the_end_of_a_known_head_s_answer_are_malformed() -> None:
    heads = Heads()
    fed(heads, OK + b"hello")
    with pytest.raises(MalformedError, match="bytes after the end"):
        fed(heads, OK + b"hello!")


@pytest.mark.parametrize("cut", range(1, len(OK)))
def test_a_known_head_that_comes_in_two_parts_is_the_same(cut: int) -> None:
    heads = Heads()
    whole = fed(heads, OK + b"hello")
    assert fed(heads, OK[:cut], OK[cut:] + b"hello") == whole


def test_a_head_after_an_interim_one_is_known_without_it() -> None:
    heads = Heads()
    interim = b"HTTP/1.1 103 Early Hints\r\nX-Release: v9\r\n\r\n"
    first = fed(heads, interim + OK + b"hello")
    assert fed(heads, OK + b"hello") == fed(heads, interim + OK + b"hello") == first


def test_a_chunked_answer_is_parsed_each_time(parsers: list[object]) -> None:
    """Its parser has the body to read yet."""
    heads = Heads()
    body = b"5\r\nhello\r\n0\r\n\r\n"
    assert fed(heads, CHUNKED + body) == fed(heads, CHUNKED + body)
    assert len(parsers) == 2


def test_heads_are_forgotten_before_they_are_too_many() -> None:
    heads = Heads()
    for n in range(1_000):
        fed(heads, b"HTTP/1.1 204 No Content\r\nX-Release: %d\r\n\r\n" % n)
    assert 0 < len(heads._known) <= 64


def test_what_was_told_in_a_head_that_was_cut_short_is_kept() -> None:
    assert fed(Heads(), OK[:-2])[-1] == {b"x-release": b"v1"}
