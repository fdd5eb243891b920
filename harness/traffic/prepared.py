"""A stream made ready: its request as bytes with gaps, and what its answer must be."""

import re
from collections.abc import Mapping
from typing import Final

from harness.model.outcome import Outcome
from harness.model.traffic import Connection, Stream
from harness.traffic.answer import Answer
from harness.traffic.connection import Pool

__all__ = ["Prepared"]

_GAP: Final = "{operation}"
_MARK: Final = b"\0"  # stands for the request id in the bytes; no valid request contains it
_EXCERPT: Final = 60
_KEEP_BYTES: Final = 256  # of an unchecked body, to show what a wrong status came with
_ID_DIGITS: Final = 10  # of a sequence number, which is 32 bits on disk

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET: Final = re.compile(r"/[!-~]*")
_RUN: Final = re.compile(r"[!-~]+")
_VALUE: Final = re.compile(r"[\t -~\x80-\xff]*")
_OURS: Final = frozenset(
    {
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "te",
        "expect",
        "upgrade",
        "x-request-id",
        "x-operation-id",
    }
)


class Prepared:
    """A stream with all that can be computed once. Raises ValueError for what HTTP forbids."""

    def __init__(
        self,
        stream: Stream,
        *,
        authority: str,
        run: str,
        headers: Mapping[str, str],
        max_idle_s: float,
    ) -> None:
        self.timeout_ns = int(stream.timeout_s * 1e9)
        self.bodiless = stream.method == "HEAD"
        self.pool = Pool(max_idle_s=max_idle_s) if stream.connection == Connection.reuse else None
        """None: a connection for each request."""
        self._status = stream.expect_status
        self._expected = (
            None
            if stream.expect_body is None or self.bodiless
            else {
                release: [part.encode() for part in text.split(_GAP)]
                for release, text in stream.expect_body.items()
            }
        )
        if not _RUN.fullmatch(run):
            raise ValueError(
                f"run {run!r} is part of headers and paths: printable ASCII, no spaces"
            )
        id_bytes = len(run) + 1 + _ID_DIGITS
        longest = max(
            (
                sum(map(len, parts)) + (len(parts) - 1) * id_bytes
                for parts in (self._expected or {}).values()
            ),
            default=0,
        )
        self.keep = max(_KEEP_BYTES, longest + 1)
        """Bytes of a body to keep: enough to tell every expected one from a longer one."""
        self._head = _head(stream, authority, headers).split(_MARK)
        self._body = [part.encode() for part in stream.body.split(_GAP)]
        self._has_body = bool(stream.body) or stream.method not in {"GET", "HEAD", "DELETE"}

    def request(self, identity: bytes) -> bytes:
        """The whole request, with the id in every gap."""
        head = identity.join(self._head)
        if not self._has_body:
            return head + b"\r\n"
        body = identity.join(self._body)
        return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)

    def judge(self, answer: Answer, identity: bytes) -> tuple[Outcome, str]:
        """The outcome of a whole answer, and why where it is not `ok`."""
        if answer.status != self._status:
            shown = bytes(answer.body[:_EXCERPT])
            return (
                Outcome.wrong_status,
                f"expected status {self._status}, observed {answer.status} with body {shown!r}",
            )
        if self._expected is None:
            return Outcome.ok, ""
        parts = self._expected.get(answer.release) or self._expected.get("*")
        if parts is None:
            return (
                Outcome.wrong_body,
                f"expected a release of {sorted(self._expected)}, observed {answer.release!r}",
            )
        expected = identity.join(parts)
        if answer.size == len(expected) and answer.body == expected:
            return Outcome.ok, ""
        return Outcome.wrong_body, _difference(expected, answer)


def _difference(expected: bytes, answer: Answer) -> str:
    body = bytes(answer.body)
    pairs = enumerate(zip(expected, body, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(expected), len(body)))
    return (
        f"release {answer.release!r}: body of {answer.size} bytes differs from the expected "
        f"{len(expected)} at byte {at}: expected {expected[at : at + _EXCERPT]!r}, "
        f"observed {body[at : at + _EXCERPT]!r}"
    )


def _head(stream: Stream, authority: str, headers: Mapping[str, str]) -> bytes:
    """The header section up to Content-Length, its last header, with a mark for each id."""
    name = f"stream {stream.name!r}: "
    if not _TOKEN.fullmatch(stream.method) or stream.method == "CONNECT":
        raise ValueError(f"{name}method {stream.method!r} is not supported; use GET, POST, …")
    if not _TARGET.fullmatch(stream.path):
        raise ValueError(
            f"{name}path {stream.path!r} must begin with / and be printable ASCII without "
            f"spaces; percent-encode the rest"
        )
    if not _VALUE.fullmatch(authority) or not authority:
        raise ValueError(f"authority {authority!r} cannot be a Host header; use host or host:port")
    mark = _MARK.decode()
    lines = [
        f"{stream.method} {stream.path.replace(_GAP, mark)} HTTP/1.1",
        f"Host: {authority}",
        f"X-Request-Id: {mark}",
    ]
    if stream.write:
        lines.append(f"X-Operation-Id: {mark}")
    if stream.connection == Connection.new:
        lines.append("Connection: close")
    for header, value in headers.items():
        if not _TOKEN.fullmatch(header) or not _VALUE.fullmatch(value):
            raise ValueError(f"header {header!r}: {value!r} is not valid HTTP")
        if header.lower() in _OURS:
            raise ValueError(f"header {header!r} is the client's own to send; leave it out")
        lines.append(f"{header}: {value}")
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")
