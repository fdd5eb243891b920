"""The machine's own figures: measured or null, never made up."""

import json
import time
from pathlib import Path

import pytest

from harness import machine
from harness.machine import MachineWatch, describe
from harness.timeline import SystemTime

DEADLINE_S = 20.0


def ticks(user=0, idle=0, steal=0):
    return [user, 0, 0, idle, 0, 0, 0, steal]


@pytest.mark.parametrize(
    ("before", "now", "share"),
    [
        (ticks(), ticks(user=50, idle=25, steal=25), 0.25),
        (ticks(100, 100, 100), ticks(150, 150, 100), 0.0),
        (ticks(idle=5, steal=9), ticks(idle=105, steal=8), 0.0),
        (ticks(5), ticks(5), None),
        ([], ticks(5), None),
        (ticks(5), [], None),
    ],
)
def test_steal_is_the_share_of_all_ticks_in_between(before, now, share):
    assert machine._steal_share(before, now) == share


def fake_files(monkeypatch, contents):
    """What `/proc` says, by name."""

    def read_text(path, *_):
        try:
            return contents[str(path)]
        except KeyError:
            raise FileNotFoundError(2, "No such file or directory", str(path)) from None

    monkeypatch.setattr(Path, "read_text", read_text)


def test_ticks_leave_out_guest_time_which_is_in_user_already(monkeypatch):
    fake_files(monkeypatch, {"/proc/stat": "cpu  1 2 3 4 5 6 7 8 900 900\ncpu0 1\n"})
    assert machine._cpu_ticks() == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    ("text", "pressure"),
    [
        ("some avg10=12.50 avg60=3.00 avg300=1 total=9\nfull avg10=0.00\n", 12.5),
        ("", None),
        ("some avg10=?", None),
    ],
)
def test_pressure_is_that_of_the_last_ten_seconds(monkeypatch, text, pressure):
    fake_files(monkeypatch, {"/proc/pressure/cpu": text})
    assert machine._cpu_pressure() == pressure


def test_a_machine_that_does_not_tell_is_null_and_no_error(monkeypatch):
    fake_files(monkeypatch, {})
    assert machine._cpu_ticks() == []
    assert machine._cpu_pressure() is None


def lines_once(path, count):
    """The lines of `path`, once there are so many."""
    deadline = time.monotonic() + DEADLINE_S
    while not path.exists() or len(path.read_bytes().splitlines()) < count:
        assert time.monotonic() < deadline, f"no {count} lines within {DEADLINE_S} s"
        time.sleep(0.01)
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_a_line_is_written_each_period_until_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_PERIOD_S", 0.02)
    path = tmp_path / "machine.jsonl"
    watch = MachineWatch(path, SystemTime())
    rows = lines_once(path, 3)
    watch.stop()
    written = path.read_bytes()
    assert not watch._thread.is_alive()
    assert path.read_bytes() == written
    assert watch.errors == []
    assert [set(row) for row in rows] == [
        {"at_ns", "steal_share", "cpu_pressure", "load1"} for _ in rows
    ]
    assert rows[0]["at_ns"] < rows[1]["at_ns"] < rows[2]["at_ns"]
    assert all(0 <= row["steal_share"] <= 1 for row in rows if row["steal_share"] is not None)


def test_a_disk_that_refuses_is_remembered(tmp_path):
    watch = MachineWatch(tmp_path / "no such folder" / "machine.jsonl", SystemTime())
    watch._thread.join(DEADLINE_S)
    watch.stop()
    [error] = watch.errors
    assert error.startswith("machine.jsonl: ")
    assert "No such file or directory" in error


def test_the_environment_names_system_and_cores():
    found = describe()
    assert found["cores"] >= 1
    assert found["system"].split()
