"""The request log's row: fixed size, with a checksum of its own.

A row is either a sample or a name: releases and instances are strings that servers choose, so
samples carry a number and the name is written once, in a row of its own, before its first use.
Little-endian, 64 bytes:

    sample: kind=1, outcome u8, status u16, seq u32, due, sent, first_byte, finished i64 (ns,
            monotonic; 0 = never), bytes u32, connection u32, release u16, instance u16,
            reuse u16, stream u8, cache u8, handshake u8, again u8, 2 spare bytes, crc32
    name:   kind=2, 1 spare byte, number u16, 56 bytes of UTF-8 padded with NUL, crc32

The checksum is zlib.crc32 of the 60 bytes before it. Source: design of this project; the size
of a row is a trade of a few bytes for rows that can be found again after a damaged one.
"""

import struct
import zlib
from typing import Final, NamedTuple

from harness.model.outcome import Cache, Handshake, Outcome

__all__ = [
    "NAME_BYTES",
    "PROBE_STREAM",
    "ROW_BYTES",
    "ROW_NAME",
    "ROW_SAMPLE",
    "Sample",
    "pack_name",
    "pack_sample",
]

ROW_SAMPLE: Final = 1
ROW_NAME: Final = 2
PROBE_STREAM: Final = 255
NAME_BYTES: Final = 56

_SAMPLE = struct.Struct("<BBHIqqqqIIHHHBBBB2x")
_NAME = struct.Struct(f"<BxH{NAME_BYTES}s")
_CRC = struct.Struct("<I")
ROW_BYTES: Final = _SAMPLE.size + _CRC.size
assert _NAME.size == _SAMPLE.size == 60  # noqa: S101 (the layout above, checked at import)


class Sample(NamedTuple):
    """What is known of one request. Times are monotonic nanoseconds; 0 is never."""

    seq: int
    stream: int
    due_ns: int
    sent_ns: int = 0
    """When sending began: before the connection is asked for, or before the first byte is
    written on a reused one."""
    first_byte_ns: int = 0
    finished_ns: int = 0
    outcome: Outcome = Outcome.not_sent
    status: int = 0
    bytes: int = 0
    """Bytes of the body that were read."""
    release: str = ""
    instance: str = ""
    connection: int = 0
    """The connection's number, counted from 1 in the order of opening."""
    reuse: int = 0
    """How many requests that connection had carried before this one."""
    cache: Cache = Cache.untold
    handshake: Handshake = Handshake.plain
    """How that connection began."""
    again: int = 0
    """How often the client asked again, as the server had said that it did not process the request
    (Stream.asks_again). Times are those of all its tries together, the rest is of the last."""


def pack_sample(sample: Sample, release: int, instance: int) -> bytes:
    """The sample as a row; `release` and `instance` are the numbers of their name rows."""
    body = _SAMPLE.pack(
        ROW_SAMPLE,
        sample.outcome,
        sample.status & 0xFFFF,
        sample.seq,
        sample.due_ns,
        sample.sent_ns,
        sample.first_byte_ns,
        sample.finished_ns,
        min(sample.bytes, 0xFFFFFFFF),
        sample.connection,
        release,
        instance,
        min(sample.reuse, 0xFFFF),
        sample.stream,
        sample.cache,
        sample.handshake,
        sample.again,
    )
    return body + _CRC.pack(zlib.crc32(body))


def pack_name(number: int, name: str) -> bytes:
    """The name with its number as a row; longer names are cut at 56 bytes of UTF-8."""
    text = name.encode("utf-8", "replace")[:NAME_BYTES].decode("utf-8", "ignore").encode()
    body = _NAME.pack(ROW_NAME, number, text)
    return body + _CRC.pack(zlib.crc32(body))
