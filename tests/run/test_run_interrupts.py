"""Ctrl-C at every point of a run: nothing is judged, and nothing is left."""

import tempfile
from pathlib import Path

import pytest
from fakes.trouble import Point
from rig import Rig, points

from harness import run
from harness.model.errors import Interrupted


def _points() -> list[Point]:
    with tempfile.TemporaryDirectory() as folder:
        return points(Path(folder) / "run")


POINTS = _points()


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_an_interrupt_at_any_point_tears_down_and_judges_nothing(tmp_path: Path, point: Point):
    rig = Rig(tmp_path / "run")
    rig.trouble.plan(point, KeyboardInterrupt())
    with pytest.raises(Interrupted):
        rig.execute()
    assert not rig.trouble.never_came()
    assert not rig.target.is_up
    assert not rig.target.present
    assert not rig.sender.is_open
    assert len(rig.record()["clocks"]) == 2, "the record was completed"
    assert not list(rig.folder.glob("result.json"))


def test_an_interrupt_in_teardown_after_one_in_the_run_stops_no_removal(rig: Rig):
    rig.trouble.plan(Point("steady", "sender.check", "before"), KeyboardInterrupt())
    for name in ("sender.close", "target.gather", "target.down"):
        rig.trouble.plan(Point("down", name, "before"), KeyboardInterrupt())
    with pytest.raises(Interrupted):
        rig.execute()
    assert not rig.trouble.never_came()
    assert not rig.target.is_up
    assert not rig.sender.is_open


def test_an_interrupt_is_not_hidden_by_an_error_in_teardown(rig: Rig):
    rig.trouble.plan(Point("swap 1", "stage.drain", "within"), KeyboardInterrupt())
    rig.trouble.plan(Point("down", "target.down", "after"), RuntimeError("and then that"))
    with pytest.raises(Interrupted):
        rig.execute()
    assert any("and then that" in error for error in rig.errors())


def test_an_interrupt_while_the_last_record_is_written_is_one(rig: Rig, monkeypatch):
    write, calls = run._write_record, []

    def interrupted(folder, record):
        calls.append(record)
        if len(calls) == 2:
            raise KeyboardInterrupt
        write(folder, record)

    monkeypatch.setattr(run, "_write_record", interrupted)
    with pytest.raises(Interrupted):
        rig.execute()
    assert not rig.target.is_up
    assert len(rig.record()["clocks"]) == 2
