"""The scripted server's own pauses."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from harness.calibration.beat import Beat
from harness.calibration.scripted import ScriptedServer
from harness.model.calibration import OutageKind, PlannedOutage, ServerPause
from harness.model.traffic import Stream, Traffic

MS = 1_000_000
TRAFFIC = Traffic(streams=(Stream(name="a", path="/", rate_hz=1),))


def test_a_gap_of_5_ms_or_more_between_two_beats_is_a_pause():
    moments = iter([0, 2 * MS, 7 * MS - 1, 12 * MS - 1, 14 * MS, 60 * MS])
    beat = Beat(lambda: next(moments))
    for _ in range(4):
        beat.note()
    assert beat.pauses() == (
        ServerPause(began_ns=7 * MS - 1, ended_ns=12 * MS - 1),
        ServerPause(began_ns=14 * MS, ended_ns=60 * MS),
    )


def test_pauses_are_bounded_in_number():
    moments = iter(range(0, 10**12, 6 * MS))
    beat = Beat(lambda: next(moments))
    for _ in range(10_050):
        beat.note()
    assert len(beat.pauses()) == 10_000


@pytest.fixture
def server(tmp_path) -> Iterator[ScriptedServer]:
    made = ScriptedServer()
    made.start(TRAFFIC, "v1", tmp_path)
    yield made
    made.close()


def show(server: ScriptedServer, length_ns: int) -> int:
    """An outage in a second; the moment at which it is to begin."""
    begin_ns = time.monotonic_ns() + 1_000 * MS
    server.show(
        [
            PlannedOutage(
                kind=OutageKind.reset,
                intervals=2,
                interval_ns=length_ns // 2,
                begin_ns=begin_ns,
                length_ns=length_ns,
            )
        ]
    )
    return begin_ns


def stop(server: ScriptedServer, since_ns: int, until_ns: int) -> tuple[int, int]:
    """Two moments between which it was surely stopped."""
    assert server._process is not None
    while time.monotonic_ns() < since_ns:
        time.sleep(0.005)
    os.kill(server._process.pid, signal.SIGSTOP)
    # The signal takes a moment to be heard.
    stopped_ns = time.monotonic_ns() + 20 * MS
    while time.monotonic_ns() < max(stopped_ns, until_ns):
        time.sleep(0.005)
    going_on_ns = time.monotonic_ns()
    os.kill(server._process.pid, signal.SIGCONT)
    return stopped_ns, going_on_ns


def test_a_server_that_was_stopped_for_a_while_tells_when(server):
    begin_ns = show(server, 2 * MS)
    stopped_ns, going_on_ns = stop(server, begin_ns - 500 * MS, 0)
    shown = server.shown(30)
    assert [each.kind for each in shown.injected] == [OutageKind.reset]
    assert any(
        pause.began_ns <= stopped_ns and pause.ended_ns >= going_on_ns for pause in shown.pauses
    ), shown.pauses


def test_an_outage_whose_moment_was_slept_through_is_put_in_whole(server):
    begin_ns = show(server, 40 * MS)
    _, going_on_ns = stop(server, begin_ns - 50 * MS, begin_ns + 60 * MS)
    [one] = server.shown(30).injected
    assert one.began_ns >= going_on_ns
    assert one.ended_ns - one.began_ns >= 40 * MS
