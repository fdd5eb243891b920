"""What the server says, frame by frame (RFC 9113, 4.1), with GOAWAY told apart.

A server that finishes says GOAWAY and goes on answering what it has taken (6.8). h2 counts the
connection as closed from then on, and refuses each frame that follows; so it is never told.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from harness.traffic.answer import MalformedError

__all__ = ["MOST_BYTES", "Frames", "GoAway", "answered_stream"]

MOST_BYTES: Final = 16_384
"""Of a frame, without its head: as much as is allowed where nobody has allowed more."""

_HEAD_BYTES: Final = 9
_DATA, _HEADERS, _SETTINGS, _PUSH_PROMISE, _GOAWAY, _CONTINUATION = 0, 1, 4, 5, 7, 9
_OF_ANSWERS: Final = frozenset({_DATA, _HEADERS})
_OF_BLOCKS: Final = frozenset({_HEADERS, _PUSH_PROMISE, _CONTINUATION})
_END_HEADERS: Final = 0x4
_GOAWAY_BYTES: Final = 8
_STREAM: Final = 0x7FFF_FFFF
_EXCERPT: Final = 60


class GoAway(NamedTuple):
    """The server takes no more requests on this connection."""

    last: int
    """The highest stream that it may have begun to process: it has not touched those above."""
    code: int
    """Why (RFC 9113, 7); 0: it only finishes."""
    text: bytes = b""
    """What it says beside: untrusted."""


class Frames:
    """Cuts what is read into frames."""

    __slots__ = ("_buffer", "_is_begun", "_is_in_block")

    def __init__(self) -> None:
        self._buffer = b""
        self._is_begun = False
        self._is_in_block = False
        """A header section has begun and goes on in the next frame, which nothing may precede."""

    def feed(self, data: bytes) -> Iterator[bytes | GoAway]:
        """The frames that are whole by now, each as its bytes, GOAWAY as what it says.

        To be read to its end before more is fed. Raises MalformedError for what cannot be HTTP/2:
        then nothing that follows can be understood.
        """
        buffer, at = self._buffer + data, 0
        while len(buffer) - at >= _HEAD_BYTES:
            length, kind = int.from_bytes(buffer[at : at + 3], "big"), buffer[at + 3]
            self._refuse(length, kind, buffer)
            end = at + _HEAD_BYTES + length
            if end > len(buffer):
                break
            frame, at = buffer[at:end], end
            if kind == _GOAWAY:
                yield _goaway(frame)
                continue
            if kind in _OF_BLOCKS:
                self._is_in_block = not frame[4] & _END_HEADERS
            yield frame
        self._buffer = buffer[at:]

    def _refuse(self, length: int, kind: int, buffer: bytes) -> None:
        if not self._is_begun and kind != _SETTINGS:
            raise MalformedError(f"HTTP/2 begins with SETTINGS, observed {buffer[:_EXCERPT]!r}")
        if length > MOST_BYTES:
            raise MalformedError(f"a frame of {length} bytes, where {MOST_BYTES} are allowed")
        if self._is_in_block and kind == _GOAWAY:
            raise MalformedError("GOAWAY within a header section")
        self._is_begun = True


def _goaway(frame: bytes) -> GoAway:
    body = frame[_HEAD_BYTES:]
    if len(body) < _GOAWAY_BYTES or _stream(frame):
        raise MalformedError(f"no GOAWAY: {frame[:_EXCERPT]!r}")
    last, code = int.from_bytes(body[:4], "big") & _STREAM, int.from_bytes(body[4:8], "big")
    return GoAway(last, code, body[_GOAWAY_BYTES:])


def answered_stream(frame: bytes) -> int:
    """The stream that a frame answers on (HEADERS, DATA); 0 of one that is no part of an answer."""
    return _stream(frame) if frame[3] in _OF_ANSWERS else 0


def _stream(frame: bytes) -> int:
    return int.from_bytes(frame[5:9], "big") & _STREAM
