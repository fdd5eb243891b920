"""What a stream holds its answers against, and what it reads from them, without a network."""

import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talk import stream

from harness.model.outcome import Cache, Outcome
from harness.model.row import NAME_BYTES
from harness.traffic.answer import Answer
from harness.traffic.expected import Expected, cache_of, instance_of

HEADER = ("header", "X-Release")
ID = b"r1-7"


def expected(release_from: tuple[str, str] = HEADER, **settings: object) -> Expected:
    return Expected(stream(**settings), release_from=release_from, run="r1")


def answer(
    held: Expected, body: bytes = b"hello", status: str = "200 OK", **headers: str | bytes
) -> Answer:
    """A whole answer, read as that stream's would be. `_` in a header's name is a dash."""
    made = Answer(keep=held.keep, wanted=held.wanted)
    lines = [
        b"%b: %b" % (name.replace("_", "-").encode(), v.encode() if isinstance(v, str) else v)
        for name, v in headers.items()
    ]
    lines.append(b"Content-Length: %d" % len(body))
    assert made.feed(b"HTTP/1.1 %b\r\n%b\r\n\r\n%b" % (status.encode(), b"\r\n".join(lines), body))
    return made


def judged(held: Expected, *args: object, **headers: str | bytes) -> tuple[Outcome, str]:
    return held.judge(answer(held, *args, **headers), ID)  # type: ignore[arg-type]


# Status, redirects, headers, text.


def test_redirect_names_its_location() -> None:
    outcome, why = judged(expected(), b"", "302 Found", Location="https://other.test/login?a=b")
    assert outcome is Outcome.wrong_status
    assert why == (
        "expected status 200, observed 302, a redirect to 'https://other.test/login?a=b'"
    )


def test_location_is_bounded_and_escaped() -> None:
    _, why = judged(expected(), b"", "301 Moved", Location=b"/\x85'" + b"x" * 5000)
    assert why.endswith("x" * 197 + '"')
    assert "\\x85" in why


def test_location_beside_another_status_is_no_redirect() -> None:
    _, why = judged(expected(), b"made", "201 Created", Location="/1")
    assert why == "expected status 200, observed 201 with body b'made'"


@pytest.mark.parametrize(
    ("headers", "observed"),
    [
        ({"Content_Type": "text/html"}, "b'text/html'"),
        ({"Content_Type": "TEXT/PLAIN"}, "b'TEXT/PLAIN'"),
        ({}, "None"),
    ],
)
def test_header_must_be_there_with_that_very_value(headers: dict[str, str], observed: str) -> None:
    held = expected(expect_headers={"content-Type": "text/plain"}, expect_body=None)
    assert judged(held, CONTENT_TYPE="text/plain") == (Outcome.ok, "")
    assert judged(held, **headers) == (
        Outcome.wrong_header,
        f"expected header content-type: text/plain, observed {observed}",
    )


def test_header_that_came_twice_is_not_one_of_the_two() -> None:
    held = expected(expect_headers={"A": "b"}, expect_body=None)
    assert judged(held, A="b", a="c")[0] is Outcome.wrong_header


def test_status_comes_before_headers_and_headers_before_body() -> None:
    held = expected(expect_headers={"A": "b"}, expect_text="never")
    assert judged(held, b"", "503 Away")[0] is Outcome.wrong_status
    assert judged(held, b"")[0] is Outcome.wrong_header
    assert judged(held, b"", A="b")[0] is Outcome.wrong_body


def test_text_is_found_anywhere_in_the_body() -> None:
    held = expected(expect_body=None, expect_text="né")
    for body in ("né", "xné", "néx", "x" * 3_000_000 + "né"):
        assert judged(held, body.encode()) == (Outcome.ok, "")
    outcome, why = judged(held, b"ne")
    assert outcome is Outcome.wrong_body
    assert "is not in the body of 2 bytes" in why


def test_text_is_looked_for_beside_the_whole_body() -> None:
    assert judged(expected(expect_text="ell"), X_Release="v1")[0] is Outcome.ok
    assert judged(expected(expect_text="other"), X_Release="v1")[0] is Outcome.wrong_body


def test_answer_to_head_is_held_against_no_text() -> None:
    """It has no body; its status and headers still count."""
    held = expected(method="HEAD", expect_text="hello", expect_headers={"A": "b"})
    made = Answer(bodiless=True, wanted=held.wanted)
    assert made.feed(b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\n")
    assert held.judge(made, ID) == (Outcome.ok, "")


APP = b'{"app": {"status": "ok", "up": true, "tries": [1, 2.5]}}'


@pytest.mark.parametrize(
    ("path", "value", "observed"),
    [
        ("app.status", "ok", ""),
        ("app.up", True, ""),
        ("app.tries.0", 1, ""),
        ("app.tries.0", 1.0, ""),
        ("app.tries.1", 2.5, ""),
        ("app.status", "OK", '"ok"'),
        ("app.up", 1, "true"),
        ("app.up", "true", "true"),
        ("app.tries.0", True, "1"),
        ("app.tries", 1, "[1, 2.5]"),
        ("app.tries.2", 1, "nothing"),
        ("status", "ok", "nothing"),
    ],
)
def test_json_holds_a_value_at_its_path(path: str, value: object, observed: str) -> None:
    outcome, why = judged(expected(expect_body=None, expect_json={path: value}), APP)
    if not observed:
        assert (outcome, why) == (Outcome.ok, "")
        return
    assert outcome is Outcome.wrong_body
    assert why == (
        f"expected {json.dumps(value)} at {path} in the JSON, observed {observed}; the body of "
        f"{len(APP)} bytes begins with {APP[:60]!r}"
    )


def test_each_value_of_json_is_held_against_the_answer() -> None:
    held = expected(expect_body=None, expect_json={"app.status": "ok", "app.up": False})
    assert judged(held, APP)[1].startswith("expected false at app.up in the JSON, observed true")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "is empty"),
        (b"<html>", "Expecting value: line 1 column 1 (char 0)"),
        (APP[:-1], "Expecting ',' delimiter: line 1"),
        (b"\xff\xfe{", "codec can't decode"),
        (b"[" * 100_000, "recursion"),
        (b'{"app": ' + b"9" * 10_000 + b"}", "integer string conversion"),
    ],
)
def test_a_body_that_is_no_json_is_wrong_and_shown(body: bytes, why: str) -> None:
    outcome, told = judged(expected(expect_body=None, expect_json={"app.status": "ok"}), body)
    assert outcome is Outcome.wrong_body
    assert told.startswith(f"expected JSON, observed a body of {len(body)} bytes that is none (")
    assert why in told
    assert told.endswith(repr(body[:60]))


def test_json_that_is_too_long_to_be_kept_says_so() -> None:
    held = expected(expect_body=None, expect_json={"a": 1})
    _, told = judged(held, b'{"a": 1, "b": "' + b"x" * (5 << 20) + b'"}')
    assert "bytes, of which 4194304 are kept that is none" in told


def test_what_json_says_is_escaped_and_bounded() -> None:
    held = expected(expect_body=None, expect_json={"a": "b"})
    _, told = judged(held, b'{"a": "\\ud800' + b"x" * 10_000 + b'"}')
    assert told.isascii()
    assert len(told) < 300


def test_json_is_read_anew_where_the_body_differs_and_once_where_it_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = []
    original = json.loads
    monkeypatch.setattr(
        "harness.traffic.expected.json.loads", lambda body: read.append(body) or original(body)
    )
    held = expected(("json", "v"), expect_body=None, expect_json={"ok": True})
    for body, outcome, name in (
        (b'{"ok": true, "v": "v1"}', Outcome.ok, "v1"),
        (b'{"ok": true, "v": "v1"}', Outcome.ok, "v1"),
        (b'{"ok": false, "v": "v2"}', Outcome.wrong_body, "v2"),
        (b"{", Outcome.wrong_body, ""),
        (b'{"ok": true, "v": "v1"}', Outcome.ok, "v1"),
    ):
        made = answer(held, body)
        assert held.judge(made, ID)[0] is outcome
        assert held.release(made) == name
    assert len(read) == 4


def test_json_is_read_decoded_and_not_from_an_answer_to_head() -> None:
    held = expected(expect_body=None, expect_json={"app.status": "ok"})
    assert judged(held, gzip.compress(APP), Content_Encoding="gzip") == (Outcome.ok, "")
    head = expected(method="HEAD", expect_json={"app.status": "ok"})
    made = Answer(bodiless=True, wanted=head.wanted)
    assert made.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    assert head.judge(made, ID) == (Outcome.ok, "")


# Content codings.


def test_gzip_is_compared_decoded() -> None:
    held = expected()
    body = gzip.compress(b"hello")
    assert judged(held, body, X_Release="v1", Content_Encoding="gzip") == (Outcome.ok, "")
    assert judged(held, body, X_Release="v1", Content_Encoding=" GZip ") == (Outcome.ok, "")


def test_identity_is_right_where_gzip_was_allowed() -> None:
    held = expected(headers={"Accept-Encoding": "gzip"})
    assert judged(held, X_Release="v1")[0] is Outcome.ok
    assert judged(held, X_Release="v1", Content_Encoding="identity")[0] is Outcome.ok


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (gzip.compress(b"help!"), "at byte 3"),
        (gzip.compress(b"hello!"), "at byte 5"),
        (gzip.compress(b"hell"), "at byte 4"),
        (gzip.compress(b"hello")[:-1], "cut short"),
        (gzip.compress(b"hello")[:-8], "cut short"),
        (gzip.compress(b"hello")[:12], "cut short"),
        (b"", "cut short"),
        (gzip.compress(b"hello") + b"\n", "after its end"),
        (gzip.compress(b"hello") + b"x" * 5000, "after its end"),
        (gzip.compress(b"hello") + gzip.compress(b""), "after its end"),
        (gzip.compress(b"hello")[:-1] + b"\xff", "is not gzip"),
        (zlib.compress(b"hello"), "is not gzip"),
        (b"hello", "is not gzip"),
    ],
)
@pytest.mark.parametrize("held_by", ["body", "text"])
def test_gzip_that_is_not_the_text_and_nothing_else_is_wrong(
    body: bytes, why: str, held_by: str
) -> None:
    if held_by == "text":
        if "at byte" in why:
            why = "is not in the body" if b"hello" not in gzip.decompress(body) else ""
        held = expected(expect_body=None, expect_text="hello")
    else:
        held = expected()
    outcome, told = judged(held, body, X_Release="v1", Content_Encoding="gzip")
    assert outcome is (Outcome.wrong_body if why else Outcome.ok)
    assert why in told


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "x-gzip", "\xff"])
def test_coding_that_is_not_decoded_is_named(coding: str) -> None:
    outcome, why = judged(expected(), X_Release="v1", Content_Encoding=coding.encode("latin-1"))
    assert outcome is Outcome.wrong_body
    assert f"content coding {coding.encode('latin-1').lower()!r}" in why


def test_coding_of_a_body_that_is_not_checked_is_nobodys_concern() -> None:
    assert judged(expected(expect_body=None), b"\x8b\0", Content_Encoding="br")[0] is Outcome.ok


def test_incompressible_gzip_of_the_right_text_is_kept_whole() -> None:
    noise = "".join(chr(33 + n * n * 7919 % 90) for n in range(300_000))
    held = expected(expect_body={"*": noise})
    for level in (0, 1, 9):
        body = gzip.compress(noise.encode(), level)
        assert judged(held, body, Content_Encoding="gzip") == (Outcome.ok, "")


@pytest.mark.parametrize("settings", [{}, {"expect_body": None, "expect_text": "hello"}])
def test_bomb_stays_bounded(settings: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    """64 MiB in 64 KiB: wrong, and never all in memory."""
    most = 0
    original = zlib.decompressobj

    class Watched:
        def __init__(self, wbits: int) -> None:
            self._inflater = original(wbits=wbits)

        def __getattr__(self, name: str) -> object:
            return getattr(self._inflater, name)

        def decompress(self, data: bytes, max_length: int) -> bytes:
            nonlocal most
            text: bytes = self._inflater.decompress(data, max_length)
            most = max(most, len(text))
            return text

    monkeypatch.setattr("harness.traffic.expected.zlib.decompressobj", Watched)
    held = expected(("json", "release"), **settings)
    bomb = gzip.compress(b"\0" * (64 << 20))
    made = answer(held, bomb, Content_Encoding="gzip")
    assert held.judge(made, ID)[0] is Outcome.wrong_body
    assert held.release(made) == ""
    assert 0 < most <= 4 << 20


# Releases.


def release(source: tuple[str, str], body: bytes, status: str = "200 OK", **headers: str) -> str:
    held = expected(source, expect_body=None)
    return held.release(answer(held, body, status, **headers))


def test_release_by_header() -> None:
    assert release(("header", "x-VERSION"), b"", X_Version=" v1 ") == "v1"
    assert release(("header", "X-Version"), b"", X_Release="v1") == ""
    assert release(HEADER, b"", "503 Away", X_Release="v1") == "v1", "a header is the website's"


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("release", b'{"release": "v1"}', "v1"),
        ("app.version", b'{"app": {"version": "1.2.3"}}', "1.2.3"),
        ("apps.1.v", b'{"apps": [{}, {"v": 7}]}', "7"),
        ("0", b"[2.5]", "2.5"),
        ("v", b'{"v": true}', "True"),
        ("v", b'{"v": null}', ""),
        ("v", b'{"v": {}}', ""),
        ("v.w", b'{"v": "text"}', ""),
        ("v.9", b'{"v": [1]}', ""),
        ("v.x", b'{"v": [1]}', ""),
        ("v", b"", ""),
        ("v", b"not json", ""),
        ("v", b"\xff\xfe{", ""),
        ("v", b"[" * 100_000, ""),
        ("v", b'{"v": ' + b"9" * 10_000 + b"}", ""),
        ("v", b'{"v": "\\ud800"}', ""),
        ("v", b'{"v": "a\\u0000b"}', "a\0b"),
        ("v", b'{"v": "' + b"\xc3\xa9" * 400 + b'"}', "é" * (NAME_BYTES // 2)),
    ],
)
def test_release_by_json(path: str, body: bytes, name: str) -> None:
    assert release(("json", path), body) == name


def test_release_by_body() -> None:
    assert release(("body", ""), b" v1\r\n") == "v1"
    assert release(("body", ""), b"") == ""
    page = b"<html>" + b"x" * 1000
    told = release(("body", ""), page)
    assert told.startswith("sha256 ")
    assert told.endswith(" of 1006 bytes")
    assert len(told) <= NAME_BYTES
    assert release(("body", ""), page + b" ") != told
    assert release(("body", ""), b"a\x1bb").startswith("sha256 ")


@pytest.mark.parametrize("source", [("json", "v"), ("body", "")])
def test_body_tells_a_release_only_where_the_answer_is_the_expected_one(
    source: tuple[str, str],
) -> None:
    body = b'{"v": 1}'
    assert release(source, body) != ""
    assert release(source, body, "503 Away") == "", "an error page is no release"
    held = expected(source, expect_body=None)
    cut = Answer(keep=held.keep, wanted=held.wanted)
    cut.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + body)
    assert held.release(cut) == ""


def test_release_is_read_from_the_decoded_body() -> None:
    coded = gzip.compress(b'{"v": "v1"}')
    assert release(("json", "v"), coded, Content_Encoding="gzip") == "v1"
    assert release(("json", "v"), coded[:-1], Content_Encoding="gzip") == ""
    assert release(("json", "v"), coded, Content_Encoding="br") == ""


def test_nothing_tells_a_release_where_nothing_was_said_to() -> None:
    assert release(("", ""), b"v1", X_Release="v1") == ""


def test_body_is_compared_with_the_text_of_the_release_it_tells() -> None:
    held = expected(("json", "v"), expect_body={"1": '{"v": 1}', "2": '{"v":  2}'})
    assert judged(held, b'{"v": 1}')[0] is Outcome.ok
    assert judged(held, b'{"v":  2}')[0] is Outcome.ok
    assert judged(held, b'{"v": 2}')[0] is Outcome.wrong_body
    assert "observed '3'" in judged(held, b'{"v": 3}')[1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab0"), inner),
    max_leaves=6,
)
BODIES = st.binary(max_size=80) | JSON.map(lambda value: json.dumps(value).encode())


@given(
    body=BODIES | BODIES.map(gzip.compress),
    source=st.sampled_from([("json", "a.b"), ("json", "0.a"), ("body", ""), HEADER, ("", "")]),
    coding=st.sampled_from(["", "gzip", "br", "identity"]),
    settings=st.sampled_from(
        [
            {},
            {"expect_body": None},
            {"expect_body": None, "expect_text": "a"},
            {"expect_body": None, "expect_json": {"a.0": 1}},
        ]
    ),
)
def test_any_body_is_judged_and_tells_a_bounded_name(
    body: bytes, source: tuple[str, str], coding: str, settings: dict[str, object]
) -> None:
    held = expected(source, **settings)
    made = answer(held, body, X_Release="v1", Content_Encoding=coding)
    outcome, why = held.judge(made, ID)
    assert outcome in {Outcome.ok, Outcome.wrong_body}
    assert (outcome is Outcome.ok) is (why == "")
    assert len(held.release(made).encode()) <= NAME_BYTES


# Caches and instances.


@pytest.mark.parametrize(
    "value",
    [
        "HIT",
        "STALE",
        "UPDATING",
        "REVALIDATED",
        "hit",
        "Hit from cloudfront",
        "RefreshHit from cloudfront",
        "OriginShieldHit from cloudfront",
        "TCP_HIT from a23-1 (AkamaiGHost/10)",
        "TCP_MEM_HIT",
        "MISS, HIT",
        "HIT from proxy.test:3128",
    ],
)
def test_copies_are_told_in_the_words_of_nginx_and_of_content_networks(value: str) -> None:
    assert cache_of(answer(expected(), X_Cache=value)) is Cache.hit


@pytest.mark.parametrize(
    "value",
    [
        "MISS",
        "EXPIRED",
        "BYPASS",
        "Miss from cloudfront",
        "Error from cloudfront",
        "TCP_MISS",
        "TCP_REFRESH_MISS",
        "MISS, MISS",
        "MISS from hit.proxy.test",
        "white",
        "\xff",
    ],
)
def test_everything_else_was_asked_of_the_website(value: str) -> None:
    assert cache_of(answer(expected(), X_Cache=value.encode("latin-1"))) is Cache.miss


def test_answer_without_a_word_of_caches_tells_none() -> None:
    assert cache_of(answer(expected())) is Cache.untold
    assert cache_of(answer(expected(), X_Cache="")) is Cache.untold


def test_instance_is_what_the_header_names() -> None:
    assert instance_of(answer(expected(), X_Instance="website-1")) == "website-1"
    assert instance_of(answer(expected())) == ""
