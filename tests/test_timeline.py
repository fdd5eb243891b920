"""Marks: on disk at once, and a disk that refuses them is remembered."""

import json
import os
import threading

import pytest

from harness.model.mark import Edge, MarkKind
from harness.timeline import SystemTime, Timeline, wait_until


class Moments:
    """A clock that moves only by sleeping."""

    def __init__(self):
        self.at_ns = 1000

    def now_ns(self):
        return self.at_ns

    def wall_ns(self):
        return 0

    def sleep(self, seconds):
        self.at_ns += int(seconds * 1e9)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "marks.jsonl"


@pytest.fixture
def seen():
    return []


@pytest.fixture
def timeline(path, seen):
    made = Timeline(path, Moments(), seen.append)
    yield made
    made.close()


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_mark_is_on_disk_when_it_was_made(timeline, path, seen):
    timeline.mark(MarkKind.step, "start v2", Edge.begin, detail={"swap": 1, "old": "v1"})
    assert lines(path) == [
        {
            "at_ns": 1000,
            "kind": "step",
            "name": "start v2",
            "edge": "begin",
            "detail": {"swap": 1, "old": "v1"},
        }
    ]
    timeline.mark(MarkKind.event, "die", at_ns=7)
    assert [(mark["at_ns"], mark["edge"]) for mark in lines(path)] == [(1000, "begin"), (7, "at")]
    assert [mark.name for mark in seen] == ["start v2", "die"]


def test_a_name_with_line_ends_is_one_line(timeline, path):
    timeline.mark(MarkKind.error, 'last lines:\n  "é"\r\n')
    [mark] = lines(path)
    assert mark["name"] == 'last lines:\n  "é"\r\n'


def test_a_span_ends_however_its_block_ends(timeline, path):
    def interrupted():
        timeline.clock.sleep(2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), timeline.span(MarkKind.phase, "up"):
        interrupted()
    assert [(mark["edge"], mark["at_ns"]) for mark in lines(path)] == [
        ("begin", 1000),
        ("end", 2_000_001_000),
    ]


def test_marks_of_an_earlier_writer_are_kept(timeline, path, seen):
    timeline.mark(MarkKind.phase, "up")
    other = Timeline(path, Moments())
    other.mark(MarkKind.phase, "down")
    other.close()
    assert [mark["name"] for mark in lines(path)] == ["up", "down"]


def test_a_disk_that_refuses_is_remembered_and_stops_nothing(timeline, seen, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    timeline.mark(MarkKind.phase, "steady")
    assert [mark.name for mark in seen] == ["steady"]
    [error] = timeline.errors
    assert error.startswith("marks.jsonl: ")
    assert "No space left on device" in error


def test_a_mark_that_was_cut_short_is_remembered(timeline, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:10]))
    timeline.mark(MarkKind.phase, "steady")
    assert timeline.errors == ["marks.jsonl: a mark was cut short (disk full?)"]


def test_a_mark_after_the_end_is_dropped(timeline, path, seen):
    timeline.mark(MarkKind.phase, "down")
    timeline.close()
    timeline.close()
    timeline.mark(MarkKind.event, "die")
    assert [mark["name"] for mark in lines(path)] == ["down"]
    assert [mark.name for mark in seen] == ["down"]
    assert timeline.errors == []


def test_marks_of_several_threads_do_not_mix(timeline, path):
    def many(name):
        for _ in range(200):
            timeline.mark(MarkKind.event, name * 300)

    threads = [threading.Thread(target=many, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [mark["name"] for mark in lines(path)]
    assert sorted(names) == sorted([name * 300 for name in "abc"] * 200)


def test_a_wait_ends_with_its_condition_or_its_time():
    clock = Moments()
    looks = iter([False, False, True])
    assert wait_until(lambda: next(looks), clock=clock, timeout_s=5)
    assert clock.at_ns == 1000 + 2 * 20_000_000
    assert not wait_until(lambda: False, clock=clock, timeout_s=1)
    assert clock.at_ns >= 1_040_000_000


def test_a_wait_looks_once_even_without_time():
    assert wait_until(lambda: True, clock=Moments(), timeout_s=0)


def test_the_systems_clock_never_sleeps_backwards():
    clock = SystemTime()
    before = clock.now_ns()
    clock.sleep(-1)
    assert clock.now_ns() >= before
    assert clock.wall_ns() > 1_600_000_000_000_000_000
