"""One answer, parsed strictly as it arrives.

llhttp (through httptools) parses the header section and chunked bodies; where an answer ends
is decided here, because httptools has no call for the end of the stream, takes an interim
answer (103) for a complete one, never completes an answer to HEAD, and parses a second answer
on the same connection without a word.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

__all__ = ["MAX_HEAD_BYTES", "Answer", "Heads", "MalformedError"]

MAX_HEAD_BYTES: Final = 65_536
"""Bound on the header sections of one answer, interim ones included, and on anything in a
chunked body that is not its data (a chunk's extension, the trailers)."""

_BLANK_LINE: Final = b"\r\n\r\n"
_VERSIONS: Final = (b"HTTP/1.1 ", b"HTTP/1.0 ")
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding", b"connection"})
_MOST_HEADS: Final = 64


class MalformedError(Exception):
    """What came is not one HTTP/1.1 answer; the text says why."""


class _Head(NamedTuple):
    """What a final header section says."""

    status: int
    fields: Mapping[bytes, bytes]
    reusable: bool
    left: int | None
    """Bytes of the body; None where the end of the stream ends it."""


class Heads:
    """Header sections that were parsed before: the same bytes, to the last, say the same.

    Servers repeat themselves to the byte for as long as the date does, and parsing is a tenth of
    what a request costs. One for answers with the same `bodiless` and `wanted`. Bounded.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, _Head] = {}

    def get(self, head: bytes) -> _Head | None:
        return self._known.get(head)

    def put(self, head: bytes, says: _Head) -> None:
        if len(self._known) >= _MOST_HEADS:
            self._known.clear()
        self._known[head] = says


class Answer:
    """The answer to one request, fed with bytes as they are read.

    `bodiless` is True for the answer to HEAD. `keep` bounds how many bytes of the body are
    kept in `body`; all are counted in `size`. `wanted` are the headers, by lower-case name, whose
    values are kept in `fields`. Transfer codings other than `chunked` are malformed, as none is
    asked for; a content coding is not decoded.
    """

    __slots__ = (
        "_bodiless",
        "_chunked",
        "_head",
        "_head_bytes",
        "_headers_complete",
        "_heads",
        "_keep",
        "_left",
        "_parsed",
        "_parser",
        "_quiet_bytes",
        "_tail",
        "_until_end",
        "_wanted",
        "body",
        "complete",
        "fields",
        "reusable",
        "size",
        "started",
        "status",
    )

    def __init__(
        self,
        *,
        bodiless: bool = False,
        keep: int = 0,
        wanted: frozenset[bytes] = frozenset(),
        heads: Heads | None = None,
    ) -> None:
        self.started = False
        """A byte has arrived; an interim answer's count."""
        self.complete = False
        self.reusable = False
        """The connection may carry another request after this answer."""
        self.status = 0
        """0 until the header section is whole; never an interim status."""
        self.size = 0
        self.body = bytearray()
        self.fields: Mapping[bytes, bytes] = {}
        """The wanted headers by lower-case name, those of an interim answer left out."""
        self._bodiless = bodiless
        self._keep = keep
        self._wanted = _FRAMING | wanted
        self._head_bytes = 0
        self._left: int | None = None
        self._chunked = False
        self._until_end = False
        self._quiet_bytes = 0
        self._tail = b""
        self._heads = heads
        self._parsed: dict[bytes, bytes] = {}
        self._parser: HttpResponseParser | None = None

    def _begin(self) -> None:
        self._head = bytearray()
        self._headers_complete = False
        self.fields = self._parsed = {}
        self._parser = HttpResponseParser(self)

    def feed(self, data: bytes) -> bool:
        """Take bytes in; True once the answer is whole.

        Raises MalformedError for anything that is not one answer, bytes after its end included.
        """
        self.started = True
        try:
            if self._chunked:
                self._feed_chunked(data)
            elif self._left is not None:
                self._feed_length(data)
            elif self._until_end:
                self._take(data)
            else:
                self._feed_head(data)
        except HttpParserUpgrade as error:  # not one of the errors below
            raise MalformedError("status 101 was not asked for") from error
        except HttpParserError as error:
            raise MalformedError(f"{error}: {_excerpt(data)}") from error
        return self.complete

    def end(self) -> bool:
        """The peer ended the stream: whether that makes the answer whole.

        It does only where neither a length nor chunks say where the answer ends.
        """
        self.complete = self.complete or self._until_end
        return self.complete

    def _feed_head(self, data: bytes) -> None:
        if self._parser is None:
            if self._is_known(data):
                return
            self._begin()
        # A loop, not a recursion: interim answers may come in thousands.
        while data and self._parser is not None:
            head = self._head
            known = len(head)
            head += data
            start = bytes(head[:9])
            if not any(version.startswith(start) for version in _VERSIONS):
                raise MalformedError(f"not an HTTP/1 answer: {_excerpt(bytes(head))}")
            end = head.find(_BLANK_LINE, max(0, known - 3))
            took = len(data) if end < 0 else end + len(_BLANK_LINE) - known
            self._head_bytes += took
            if self._head_bytes > MAX_HEAD_BYTES:
                raise MalformedError(f"header section longer than {MAX_HEAD_BYTES} bytes")
            self._parser.feed_data(data[:took])
            if end < 0:
                return
            if not self._headers_complete:
                raise MalformedError(f"no header section: {_excerpt(bytes(head))}")
            status = self._parser.get_status_code()
            data = data[took:]
            del head[known + took :]
            if status < 100 or status == 101:
                raise MalformedError(f"status {status:03} was not asked for")
            if status >= 200:
                self._begin_body(status, data)
                return
            self._begin()

    def _is_known(self, data: bytes) -> bool:
        """Whether it begins with a header section that was parsed before, and then reads it."""
        end = data.find(_BLANK_LINE)
        if end < 0 or self._heads is None:
            return False
        end += len(_BLANK_LINE)
        says = self._heads.get(data[:end])
        if says is None:
            return False
        self.status, self.fields, self.reusable, self._left = says
        self._until_end = self._left is None
        if self._left is None:
            self._take(data[end:])
        else:
            self._feed_length(data[end:])
        return True

    def _begin_body(self, status: int, data: bytes) -> None:
        fields = self._parsed
        modern = self._head.startswith(_VERSIONS[0])
        self.status = status
        connection = fields.get(b"connection")
        self.reusable = modern and (
            connection is None
            or b"close" not in [token.strip() for token in connection.lower().split(b",")]
        )
        coding = fields.get(b"transfer-encoding")
        length = fields.get(b"content-length")
        if coding is not None and (not modern or coding.strip().lower() != b"chunked"):
            raise MalformedError(f"Transfer-Encoding {_excerpt(coding)} was not asked for")
        if self._bodiless or status in {204, 304}:
            self._left = 0
        elif coding is not None:
            self._chunked = True
            if data:
                self._feed_chunked(data)
            return
        elif length is not None:
            self._left = int(length)  # llhttp has checked the digits
        else:
            self._until_end = True
            self.reusable = False
        # The parser holds this object's methods: without it nothing waits for the collector.
        self._parser = None
        if self._heads is not None:
            says = _Head(status, fields, self.reusable, self._left)
            self._heads.put(bytes(self._head), says)
        if self._left is None:
            self._take(data)
        else:
            self._feed_length(data)

    def _feed_length(self, data: bytes) -> None:
        left = self._left or 0
        self._take(data[:left])
        self._left = left - len(data)
        if self._left < 0:
            raise MalformedError(f"bytes after the end of the answer: {_excerpt(data[left:])}")
        self.complete = self._left == 0

    def _feed_chunked(self, data: bytes) -> None:
        if self.complete or self._parser is None:
            raise MalformedError(f"bytes after the end of the answer: {_excerpt(data)}")
        self._tail = (self._tail + data[-5:])[-5:]
        self._quiet_bytes += len(data)
        self._parser.feed_data(data)
        if self._quiet_bytes > MAX_HEAD_BYTES + len(data):
            raise MalformedError(f"chunk extension or trailers longer than {MAX_HEAD_BYTES} bytes")
        if self.complete:
            # llhttp passes over line ends after an answer. A whole chunked body ends in one
            # blank line, after a line that is not blank.
            if not self._tail.endswith(_BLANK_LINE) or self._tail.startswith(b"\n"):
                raise MalformedError("bytes after the end of the answer: line ends")
            self._parser = None

    def _take(self, data: bytes) -> None:
        self.size += len(data)
        room = self._keep - len(self.body)
        if room > 0:
            self.body += data[:room]

    # What httptools calls.

    def on_message_begin(self) -> None:
        if self._headers_complete:
            raise MalformedError

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in self._wanted and not self._headers_complete:  # later ones are trailers
            before = self._parsed.get(name)
            self._parsed[name] = value if before is None else before + b"," + value

    def on_headers_complete(self) -> None:
        self._headers_complete = True

    def on_chunk_header(self) -> None:
        self._quiet_bytes = 0

    def on_body(self, body: bytes) -> None:
        self._quiet_bytes = 0
        self._take(body)

    def on_message_complete(self) -> None:
        self.complete = self._chunked


def _excerpt(data: bytes) -> str:
    return repr(bytes(data[:60]))
