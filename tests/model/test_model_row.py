"""The request log's row: its layout on disk, which other releases must be able to read."""

import struct
import zlib

import pytest

from harness.model.outcome import LOST_CONNECTION, UNANSWERED, Cache, Handshake, Outcome
from harness.model.row import NAME_BYTES, ROW_BYTES, Sample, pack_name, pack_sample

SAMPLE = Sample(
    seq=70_000,
    stream=3,
    due_ns=1 << 40,
    sent_ns=(1 << 40) + 1,
    first_byte_ns=(1 << 40) + 2,
    finished_ns=(1 << 40) + 3,
    outcome=Outcome.wrong_status,
    status=503,
    bytes=12,
    release="v1",
    instance="website-1",
    connection=9,
    reuse=4,
    cache=Cache.miss,
    handshake=Handshake.full,
    again=2,
)


def test_a_sample_is_the_row_that_the_format_says():
    row = pack_sample(SAMPLE, 5, 6)
    due = 1 << 40
    assert len(row) == ROW_BYTES == 64
    assert struct.unpack("<BBHIqqqqIIHHHBBBB2xI", row) == (
        *(1, 11, 503, 70_000, due, due + 1, due + 2, due + 3, 12, 9, 5, 6, 4, 3, 2, 1, 2),
        zlib.crc32(row[:60]),
    )


def test_a_name_is_the_row_that_the_format_says():
    row = pack_name(513, "website-1")
    assert row[:4] == b"\x02\x00\x01\x02"
    assert row[4:60] == b"website-1".ljust(56, b"\0")
    assert row[60:] == struct.pack("<I", zlib.crc32(row[:60]))


def test_any_changed_byte_of_a_row_is_noticed():
    row = pack_sample(SAMPLE, 5, 6)
    for at in range(60):
        damaged = bytearray(row)
        damaged[at] ^= 0x10
        assert zlib.crc32(damaged[:60]) != struct.unpack("<I", row[60:])[0]


def test_a_long_name_is_cut_between_characters():
    text = pack_name(1, "é" * 40)[4:60]
    assert text.rstrip(b"\0").decode() == "é" * (NAME_BYTES // 2)
    assert pack_name(1, "x" + "é" * 40)[4:60].rstrip(b"\0").decode() == "x" + "é" * 27


def test_a_name_that_is_no_text_is_still_a_row():
    assert len(pack_name(1, "a\udcff")) == ROW_BYTES


def test_figures_beyond_their_field_are_held_at_its_end():
    row = pack_sample(SAMPLE._replace(bytes=1 << 40, reuse=1 << 20), 0, 0)
    fields = struct.unpack("<BBHIqqqqIIHHHBBBB2xI", row)
    assert (fields[8], fields[12]) == (0xFFFFFFFF, 0xFFFF)


def test_a_seq_that_does_not_fit_is_refused():
    with pytest.raises(struct.error):
        pack_sample(SAMPLE._replace(seq=1 << 32), 0, 0)


def test_numbers_of_outcomes_never_change():
    """They are on disk: a new outcome gets a new number."""
    assert {outcome.name: outcome.value for outcome in Outcome} == {
        "ok": 0,
        "refused": 1,
        "unreachable": 2,
        "reset": 3,
        "closed_before_answer": 4,
        "closed_on_reuse": 5,
        "truncated": 6,
        "connect_timeout": 7,
        "answer_timeout": 8,
        "read_timeout": 9,
        "malformed": 10,
        "wrong_status": 11,
        "wrong_body": 12,
        "not_sent": 13,
        "unfinished": 14,
        "connection_lost": 15,
        "wrong_header": 16,
        "closed_in_handshake": 17,
        "handshake_timeout": 18,
        "handshake_failed": 19,
        "untrusted": 20,
        "rejected": 21,
        "refused_stream": 22,
    }
    assert {cache.name: cache.value for cache in Cache} == {"untold": 0, "hit": 1, "miss": 2}
    assert {one.name: one.value for one in Handshake} == {"plain": 0, "full": 1, "resumed": 2}


def test_an_ending_after_the_request_may_have_arrived_leaves_a_write_unknown():
    certain = set(Outcome) - UNANSWERED
    assert certain == {
        Outcome.ok,
        Outcome.refused,
        Outcome.unreachable,
        Outcome.connect_timeout,
        Outcome.wrong_status,
        Outcome.wrong_body,
        Outcome.not_sent,
        Outcome.wrong_header,
        Outcome.closed_in_handshake,
        Outcome.handshake_timeout,
        Outcome.handshake_failed,
        Outcome.untrusted,
        Outcome.rejected,
        Outcome.refused_stream,
    }
    assert {
        Outcome.refused,
        Outcome.reset,
        Outcome.connect_timeout,
        Outcome.closed_in_handshake,
    } == LOST_CONNECTION
