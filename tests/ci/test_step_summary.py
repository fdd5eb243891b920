"""A job's summary: each run's, as long as there is room."""

from pathlib import Path

import outcomes
import pytest

from harness.ci.step_summary import MOST_BYTES, add_to_summary
from harness.report.markdown import summary

FOLDER = Path("reports/drain/r1")


@pytest.fixture
def page(tmp_path):
    return tmp_path / "summary"


def add(page, *results):
    add_to_summary([(result, FOLDER) for result in results], {"GITHUB_STEP_SUMMARY": str(page)})
    return page.read_text("utf-8")


def test_a_runs_summary_is_added_after_what_is_there(page):
    page.write_text("of another tool\n")
    result = outcomes.failed()
    assert add(page, result) == f"of another tool\n{summary(result)}\n"


@pytest.mark.parametrize("environment", [{}, {"GITHUB_STEP_SUMMARY": ""}])
def test_without_a_job_nothing_is_written(environment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    add_to_summary([(outcomes.passed(), FOLDER)], environment)
    assert not list(tmp_path.iterdir())


def test_what_has_no_room_is_said_in_short_and_then_not_at_all(page):
    result = outcomes.failed()
    runs = MOST_BYTES // len(summary(result).encode()) + 50
    text = add(page, *[result] * runs)
    assert len(text.encode()) <= MOST_BYTES
    head = f"## ✗ {result.scenario}\n"
    short = text.count("A job's summary has no room for more: the rest is in reports/drain/r1/")
    assert short > 1
    left_out = runs - text.count(head)
    assert left_out > 1
    assert text.endswith(f"\n{left_out} more, for which a job's summary has no room.\n\n")
    page.write_bytes(b"x" * (MOST_BYTES - 10))
    assert add(page, result) == "x" * (MOST_BYTES - 10)


def test_hostile_text_is_written_and_bounded(page):
    text = add(page, outcomes.hostile())
    assert "<script>" not in text
    assert len(text.encode()) <= 64 * 1024 + 1


def test_a_page_that_cannot_be_written_to_raises(tmp_path):
    with pytest.raises(OSError, match="directory"):
        add(tmp_path, outcomes.passed())
