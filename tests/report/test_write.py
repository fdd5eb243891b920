import pytest
from outcomes import hostile, passed
from synthetic import clean

from harness.report.result_json import dump, load
from harness.report.write import write_all


def test_all_reports_are_written_and_nothing_else(tmp_path):
    write_all(passed(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "result.json",
        "summary.md",
        "junit.xml",
    }
    assert dump(load((tmp_path / "result.json").read_text(encoding="utf-8"))) == dump(passed())


def test_with_a_history_the_page_is_written_too_and_the_result_last(tmp_path):
    write_all(passed(), tmp_path, clean().history())
    page, result = tmp_path / "report.html", tmp_path / "result.json"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert page.stat().st_mtime_ns <= result.stat().st_mtime_ns


def test_a_page_that_cannot_be_drawn_takes_no_verdict_away(tmp_path, monkeypatch):
    def breaks(history, result):
        raise ZeroDivisionError("no plot")

    monkeypatch.setattr("harness.report.html.html", breaks)
    with pytest.raises(ZeroDivisionError, match="no plot"):
        write_all(passed(), tmp_path, clean().history())
    assert {path.name for path in tmp_path.iterdir()} == {"result.json", "summary.md", "junit.xml"}


def test_hostile_text_can_be_written(tmp_path):
    write_all(hostile(), tmp_path)
    assert (tmp_path / "result.json").stat().st_size < 20_000_000


def test_a_disk_that_refuses_leaves_the_old_report_and_no_rest(tmp_path, monkeypatch):
    write_all(passed(), tmp_path)
    before = (tmp_path / "junit.xml").read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_all(hostile(), tmp_path)
    assert (tmp_path / "junit.xml").read_bytes() == before
    assert not list(tmp_path.glob("*.partial"))
