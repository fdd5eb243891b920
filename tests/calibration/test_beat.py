"""The scripted server's own pauses."""

import os
import signal
import time

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


def test_a_server_that_was_stopped_for_a_while_tells_when(tmp_path):
    server = ScriptedServer()
    try:
        server.start(TRAFFIC, "v1", tmp_path)
        begin_ns = time.monotonic_ns() + 1_000 * MS
        server.show(
            [
                PlannedOutage(
                    kind=OutageKind.reset,
                    intervals=2,
                    interval_ns=MS,
                    begin_ns=begin_ns,
                    length_ns=2 * MS,
                )
            ]
        )
        # By now it beats: it was told long before.
        while time.monotonic_ns() < begin_ns - 500 * MS:
            time.sleep(0.01)
        assert server._process is not None
        os.kill(server._process.pid, signal.SIGSTOP)
        stopped_ns = time.monotonic_ns() + 20 * MS
        while time.monotonic_ns() < stopped_ns:
            time.sleep(0.005)
        going_on_ns = time.monotonic_ns()
        os.kill(server._process.pid, signal.SIGCONT)
        shown = server.shown(30)
    finally:
        server.close()
    assert [each.kind for each in shown.injected] == [OutageKind.reset]
    assert any(
        pause.began_ns <= stopped_ns and pause.ended_ns >= going_on_ns for pause in shown.pauses
    ), shown.pauses
