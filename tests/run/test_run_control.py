"""The control of a run: it goes along, holds nothing up, and what is wrong with it is told."""

import argparse
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.control import ControlPaper
from fakes.sender import packed
from fakes.target import FakeTarget
from rig import Rig, finding

from harness.config import Settings
from harness.control import NoControl, StubControl
from harness.model.errors import MissingEvidenceError
from harness.model.finding import Verdict
from harness.model.scenario import Scenario, Sent
from harness.options import add_settings, given_settings
from harness.target import Endpoint
from harness.timeline import SystemTime, Timeline
from harness.verify import plan

RUN = "20260102T030405Z-abcd"


def test_a_run_states_what_became_of_its_control(rig: Rig):
    judged = rig.run()
    found = judged.result.control
    assert judged.result.verdict is Verdict.passed, judged.explanation()
    assert found is not None
    assert (found.failed, found.blips, found.errors) == (0, (), ())
    assert found.in_window > 100
    assert (rig.folder / "control" / "requests.parquet").exists()
    assert not (rig.folder / "control" / "requests.bin").exists()


def test_judging_twice_says_the_same(rig: Rig):
    assert rig.run().result == rig.judge().result


def test_a_control_that_left_nothing_takes_no_pass_away(rig: Rig):
    rig.execute()
    for path in sorted((rig.folder / "control").iterdir()):
        path.unlink()
    judged = rig.judge()
    assert judged.result.verdict is Verdict.passed
    assert judged.result.control is not None
    assert judged.result.control.errors == ("none is in the run's folder",)
    assert "there was no control" in finding(judged, "latency").evidence["control"]


def spoil_scenario(folder: Path) -> None:
    (folder / "scenario.json").write_bytes(b"")


def spoil_log(folder: Path) -> None:
    (folder / "requests.bin").unlink()
    (folder / "requests.bin").mkdir()


@pytest.mark.parametrize(
    ("beside", "spoil"),
    [("control", spoil_scenario), ("control", spoil_log), ("calibration", spoil_scenario)],
)
def test_a_damaged_one_takes_no_verdict_away(rig: Rig, beside: str, spoil):
    """Nor does a damaged calibration."""
    rig.target.never_ready.add("v2")
    rig.execute()
    spoil(rig.folder / beside)
    judged = rig.judge()
    assert judged.result.verdict is Verdict.failed
    assert judged.unwritten == ""
    assert finding(judged, "recorded").evidence["unreadable"] == [f"{beside}/"]


class PaperSender:
    """Implements Sender; `fails_at` names the call that breaks."""

    def __init__(self, fails_at: str = "") -> None:
        self.calls: list[str] = []
        self._fails_at = fails_at
        self._log = Path()
        self._start_ns = 0

    def _note(self, call: str) -> None:
        if call not in self.calls:
            self.calls.append(call)
        if call == self._fails_at:
            raise MissingEvidenceError(f"sender: broke at {call}")

    def start(self, run: str, scenario: Scenario, endpoint: Endpoint, folder: Path) -> None:
        self._log = folder / "requests.bin"
        self._note("start")

    def probe(self, timeout_s: float) -> None:
        raise AssertionError("no control is probed")

    def go(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._note("go")

    def check(self) -> None:
        self._note("check")

    def finish(self, stop_ns: int, finish_s: float) -> None:
        self._note("finish")
        self._log.write_bytes(packed(ControlPaper(self._start_ns, 1.0).samples()))

    def sent(self) -> Sent:
        return Sent(start_ns=self._start_ns, stop_ns=self._start_ns + 1)

    def close(self) -> None:
        self._note("close")


class WithStub(FakeTarget):
    """A target whose stub is not up when it is first asked for."""

    def __init__(self, rig: Rig, error: str = "") -> None:
        super().__init__(rig.clock, rig.trouble)
        self.asked = 0
        self.error = error
        self.is_up_event = threading.Event()

    def control(self) -> Endpoint | None:
        self.asked += 1
        if self.error:
            raise MissingEvidenceError(self.error)
        return Endpoint(host="192.0.2.9", port=80) if self.is_up_event.is_set() else None


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def timeline(tmp_path: Path):
    made = Timeline(tmp_path / "marks.jsonl", SystemTime())
    yield made
    made.close()


def whys(folder: Path) -> list[str]:
    marks = [json.loads(line) for line in (folder / "marks.jsonl").read_text().splitlines()]
    assert not [mark for mark in marks if mark["kind"] == "error"]
    return [mark["detail"]["why"] for mark in marks if mark["name"] == "no control"]


def test_it_waits_for_the_stub_then_for_the_word_and_ends_by_itself(rig, timeline, tmp_path):
    sender, target = PaperSender(), WithStub(rig)
    control = StubControl(lambda: sender)
    control.prepare(RUN, rig.scenario, target, timeline, tmp_path)
    eventually(lambda: target.asked > 1)
    assert sender.calls == []
    target.is_up_event.set()
    eventually(lambda: sender.calls == ["start"])
    control.begin()
    eventually(lambda: sender.calls == ["start", "go", "check"])
    control.end()
    control.close()
    assert sender.calls == ["start", "go", "check", "finish", "close"]
    record = json.loads((tmp_path / "control" / "scenario.json").read_text())
    assert record["sent"]["ended"] == "finished"
    assert [one["name"] for one in record["scenario"]["traffic"]["streams"]] == [
        "control-reused",
        "control-new",
    ]
    assert whys(tmp_path) == []


@pytest.mark.parametrize("at", ["start", "go", "check", "finish"])
def test_a_sender_that_breaks_ends_no_run_and_is_told_by_a_mark(rig, timeline, tmp_path, at):
    sender, target = PaperSender(at), WithStub(rig)
    target.is_up_event.set()
    control = StubControl(lambda: sender)
    control.prepare(RUN, rig.scenario, target, timeline, tmp_path)
    control.begin()
    eventually(lambda: at in sender.calls or (at == "finish" and "check" in sender.calls))
    control.close()
    control.close()
    assert whys(tmp_path) == [f"sender: broke at {at}"]


def test_a_stub_that_does_not_come_up_is_told_by_a_mark(rig, timeline, tmp_path):
    control = StubControl(PaperSender)
    control.prepare(RUN, rig.scenario, WithStub(rig, "no stub"), timeline, tmp_path)
    control.begin()
    control.close()
    assert whys(tmp_path) == ["no stub"]


def test_a_run_that_ends_before_the_stub_is_up_does_not_wait_for_it(rig, timeline, tmp_path):
    sender = PaperSender()
    control = StubControl(lambda: sender)
    control.prepare(RUN, rig.scenario, WithStub(rig), timeline, tmp_path)
    control.close()
    assert sender.calls == ["close"]
    assert control._leading is not None
    assert not control._leading.is_alive()
    assert whys(tmp_path) == []


@pytest.mark.parametrize(
    ("given", "kind", "is_asked"),
    [
        ({}, StubControl, True),
        ({"control": False}, NoControl, False),
        ({"url": "http://127.0.0.1:9/", "deploy": "true"}, StubControl, True),
    ],
    ids=["stack", "switched off", "url"],
)
def test_a_stack_and_a_url_have_a_control_unless_it_is_switched_off(
    tmp_path, given, kind, is_asked
):
    todo = plan(Settings(reports=tmp_path, **given))
    assert isinstance(todo.parts.control, kind)
    assert todo.scenario.control is is_asked


def test_a_setting_that_is_on_by_default_is_an_option_that_switches_it_off():
    parser = argparse.ArgumentParser()
    add_settings(parser, prefix="--")
    assert given_settings(parser.parse_args(["--no-control"])) == {"control": False}
    assert given_settings(parser.parse_args([])) == {}
