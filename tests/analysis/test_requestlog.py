"""The request log: what is decoded, and what is noticed to be lost."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import clean, packed

from harness.analysis.requestlog import COLUMNS, decode, read_parquet, write_parquet
from harness.model.outcome import Cache, Handshake, Outcome
from harness.model.row import PROBE_STREAM, ROW_BYTES, Sample, pack_name, pack_sample

STREAMS = ("get", "post")
SAMPLE = Sample(
    seq=7,
    stream=1,
    due_ns=2**40,
    sent_ns=2**40 + 1,
    first_byte_ns=2**40 + 2,
    finished_ns=2**40 + 3,
    outcome=Outcome.wrong_status,
    status=503,
    bytes=2**32 - 1,
    release="v1",
    instance="website-1",
    connection=2**31,
    reuse=65_535,
    cache=Cache.hit,
    handshake=Handshake.resumed,
    again=255,
)
NAMES = pack_name(0, "") + pack_name(1, "v1") + pack_name(2, "website-1")


def small_log(samples=20):
    rows = [NAMES]
    rows += [pack_sample(SAMPLE._replace(seq=seq), 1, 2) for seq in range(samples)]
    return b"".join(rows)


def test_a_sample_comes_back_as_it_was_packed():
    decoded = decode(NAMES + pack_sample(SAMPLE, 1, 2), STREAMS)
    [row] = decoded.samples.to_dict("records")
    assert decoded.damaged == 0
    assert row == SAMPLE._asdict() | {
        "stream": "post", "outcome": "wrong_status", "cache": "hit", "handshake": "resumed",
    }  # fmt: skip


def test_the_probe_and_unknown_streams_have_names():
    rows = [pack_sample(SAMPLE._replace(stream=index), 1, 2) for index in (PROBE_STREAM, 9, 0)]
    decoded = decode(NAMES + b"".join(rows), STREAMS)
    assert list(decoded.samples["stream"]) == ["probe", "#9", "get"]


def test_every_outcome_has_its_name():
    rows = [pack_sample(SAMPLE._replace(outcome=outcome), 1, 2) for outcome in Outcome]
    decoded = decode(NAMES + b"".join(rows), STREAMS)
    assert list(decoded.samples["outcome"]) == [outcome.name for outcome in Outcome]


def test_an_empty_log_is_an_empty_table():
    decoded = decode(b"", STREAMS)
    assert (len(decoded.samples), decoded.damaged) == (0, 0)
    assert set(decoded.samples.columns) == set(COLUMNS)


def test_number_0_is_the_empty_name_without_a_row():
    decoded = decode(pack_sample(SAMPLE, 0, 0), STREAMS)
    assert decoded.damaged == 0
    assert decoded.samples["release"].iloc[0] == ""


def test_a_number_without_a_name_is_shown_and_noticed():
    decoded = decode(pack_sample(SAMPLE, 5, 0), STREAMS)
    assert decoded.damaged == 1
    assert decoded.samples["release"].iloc[0] == "?5"


def test_a_number_with_two_names_is_noticed():
    log = NAMES + pack_name(1, "v9") + pack_sample(SAMPLE, 1, 2)
    assert decode(log, STREAMS).damaged == 1


def test_the_same_name_again_is_no_damage():
    assert decode(NAMES + NAMES + pack_sample(SAMPLE, 1, 2), STREAMS).damaged == 0


def test_two_numbers_of_one_name_are_one_category():
    log = NAMES + pack_name(3, "v1") + pack_sample(SAMPLE, 1, 2) + pack_sample(SAMPLE, 3, 2)
    decoded = decode(log, STREAMS)
    assert list(decoded.samples["release"]) == ["v1", "v1"]
    assert list(decoded.samples["release"].cat.categories) == ["v1"]


def test_a_row_of_an_unknown_outcome_is_damaged():
    row = pack_sample(SAMPLE._replace(outcome=200), 1, 2)
    decoded = decode(NAMES + row, STREAMS)
    assert (len(decoded.samples), decoded.damaged) == (0, 1)


def test_a_hole_of_zeros_is_damage_row_by_row():
    log = small_log()
    torn = log[: 10 * ROW_BYTES] + bytes(3 * ROW_BYTES) + log[13 * ROW_BYTES :]
    decoded = decode(torn, STREAMS)
    assert decoded.damaged == 3
    assert list(decoded.samples["seq"]) == [*range(7), *range(10, 20)]


@given(cut=st.integers(0, 23 * ROW_BYTES))
def test_a_log_cut_at_any_byte_keeps_every_whole_row(cut):
    decoded = decode(small_log()[:cut], STREAMS)
    whole, rest = divmod(cut, ROW_BYTES)
    assert list(decoded.samples["seq"]) == list(range(max(0, whole - 3)))
    assert decoded.damaged == (1 if rest else 0)


@settings(max_examples=300)
@given(at=st.integers(0, 23 * ROW_BYTES - 1), flip=st.integers(1, 255))
def test_a_byte_flipped_anywhere_loses_its_own_row_and_is_noticed(at, flip):
    log = bytearray(small_log())
    log[at] ^= flip
    decoded = decode(bytes(log), STREAMS)
    hurt = at // ROW_BYTES - 3
    assert decoded.damaged == 1
    assert list(decoded.samples["seq"]) == [seq for seq in range(20) if seq != hurt]


@given(st.binary(max_size=1000))
def test_any_bytes_are_read_and_none_raises(data):
    decoded = decode(data, STREAMS)
    assert len(decoded.samples) + decoded.damaged >= len(data) // ROW_BYTES


@pytest.mark.parametrize("damaged", [0, 3])
def test_a_table_written_and_read_back_is_the_same(tmp_path, damaged):
    decoded = decode(packed(clean().samples), clean().record.scenario.traffic.stream_names())
    written = type(decoded)(samples=decoded.samples, damaged=damaged)
    write_parquet(tmp_path / "t.parquet", written)
    back = read_parquet(tmp_path / "t.parquet")
    assert back.damaged == damaged
    pd.testing.assert_frame_equal(back.samples, decoded.samples[list(COLUMNS)])


def test_an_empty_table_survives_too(tmp_path):
    write_parquet(tmp_path / "t.parquet", decode(b"", STREAMS))
    assert len(read_parquet(tmp_path / "t.parquet").samples) == 0


def test_a_table_from_before_clients_asked_again_is_read(tmp_path):
    decoded = decode(packed(clean().samples), clean().record.scenario.traffic.stream_names())
    older = type(decoded)(samples=decoded.samples.drop(columns="again"), damaged=0)
    write_parquet(tmp_path / "t.parquet", older)
    back = read_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(back.samples, decoded.samples[list(COLUMNS)])


def test_a_table_of_somebody_else_is_refused(tmp_path):
    pd.DataFrame({"seq": [1]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="not a request log that this harness wrote"):
        read_parquet(tmp_path / "t.parquet")
