"""What the scripted server answers, judged as the sending child judges it."""

import gzip
import json
from dataclasses import replace

import pytest

from harness.calibration.answers import Answers
from harness.calibration.calibrator import _brief
from harness.model.traffic import Connection, Stream, Tls, Traffic

ID = b"r1-42"


def asked(line: str, *headers: str) -> bytes:
    return "\r\n".join([line, "Host: localhost", "X-Request-Id: r1-42", *headers]).encode()


def answer(traffic: Traffic, head: bytes, **how: bool) -> tuple[int, dict[str, str], bytes]:
    whole = Answers(traffic, "v1").to(head, **how)
    top, _, body = whole.partition(b"\r\n\r\n")
    status, *lines = top.decode().split("\r\n")
    return int(status.split()[1]), dict(line.split(": ", 1) for line in lines), body


def of(*, release_from: str = "header:X-Release", **settings: object) -> Traffic:
    more: dict[str, object] = {"name": "a", "path": "/", "rate_hz": 1.0} | settings
    return Traffic(streams=(Stream(**more),), release_from=release_from)  # type: ignore[arg-type]


def test_the_old_releases_body_under_its_name():
    traffic = of(expect_body={"v1": "old", "v2": "new"})
    assert answer(traffic, asked("GET / HTTP/1.1")) == (
        200,
        {"X-Release": "v1", "Content-Length": "3"},
        b"old",
    )


def test_a_release_that_no_body_is_known_of_is_not_answered_with():
    """Right is only what one of the known releases answers."""
    _, headers, body = answer(of(expect_body={"a": "one", "b": "two"}), asked("GET / HTTP/1.1"))
    assert (headers["X-Release"], body) == ("a", b"one")


def test_the_operation_is_filled_in_from_the_requests_own_id():
    traffic = of(path="/items/{operation}", method="POST", expect_body={"*": "did {operation}"})
    _, headers, body = answer(traffic, asked("POST /items/r1-42 HTTP/1.1", "Content-Length: 0"))
    assert body == b"did r1-42"
    assert headers["Content-Length"] == "9"


def test_gzip_where_it_is_expected_with_an_operation_in_it_too():
    traffic = of(
        headers={"Accept-Encoding": "gzip"},
        expect_headers={"Content-Encoding": "gzip"},
        expect_body={"*": "did {operation}"},
    )
    _, headers, body = answer(traffic, asked("GET / HTTP/1.1", "Accept-Encoding: gzip"))
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body) == b"did r1-42"


def test_streams_of_one_path_are_told_apart_by_their_headers():
    traffic = Traffic(
        headers={"User-Agent": "x"},
        streams=(
            Stream(name="plain", path="/", rate_hz=1, expect_body={"*": "plain"}),
            Stream(
                name="json",
                path="/",
                rate_hz=1,
                headers={"Accept": "json"},
                expect_body={"*": "json"},
            ),
        ),
    )
    assert answer(traffic, asked("GET / HTTP/1.1", "User-Agent: x"))[2] == b"plain"
    assert answer(traffic, asked("GET / HTTP/1.1", "User-Agent: x", "Accept: json"))[2] == b"json"


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_none(status):
    found, headers, body = answer(of(expect_status=status), asked("GET / HTTP/1.1"))
    assert (found, body) == (status, b"")
    assert "Content-Length" not in headers


def test_an_answer_to_head_declares_a_body_and_sends_none():
    _, headers, body = answer(of(method="HEAD", expect_text="x"), asked("HEAD / HTTP/1.1"))
    assert (headers["Content-Length"], body) == ("1", b"")


def test_a_release_in_json_beside_the_expected_text():
    traffic = of(release_from="json:app.version", expect_text="Wörter")
    _, _, body = answer(traffic, asked("GET / HTTP/1.1"))
    told = json.loads(body)
    assert told["app"]["version"] == "v1"
    assert "Wörter" in body.decode()


def test_a_text_that_json_would_escape_is_answered_as_it_is():
    traffic = of(release_from="json:v", expect_text='class="shop"')
    assert answer(traffic, asked("GET / HTTP/1.1"))[2] == b'class="shop"'


@pytest.mark.parametrize(("expected", "other"), [(200, 503), (503, 500)])
def test_without_service_the_status_is_another_than_the_expected_one(expected, other):
    traffic = of(expect_status=expected, connection=Connection.new)
    assert answer(traffic, asked("GET / HTTP/1.1"), is_available=False)[0] == other


def test_what_no_stream_asks_for_is_not_there():
    assert answer(of(), asked("GET /other HTTP/1.1"))[0] == 404


def test_json_that_a_stream_expects_beside_the_release_and_the_text():
    traffic = of(
        release_from="json:app.version",
        expect_text="Wörter",
        expect_json={"app.status": "ok", "app.up": True, "tries.0": 1},
    )
    told = json.loads(answer(traffic, asked("GET / HTTP/1.1"))[2])
    assert told["app"] == {"version": "v1", "status": "ok", "up": True}
    assert told["tries"]["0"] == 1
    assert told["said"] == "Wörter"


@pytest.mark.parametrize("path", ["v", "v.w"])
def test_json_that_is_expected_where_the_release_is_told_comes_first(path):
    traffic = of(release_from="json:v", expect_json={"v": "ok"})
    assert json.loads(answer(traffic, asked("GET / HTTP/1.1"))[2]) == {"v": "ok"}
    traffic = of(release_from="json:v.w", expect_json={path: "ok"})
    assert answer(traffic, asked("GET / HTTP/1.1"))[2]


def test_a_text_of_compact_json_is_answered_compactly():
    traffic = of(expect_json={"a": 1, "b": 2}, expect_text='"a":1,"b":2')
    assert (
        answer(traffic, asked("GET / HTTP/1.1"))[2] == b'{"said":"\\"a\\":1,\\"b\\":2","a":1,"b":2}'
    )


def test_a_stream_that_tells_its_release_otherwise_is_answered_so():
    traffic = of(release_from="json:v")
    stream = replace(traffic.streams[0], release_from="header:X-V")
    status, headers, body = answer(replace(traffic, streams=(stream,)), asked("GET / HTTP/1.1"))
    assert (status, headers["X-V"], body) == (200, "v1", b"calibration")


def test_streams_of_origins_that_ask_alike_are_told_apart_in_the_brief():
    streams = tuple(
        Stream(
            name=name,
            path="/",
            rate_hz=9,
            origin=f"https://{name}.test",
            tls=Tls.full,
            expect_json={"who": name},
            expect_text=f'"who": "{name}"',
        )
        for name in ("a", "b")
    )
    brief = _brief(Traffic(streams=streams, headers={"User-Agent": "x"}))
    assert {stream.origin for stream in brief.streams} == {""}
    assert {stream.tls for stream in brief.streams} == {Tls.full}
    for stream in brief.streams:
        lines = [f"{key}: {value}" for key, value in stream.headers.items()]
        _, _, body = answer(brief, asked("GET / HTTP/1.1", "User-Agent: x", *lines))
        assert json.loads(body) == {"who": stream.name}
