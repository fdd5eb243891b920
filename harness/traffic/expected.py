"""What a stream's answer must be, and what it says of where it comes from."""

import hashlib
import json
import re
import zlib
from functools import lru_cache
from typing import Final

from harness.model.json_path import found_at, keys_of, same, shown
from harness.model.made import expanded
from harness.model.outcome import Cache, Outcome
from harness.model.row import NAME_BYTES
from harness.model.traffic import Stream
from harness.traffic.answer import Answer

__all__ = ["GAP", "ID_DIGITS", "Expected", "cache_of", "cache_told", "instance_of"]

GAP: Final = "{operation}"
"""In a stream's texts, the place of the request id."""
ID_DIGITS: Final = 10
"""Of a sequence number, which is 32 bits on disk."""

_EXCERPT: Final = 60
_KEEP_BYTES: Final = 256  # of an unchecked body, to show what a wrong status came with
_MOST_KEPT: Final = 4 * 1024 * 1024  # of a body whose whole text is not known beforehand
_COPIES: Final = re.compile(rb"(?i)(?:hit|(?<![a-z])(?:stale|updating|revalidated))(?![a-z])")
_BY: Final = re.compile(rb"(?i)\sfrom\s[^,]*")  # the name of the cache, which may say anything
_ALWAYS_WANTED: Final = frozenset(
    {b"x-instance", b"x-cache", b"content-encoding", b"location", b"set-cookie"}
)


class Expected:
    """Judges the answers of one stream. `release_from` is model.traffic.Traffic's source."""

    def __init__(self, stream: Stream, *, release_from: tuple[str, str], run: str) -> None:
        self._status = stream.expect_status
        self._headers = {
            name.lower().encode("latin-1"): value.encode("latin-1")
            for name, value in stream.expect_headers.items()
        }
        self._text = b"" if stream.method == "HEAD" else stream.expect_text.encode()
        self._json = [
            (path, keys_of(path), value)
            for path, value in stream.expect_json.items()
            if stream.method != "HEAD"
        ]
        self._bodies = (
            None
            if stream.expect_body is None or stream.method == "HEAD"
            else {
                release: [part.encode() for part in expanded(text).split(GAP)]
                for release, text in stream.expect_body.items()
            }
        )
        kind, name = release_from
        self._kind = kind
        self._path = keys_of(name)
        self._header = name.lower().encode("latin-1") if kind == "header" else b""
        self.wanted = _ALWAYS_WANTED | self._headers.keys() | {self._header}
        """Headers of an answer that its judgement needs."""
        id_bytes = len(run) + 1 + ID_DIGITS
        self._longest = max(
            (
                sum(map(len, parts)) + (len(parts) - 1) * id_bytes
                for parts in (self._bodies or {}).values()
            ),
            default=0,
        )
        self._parsed: tuple[bytes, object, str] = (b"", None, "it is empty")
        """The last body that was parsed, as answers often are alike: what it is as JSON, or why it
        is none."""
        self._looks = self._bodies is not None or bool(self._text or self._json)
        is_open = bool(self._text or self._json) or kind in {"json", "body"}
        # What gzip cannot shrink grows by 5 bytes in 16 KiB and a frame of 18.
        self.keep = (
            _MOST_KEPT if is_open else max(_KEEP_BYTES, self._longest + self._longest // 1000 + 64)
        )
        """Bytes of a body to keep: enough to tell every expected one from a longer one."""

    def judge(self, answer: Answer, identity: bytes) -> tuple[Outcome, str]:
        """The outcome of a whole answer, and why where it is not `ok`."""
        if answer.status != self._status:
            return Outcome.wrong_status, self._other_status(answer)
        for name, value in self._headers.items():
            if answer.fields.get(name) != value:
                return Outcome.wrong_header, (
                    f"expected header {name.decode()}: {value.decode('latin-1')}, "
                    f"observed {answer.fields.get(name)!r}"
                )
        if not self._looks:
            return Outcome.ok, ""
        body, why = self.decoded(answer)
        if why:
            return Outcome.wrong_body, why
        if self._text and self._text not in body:
            return Outcome.wrong_body, (
                f"expected text {self._text[:_EXCERPT]!r} is not in the body of {answer.size} "
                f"bytes (as far as {_MOST_KEPT} are kept): {body[:_EXCERPT]!r}"
            )
        if self._json and (why := self._unlike_json(body, answer)):
            return Outcome.wrong_body, why
        return self._same(body, answer, identity) if self._bodies is not None else (Outcome.ok, "")

    def release(self, answer: Answer) -> str:
        """The release that the answer tells; empty where it tells none.

        By its body only an answer of the expected status tells one: the error page of a proxy is
        no release.
        """
        if self._kind == "header":
            value = answer.fields.get(self._header)
            return _name(value) if value else ""
        if not self._kind or not answer.complete or answer.status != self._status:
            return ""
        body, why = self.decoded(answer)
        if why:
            return ""
        return self._by_path(body) if self._kind == "json" else _of_body(body)

    def _other_status(self, answer: Answer) -> str:
        told = f"expected status {self._status}, observed {answer.status}"
        location = answer.fields.get(b"location")
        if location is not None and 300 <= answer.status < 400:
            return f"{told}, a redirect to {location[:200].decode('latin-1')!r}"
        return f"{told} with body {bytes(answer.body[:_EXCERPT])!r}"

    def decoded(self, answer: Answer) -> tuple[bytes, str]:
        """The body without its content coding, as far as it is kept; and why it cannot be had."""
        coding = answer.fields.get(b"content-encoding", b"").strip().lower()
        if coding in {b"", b"identity"}:
            return bytes(answer.body), ""
        if coding != b"gzip":
            return (
                b"",
                f"the body came in content coding {coding!r}, of which gzip alone is decoded",
            )
        most = max(self._longest + 1, _KEEP_BYTES) if self._bodies is not None else _MOST_KEPT
        return _gunzipped(bytes(answer.body), most, is_whole=len(answer.body) == answer.size)

    def _unlike_json(self, body: bytes, answer: Answer) -> str:
        """Why the body does not hold what is expected of it as JSON; empty where it does."""
        value, why = self._as_json(body)
        if why:
            cut = f", of which {_MOST_KEPT} are kept" if len(body) >= _MOST_KEPT else ""
            return (
                f"expected JSON, observed a body of {answer.size} bytes{cut} that is none ({why}): "
                f"{body[:_EXCERPT]!r}"
            )
        for path, keys, expected in self._json:
            observed = found_at(value, keys)
            if not same(observed, expected):
                return (
                    f"expected {shown(expected)[:_EXCERPT]} at {path} in the JSON, observed "
                    f"{shown(observed)[:_EXCERPT]}; the body of {answer.size} bytes begins with "
                    f"{body[:_EXCERPT]!r}"
                )
        return ""

    def _by_path(self, body: bytes) -> str:
        value, why = self._as_json(body)
        value = None if why else found_at(value, self._path)
        try:
            return _name(str(value).encode()) if isinstance(value, str | int | float) else ""
        except UnicodeEncodeError:
            # JSON can write half of a surrogate pair, which no encoding can.
            return ""

    def _as_json(self, body: bytes) -> tuple[object, str]:
        """The body's value, and why it has none, if so."""
        if body != self._parsed[0]:
            value, why = None, ""
            try:
                value = json.loads(body)
            except (ValueError, RecursionError) as error:
                why = str(error)
            self._parsed = (body, value, why)
        return self._parsed[1:]

    def _same(self, body: bytes, answer: Answer, identity: bytes) -> tuple[Outcome, str]:
        bodies = self._bodies or {}
        release = self.release(answer)
        parts = bodies.get(release) or bodies.get("*")
        if parts is None:
            return (
                Outcome.wrong_body,
                f"expected a release of {sorted(bodies)}, observed {release!r}",
            )
        expected = identity.join(parts)
        if body == expected and answer.size == len(answer.body):
            return Outcome.ok, ""
        pairs = enumerate(zip(expected, body, strict=False))
        at = next((i for i, (a, b) in pairs if a != b), min(len(expected), len(body)))
        return (
            Outcome.wrong_body,
            (
                f"release {release!r}: body of {answer.size} bytes differs from the expected "
                f"{len(expected)} at byte {at}: expected {expected[at : at + _EXCERPT]!r}, "
                f"observed {body[at : at + _EXCERPT]!r}"
            ),
        )


def instance_of(answer: Answer) -> str:
    """The instance that the answer names in X-Instance."""
    value = answer.fields.get(b"x-instance")
    return _name(value) if value else ""


def cache_of(answer: Answer) -> Cache:
    """What the answer says in X-Cache, in NGINX's words or a content network's."""
    return cache_told(answer.fields.get(b"x-cache") or b"")


def cache_told(value: bytes) -> Cache:
    """What that value of X-Cache says."""
    return _cache(value) if value else Cache.untold


@lru_cache(maxsize=64)
def _cache(value: bytes) -> Cache:
    return Cache.hit if _COPIES.search(_BY.sub(b"", value)) else Cache.miss


@lru_cache(maxsize=1024)
def _name(value: bytes) -> str:
    text = value[: 4 * NAME_BYTES].strip().decode("utf-8", "replace")
    return text.encode()[:NAME_BYTES].decode("utf-8", "ignore")


def _of_body(body: bytes) -> str:
    text = body.strip()
    if len(text) <= NAME_BYTES and text.decode("utf-8", "replace").isprintable():
        return _name(text)
    return f"sha256 {hashlib.sha256(body).hexdigest()[:12]} of {len(body)} bytes"


def _gunzipped(data: bytes, most: int, *, is_whole: bool) -> tuple[bytes, str]:
    """At most `most` bytes of it; why it is not one gzip stream, if so."""
    inflater = zlib.decompressobj(wbits=31)
    try:
        text = inflater.decompress(data, most)
    except zlib.error as error:
        return b"", f"the body is not gzip, as its header says: {error}"
    if inflater.eof and (inflater.unused_data or not is_whole):
        return b"", "the body is a gzip stream with bytes after its end"
    if not inflater.eof and is_whole and len(text) < most:
        return b"", "the body is a gzip stream that is cut short"
    return text, ""
