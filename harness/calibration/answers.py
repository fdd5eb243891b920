"""What the scripted server answers: to each stream of a traffic, what that stream expects."""

import gzip
import json
from collections.abc import Mapping
from typing import Final

from harness.model.json_path import keys_of
from harness.model.made import expanded
from harness.model.traffic import Stream, Traffic

__all__ = ["GAP", "STREAM_HEADER", "Answers"]

STREAM_HEADER: Final = "X-Calibration-Stream"
"""Sent by streams that may ask alike and expect otherwise."""

GAP: Final = "{operation}"
_GAP: Final = GAP.encode()
_IDENTITY: Final = b"x-request-id"
_ANY: Final = "*"
_UNAVAILABLE: Final = (503, 500)
"""Where a stream expects the first, the second is the wrong one."""
_MOST_KNOWN: Final = 1_000


class Answers:
    """Whole answers as bytes, by the head of a request. `release` names who answers."""

    def __init__(self, traffic: Traffic, release: str) -> None:
        self._streams = tuple((_asked(traffic, stream), stream) for stream in traffic.streams)
        self._made = {
            stream.name: (_answer(stream, traffic, release), _unavailable(stream))
            for stream in traffic.streams
        }
        self._known: dict[bytes, Stream | None] = {}

    def to(self, head: bytes, *, is_available: bool = True) -> bytes:
        """The answer to a request with that head: right, or its server's lack of service.

        A request of no stream gets 404.
        """
        identity = _identity(head)
        asked = head.replace(identity, _GAP) if identity else head
        stream = self._stream(asked)
        if stream is None:
            return _message(404, {}, b"of no stream")
        right, unavailable = self._made[stream.name]
        return right.with_(identity) if is_available else unavailable

    def _stream(self, asked: bytes) -> Stream | None:
        if asked not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            lines = frozenset(asked.lower().split(b"\r\n"))
            target = asked.split(b"\r\n", 1)[0]
            fits = [
                (len(headers), stream)
                for (line, headers), stream in self._streams
                if line == target and headers <= lines
            ]
            self._known[asked] = max(fits, key=lambda fit: fit[0])[1] if fits else None
        return self._known[asked]


class _Answer:
    """An answer with gaps for the operation; whole beforehand where it has none."""

    def __init__(self, status: int, headers: Mapping[str, str], body: str, method: str) -> None:
        self._status, self._headers = status, headers
        self._body = expanded(body).encode()
        self._method = method
        self._whole = None if _GAP in self._body else self._made(self._body)

    def with_(self, identity: bytes) -> bytes:
        return self._whole or self._made(self._body.replace(_GAP, identity))

    def _made(self, body: bytes) -> bytes:
        named = {name.lower(): value.strip().lower() for name, value in self._headers.items()}
        if named.get("content-encoding") == "gzip":
            body = gzip.compress(body, 6, mtime=0)
        return _message(self._status, self._headers, body, is_bodiless=self._method == "HEAD")


def _asked(traffic: Traffic, stream: Stream) -> tuple[bytes, frozenset[bytes]]:
    """The request line, and the headers that tell the stream from others of the same line."""
    headers = {**traffic.headers, **stream.headers}
    lines = (f"{name}: {value}".lower().encode("latin-1") for name, value in headers.items())
    return f"{stream.method} {stream.path} HTTP/1.1".encode("latin-1"), frozenset(lines)


def _answer(stream: Stream, traffic: Traffic, release: str) -> _Answer:
    kind, name = traffic.release_source(stream)
    headers = dict(stream.expect_headers)
    bodies = stream.expect_body
    if bodies and release not in bodies and _ANY not in bodies:
        # Right is only what one of these releases answers.
        release = next(iter(bodies))
    if kind == "header" and name.lower() not in {header.lower() for header in headers}:
        headers[name] = release
    if bodies is not None:
        body = bodies.get(release, bodies.get(_ANY, ""))
    else:
        told = {name: release} if kind == "json" else {}
        body = _told({**told, **stream.expect_json}, stream.expect_text)
    return _Answer(stream.expect_status, headers, body or "calibration", stream.method)


def _told(values: Mapping[str, object], text: str) -> str:
    """JSON that holds the values at their paths, and `text`; `text` alone where JSON cannot, or
    where there is no value. A value that lies below another one is left out.
    """
    if not values:
        return text
    told: dict[str, object] = {"said": text} if text else {}
    for path, value in values.items():
        *outer, last = keys_of(path)
        place: object = told
        for key in outer:
            place = place.setdefault(key, {}) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place[last] = value
    for separators in ((", ", ": "), (",", ":")):
        said = json.dumps(told, ensure_ascii=False, separators=separators)
        if text in said:
            return said
    return text


def _unavailable(stream: Stream) -> bytes:
    status = _UNAVAILABLE[stream.expect_status == _UNAVAILABLE[0]]
    return _message(status, {}, b"unavailable", is_bodiless=stream.method == "HEAD")


def _message(
    status: int, headers: Mapping[str, str], body: bytes, *, is_bodiless: bool = False
) -> bytes:
    lines = [f"HTTP/1.1 {status} Calibration"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    has_length = any(name.lower() == "content-length" for name in headers)
    is_empty = status < 200 or status in {204, 304}
    if not has_length and not is_empty:
        lines.append(f"Content-Length: {len(body)}")
    head = "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n"
    return head if is_bodiless or is_empty else head + body


def _identity(head: bytes) -> bytes:
    """The request's id, as its header says; empty where it says none."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == _IDENTITY:
            return value.strip()
    return b""
