"""What is recorded is on disk, aligned, and what is not is counted."""

import errno
import inspect
import os
import struct
import zlib
from pathlib import Path

import gevent
import pytest

from harness.model.outcome import Outcome
from harness.model.row import ROW_BYTES, Sample
from harness.traffic.recorder import OVERFLOW_NAME, Recorder


def sample(seq: int, release: str = "v1", instance: str = "i1") -> Sample:
    return Sample(seq, 2, 10, 20, 30, 40, Outcome.truncated, 200, 5, release, instance, 7, 3)


def decode(data: bytes) -> tuple[dict[int, str], list[tuple[int, str, str]]]:
    """(names, (seq, release, instance) of the samples), by the layout in the row's docstring.

    Rows are read at every border; what has a wrong checksum is passed over.
    """
    names: dict[int, str] = {}
    samples = []
    for at in range(0, len(data) - 63, 64):
        row = data[at : at + 64]
        if zlib.crc32(row[:60]) != struct.unpack("<I", row[60:])[0]:
            continue
        if row[0] == 2:
            names[struct.unpack_from("<H", row, 2)[0]] = row[4:60].rstrip(b"\0").decode()
        else:
            assert row[0] == 1
            fields = struct.unpack("<BBHIqqqqIIHHHB5x", row[:60])
            assert fields[1:3] == (Outcome.truncated, 200)
            assert fields[4:10] == (10, 20, 30, 40, 5, 7)
            assert fields[12:14] == (3, 2)
            samples.append((fields[3], names[fields[10]], names[fields[11]]))
    return names, samples


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "log"
    recorder = Recorder(path)
    recorder.record(sample(0))
    recorder.record(sample(1, "v2", ""))
    recorder.record(sample(2, "v1", "é"))
    assert path.read_bytes() == b""
    recorder.flush()
    names, samples = decode(path.read_bytes())
    assert names == {0: "", 1: "v1", 2: "i1", 3: "v2", 4: "é"}
    assert samples == [(0, "v1", "i1"), (1, "v2", ""), (2, "v1", "é")]
    assert len(path.read_bytes()) == 64 * (3 + 5), "a name is written once"
    recorder.record(sample(3))
    recorder.close()
    recorder.close()
    assert decode(path.read_bytes())[1][3:] == [(3, "v1", "i1")]
    assert (recorder.recorded, recorder.lost, recorder.errors) == (4, 0, ())


def test_log_cut_at_any_byte_loses_only_the_cut_row(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "log")
    for seq in range(3):
        recorder.record(sample(seq, f"v{seq}"))
    recorder.close()
    data = (tmp_path / "log").read_bytes()
    whole_log = decode(data)[1]
    ends = [64 * (row + 1) for row in range(len(data) // 64) if data[64 * row] == 1]
    for cut in range(len(data)):
        assert decode(data[:cut])[1] == whole_log[: sum(end <= cut for end in ends)]


def test_file_that_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"evidence")
    with pytest.raises(FileExistsError):
        Recorder(tmp_path / "log")


def test_run_flushes_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "log"
    recorder = Recorder(path)
    flusher = gevent.spawn(recorder.run)
    for seq in range(3):
        recorder.record(sample(seq))
        with gevent.Timeout(5):
            while len(decode(path.read_bytes())[1]) <= seq:
                gevent.sleep(0.001)
    flusher.kill()
    recorder.close()


def test_run_leaves_a_busy_loop_room_within_50_ms() -> None:
    [_, period] = inspect.signature(Recorder.run).parameters.values()
    assert period.default <= 0.025


def test_a_batch_is_one_call(tmp_path: Path) -> None:
    calls = []

    def write(fd: int, data: bytes) -> int:
        calls.append(len(data))
        return os.write(fd, data)

    recorder = Recorder(tmp_path / "log", write=write)
    for seq in range(100):
        recorder.record(sample(seq))
    recorder.flush()
    recorder.flush()
    assert calls == [102 * ROW_BYTES]
    recorder.close()


def test_short_writes_are_completed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    recorder = Recorder(path, write=lambda fd, data: os.write(fd, data[:37]))
    for seq in range(20):
        recorder.record(sample(seq))
    recorder.close()
    assert [s[0] for s in decode(path.read_bytes())[1]] == list(range(20))
    assert (recorder.lost, recorder.errors) == (0, ())


class Disk:
    """Takes `room` bytes, then is full."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, fd: int, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        n = os.write(fd, data[: self.room])
        self.room -= n
        return n


@pytest.mark.parametrize("truncates", [True, False])
@pytest.mark.parametrize("room", [0, 1, 64, 100, 130, 200, 257])
def test_full_disk_that_is_freed_loses_nothing(tmp_path: Path, room: int, truncates: bool) -> None:
    """Where the row that was cut cannot be taken back either, the next write completes it."""

    def refuses(fd: int, size: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    path = tmp_path / "log"
    disk = Disk(room)
    recorder = Recorder(path, write=disk.write, truncate=os.ftruncate if truncates else refuses)
    for seq in range(4):
        recorder.record(sample(seq))
    for _ in range(3):
        recorder.flush()
        if truncates:
            assert path.stat().st_size == room // 64 * 64
    assert any("No space left" in error for error in recorder.errors)
    disk.room = 10_000
    recorder.record(sample(4, "v2"))
    recorder.close()
    assert [s[:2] for s in decode(path.read_bytes())[1]] == [
        *[(seq, "v1") for seq in range(4)],
        (4, "v2"),
    ]
    assert recorder.lost == 0


@pytest.mark.parametrize("room", [0, 150, 192, 200])
def test_full_disk_that_stays_full_counts_what_is_lost(tmp_path: Path, room: int) -> None:
    recorder = Recorder(tmp_path / "log", write=Disk(room).write)
    for seq in range(10):
        recorder.record(sample(seq))
        recorder.flush()
    recorder.close()
    written = len(decode((tmp_path / "log").read_bytes())[1])
    assert recorder.lost == 10 - written
    assert len(recorder.errors) == 1
    recorder.record(sample(10))
    assert recorder.lost == 11 - written


def test_row_left_in_part_counts_as_lost(tmp_path: Path) -> None:
    def refuses(fd: int, size: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    recorder = Recorder(tmp_path / "log", write=Disk(64 * 2 + 70).write, truncate=refuses)
    for seq in range(3):
        recorder.record(sample(seq))
    recorder.close()
    assert len(decode((tmp_path / "log").read_bytes())[1]) == 1
    assert recorder.lost == 2
    assert len(recorder.errors) == 2


def test_backlog_is_bounded_and_keeps_its_names(tmp_path: Path) -> None:
    """Samples beyond it are lost; a name that was given a number is not lost with them."""
    path = tmp_path / "log"
    disk = Disk(0)
    recorder = Recorder(path, backlog_bytes=64 * 5, write=disk.write)
    for seq in range(10):
        recorder.record(sample(seq, f"v{seq}", ""))
        recorder.flush()
    assert recorder.lost == 7
    disk.room = 10_000
    recorder.flush()
    recorder.record(sample(10, "v9", ""))
    recorder.close()
    assert [s[:2] for s in decode(path.read_bytes())[1]] == [
        *[(seq, f"v{seq}") for seq in range(3)],
        (10, "v9"),
    ]
    assert (recorder.recorded, recorder.lost) == (4, 7)


def test_kernel_that_takes_nothing_is_an_error(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "log", write=lambda fd, data: 0)
    recorder.record(sample(0))
    recorder.close()
    assert recorder.lost == 1
    assert "took no bytes" in recorder.errors[0]


def test_sample_that_fits_no_row_is_lost_not_raised(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "log")
    recorder.record(sample(2**32))
    recorder.record(sample(1))
    recorder.close()
    assert recorder.lost == 1
    assert "does not fit" in recorder.errors[0]
    assert decode((tmp_path / "log").read_bytes())[1] == [(1, "v1", "i1")]


def test_names_beyond_their_numbers_share_the_last(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "log", backlog_bytes=64 * 200_000)
    for seq in range(65_540):
        recorder.record(sample(seq, f"v{seq}", ""))
    recorder.record(sample(1_000_000, "v0", ""))
    recorder.close()
    names, samples = decode((tmp_path / "log").read_bytes())
    assert len(names) == 65_536
    assert names[65_535] == OVERFLOW_NAME
    assert samples[65_533][1] == "v65533"
    assert {s[1] for s in samples[65_534:65_540]} == {OVERFLOW_NAME}
    assert samples[-1][1] == "v0"
    assert recorder.lost == 0
