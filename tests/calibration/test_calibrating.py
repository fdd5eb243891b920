"""The real scripted server and the real sending child."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.analysis.calibration import measured, read
from harness.analysis.runfolder import convert
from harness.calibration.calibrator import LoopbackCalibrator
from harness.calibration.plan import plan
from harness.calibration.scripted import ScriptedServer
from harness.model.calibration import OutageKind
from harness.model.errors import MissingEvidenceError
from harness.model.scenario import Scenario
from harness.model.traffic import Connection, Stream, Tls, Traffic

S = 1_000_000_000
GZIP = {"headers": {"Accept-Encoding": "gzip"}, "expect_headers": {"Content-Encoding": "gzip"}}
TRAFFIC = Traffic(
    release_from="json:app.v",
    streams=(
        Stream(name="text", path="/", rate_hz=90, expect_text="the shop"),
        Stream(
            name="zipped",
            path="/operations/{operation}?x=1",
            rate_hz=60,
            method="POST",
            body="{operation}" * 50,
            write=True,
            expect_body={"*": "did {operation}" * 500},
            **GZIP,
        ),
        Stream(name="new", path="/new", rate_hz=60, connection=Connection.new),
        Stream(
            name="head",
            path="/",
            rate_hz=15,
            method="HEAD",
            tls=Tls.full,
            connection=Connection.new,
            expect_status=404,
        ),
        Stream(name="resumed", path="/tls", rate_hz=15, tls=Tls.resume, expect_status=503),
        Stream(name="late", path="/late", rate_hz=10, slow=True, expect_status=204),
    ),
)


def scenario(traffic: Traffic = TRAFFIC) -> Scenario:
    return Scenario(
        name="n",
        target="t",
        swap="s",
        swaps=1,
        releases=("", ""),
        traffic=traffic,
        seed=11,
        calibrated=True,
    )


@pytest.fixture
def calibrator():
    """Every kind at two intervals of 67 ms: longer than a busy machine pauses, as a rule."""
    made = LoopbackCalibrator(planned=lambda one, _: plan(one.traffic, seed=7, budget_ns=3 * S))
    yield made
    made.close()


def test_the_real_child_finds_every_outage_of_the_real_server_under_its_name(tmp_path, calibrator):
    """Answers to streams of every sort are right but for the outages, or there would be more."""
    calibrator.prepare("r1", scenario(), tmp_path)
    calibrator.calibrate()
    folder = tmp_path / "calibration"
    assert {path.name for path in folder.iterdir()} == {
        "scenario.json", "calibration.json", "requests.bin", "details.jsonl", "logs",
    }  # fmt: skip
    convert(folder)
    damage: list[str] = []
    left = read(folder, damage)
    assert left is not None
    found = measured(left)
    assert (found.errors, damage) == ((), [])
    assert {trial.kind for trial in found.trials} == set(OutageKind)
    named = {
        trial.kind: trial.seen_kind.split("_on_")[0].split("_before_")[0] for trial in found.trials
    }
    assert named == {kind.value: kind.value for kind in OutageKind} | {"503": "wrong_status"}, found
    rows = left.requests
    wrong = rows[(rows["outcome"] != "ok") & ~_within(rows, left.injections.injected)]
    assert len(wrong) == 0, wrong
    assert (folder / "logs" / "server.printed.txt").read_text() == ""
    assert set(rows.loc[rows["stream"] == "resumed", "handshake"]) == {"full", "resumed"}


def _within(rows, injected):
    """Sent or under way in an outage."""
    held = rows["due_ns"] < 0
    for one in injected:
        held |= (rows["sent_ns"] <= one.ended_ns) & (rows["finished_ns"] >= one.began_ns)
    return held


def test_nothing_of_it_runs_after_it(tmp_path, calibrator):
    calibrator.prepare("r1", scenario(), tmp_path)
    calibrator.close()
    calibrator.close()
    assert calibrator._server._process is None or calibrator._server._process.poll() is not None
    assert calibrator._sender._child is None or calibrator._sender._child.poll() is not None


def test_a_server_that_dies_is_missing_evidence(tmp_path, calibrator):
    calibrator.prepare("r1", scenario(), tmp_path)
    calibrator._preparing.join()
    os.kill(calibrator._server._process.pid, signal.SIGKILL)
    with pytest.raises(MissingEvidenceError, match="the scripted server ended"):
        calibrator.calibrate()


def test_a_calibration_that_was_not_prepared_is_missing_evidence(calibrator):
    with pytest.raises(MissingEvidenceError, match="not prepared"):
        calibrator.calibrate()


def test_what_keeps_it_from_getting_ready_is_told_when_it_is_waited_for(tmp_path, calibrator):
    impossible = Traffic(streams=(Stream(name="a", path="no-path", rate_hz=50),))
    calibrator.prepare("r1", scenario(impossible), tmp_path)
    with pytest.raises(MissingEvidenceError, match="must begin with /"):
        calibrator.calibrate()


def test_the_server_ends_with_its_parent(tmp_path):
    """However that dies."""
    code = (
        "import sys, time; from pathlib import Path\n"
        "from harness.calibration.scripted import ScriptedServer\n"
        "from harness.model.traffic import Stream, Traffic\n"
        "server = ScriptedServer()\n"
        "server.start(Traffic(streams=(Stream(name='a', path='/', rate_hz=1),)), 'v1',"
        " Path(sys.argv[1]))\n"
        "print(server._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 20
    while _lives(pid):
        assert time.monotonic() < deadline, "the server outlives its parent"
        time.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_server_that_was_not_started_says_so():
    with pytest.raises(MissingEvidenceError, match="was not started"):
        ScriptedServer().show(())
