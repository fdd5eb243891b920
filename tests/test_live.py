"""The live line: follows a growing log, and never disturbs or misreads it."""

import io
import re
import time

import pytest
from rich.console import Console

from harness import live
from harness.live import LiveLine
from harness.model.mark import Edge, Mark, MarkKind
from harness.model.outcome import Outcome
from harness.model.row import PROBE_STREAM, ROW_BYTES, Sample, pack_name, pack_sample
from harness.model.traffic import Stream, Traffic

MS, S = 1_000_000, 1_000_000_000
TRAFFIC = Traffic(
    streams=(
        Stream(name="page", path="/", rate_hz=100),
        Stream(name="slow", path="/slow", rate_hz=1, slow=True),
    )
)
DEADLINE_S = 20.0


def row(seq, at_s=0.0, *, stream=0, outcome=Outcome.ok, took_ms=5.0):
    due = 1000 * S + int(at_s * S)
    sample = Sample(seq, stream, due, due + MS, due + 2 * MS, due + int(took_ms * MS), outcome)
    return pack_sample(sample, 1, 1)


@pytest.fixture
def screen():
    return io.StringIO()


@pytest.fixture
def line(tmp_path, screen):
    return LiveLine(tmp_path, TRAFFIC, Console(file=screen, force_terminal=False))


@pytest.fixture
def log(tmp_path):
    return tmp_path / "requests.bin"


def grow(log, data):
    with log.open("ab") as file:
        file.write(data)


def test_there_is_a_line_before_there_is_a_log(line):
    line._look()
    assert re.fullmatch(r" +\d+\.\d s  up", line._line())


def test_a_row_that_is_there_in_part_is_read_once_it_is_whole(line, log):
    rows = pack_name(1, "v1") + b"".join(row(seq, outcome=Outcome(seq % 2)) for seq in range(6))
    for at in range(0, len(rows), 50):
        grow(log, rows[at : at + 50])
        line._look()
        whole = max(0, min(at + 50, len(rows)) // ROW_BYTES - 1)
        assert (line._recorded, line._failed) == (whole, whole // 2)
    assert line._recorded == 6


def test_probes_are_not_counted(line, log):
    grow(log, row(0, stream=PROBE_STREAM, outcome=Outcome.refused) + row(1))
    line._look()
    assert (line._recorded, line._failed) == (1, 0)
    assert "1 sent" in line._line()


def test_rate_failures_and_p99_are_of_the_last_seconds(line, log):
    old = [row(seq, seq / 1000, took_ms=900) for seq in range(1000)]
    new = [row(1000 + seq, 10 + seq / 100, took_ms=20) for seq in range(500)]
    bad = [row(2000, 14.9, outcome=Outcome.reset)]
    grow(log, b"".join(old))
    line._look()
    for part in range(0, 500, 50):
        grow(log, b"".join(new[part : part + 50]))
        line._look()
    grow(log, b"".join(bad))
    line._look()
    text = line._line()
    assert "1,501 sent" in text
    assert "100/s" in text
    assert text.endswith("p99 20.0 ms")
    assert "sent  1 failed" in text


def test_streams_that_are_slow_on_purpose_are_not_in_p99(line, log):
    rows = [row(seq, seq / 100, stream=seq % 2, took_ms=1200 if seq % 2 else 7) for seq in range(9)]
    grow(log, b"".join(rows))
    line._look()
    assert "p99 7.0 ms" in line._line()


def test_requests_that_were_never_sent_raise_nothing(line, log):
    samples = [Sample(seq, 0, 1000 * S) for seq in range(3)]
    grow(log, b"".join(pack_sample(sample, 0, 0) for sample in samples))
    line._look()
    assert "3 failed" in line._line()


def test_damaged_rows_raise_nothing(line, log):
    grow(log, b"\xff" * ROW_BYTES * 3 + row(1))
    line._look()
    assert line._recorded == 1


def test_a_log_that_was_converted_meanwhile_raises_nothing(line, log):
    grow(log, row(0))
    line._look()
    log.unlink()
    line._look()
    assert line._recorded == 1


def test_one_look_reads_a_bounded_part(line, log, monkeypatch):
    monkeypatch.setattr(live, "_MOST_BYTES", 10 * ROW_BYTES)
    grow(log, b"".join(row(seq) for seq in range(25)))
    counts = []
    for _ in range(4):
        line._look()
        counts.append(line._recorded)
    assert counts == [10, 20, 25, 25]


def test_marks_say_where_the_run_is(line):
    def mark(kind, name, edge=Edge.begin, **detail):
        line.on_mark(Mark(at_ns=1, kind=kind, name=name, edge=edge, detail=detail))
        return re.sub(r"^ +\S+ s  ", "", line._line())

    assert mark(MarkKind.phase, "steady") == "steady"
    assert mark(MarkKind.phase, "swap", swap=2) == "swap 2"
    assert mark(MarkKind.step, "drain website-1", swap=2) == "swap 2: drain website-1"
    assert mark(MarkKind.event, "die website-1", Edge.at) == "swap 2: drain website-1"
    assert mark(MarkKind.step, "drain website-1", Edge.end) == "swap 2: drain website-1"
    assert mark(MarkKind.phase, "after", swap=2) == "after 2"


def printed_once(screen, pattern):
    deadline = time.monotonic() + DEADLINE_S
    while not re.search(pattern, screen.getvalue()):
        assert time.monotonic() < deadline, f"{pattern} was not shown: {screen.getvalue()!r}"
        time.sleep(0.005)


@pytest.mark.parametrize("terminal", [False, True])
def test_a_growing_log_is_followed_to_its_end(tmp_path, screen, log, monkeypatch, capsys, terminal):
    monkeypatch.setattr(live, "_PERIOD_S", 0.01)
    console = Console(file=screen, force_terminal=terminal, width=60)
    with LiveLine(tmp_path, TRAFFIC, console) as line:
        grow(log, pack_name(1, "v1"))
        for seq in range(30):
            data = row(seq, seq / 100)
            grow(log, data[:31])
            grow(log, data[31:])
        printed_once(screen, r"\b30 sent")
        log.unlink()
    assert not line._thread.is_alive()
    assert capsys.readouterr().err == ""
    if not terminal:
        assert "\x1b" not in screen.getvalue()
        assert all(re.match(r" +\d+\.\d s  up", each) for each in screen.getvalue().splitlines()), (
            "a line was wrapped"
        )


def test_an_error_ends_the_display_and_not_the_run(tmp_path, screen, log, monkeypatch, capsys):
    monkeypatch.setattr(live, "_PERIOD_S", 0.01)
    log.mkdir()
    with LiveLine(tmp_path, TRAFFIC, Console(file=screen)) as line:
        line._thread.join(DEADLINE_S)
    assert "live line: " in capsys.readouterr().err
