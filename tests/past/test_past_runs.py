"""Runs are found by whatever names them, and a wrong name is one message."""

import pytest

from harness.kept import point_latest
from harness.model.errors import NotJudgedError
from harness.past.runs import resolved, run_folders

OLD, NEW, DEAD = "20260101T000000Z-aaaa", "20260102T000000Z-bbbb", "20260103T000000Z-cccc"


def begun(folder, *, judged=True):
    folder.mkdir(parents=True)
    (folder / "scenario.json").write_text("{}")
    if judged:
        (folder / "result.json").write_text("{}")
    return folder


@pytest.fixture
def reports(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "reports"
    begun(folder / "drain" / OLD)
    begun(folder / "drain" / NEW)
    begun(folder / "drain" / DEAD, judged=False)
    begun(folder / "reload" / OLD)
    begun(folder / "example")
    (folder / "bench" / OLD).mkdir(parents=True)
    (folder / "drain" / "notes").mkdir()
    point_latest(folder / "reload" / OLD)
    return folder


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"reports/drain/{OLD}", f"drain/{OLD}"),
        (f"reports/drain/{OLD}/", f"drain/{OLD}"),
        (NEW, f"drain/{NEW}"),
        (f"reload/{OLD}", f"reload/{OLD}"),
        ("drain/latest", f"drain/{NEW}"),
        ("latest", f"reload/{OLD}"),
        ("reports/latest", f"reload/{OLD}"),
        ("example", "example"),
    ],
)
def test_a_run_is_found_by_its_name(reports, text, found):
    """SCENARIO/latest is the newest that was judged, whichever ran last."""
    assert resolved(text, reports).resolve() == reports / found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("gone", "there is no such folder, and no such run in "),
        ("", "there is no such folder"),
        (OLD, "2 runs are called so; name the scenario too"),
        ("reports/drain/notes", "that folder is no run's: it has no scenario.json"),
        ("canary/latest", "no run of 'canary' in "),
        (f"drain/{OLD}x", "there is no such folder"),
        ("../../etc/latest", "no run of '../../etc'"),
    ],
)
def test_a_name_of_none_is_one_message_with_the_remedy(reports, text, why):
    with pytest.raises(NotJudgedError) as caught:
        resolved(text, reports, what="baseline")
    [line] = str(caught.value).splitlines()
    assert line.startswith(f"baseline = {text!r}: {why}")
    assert "SCENARIO/latest or latest" in line


def test_latest_that_points_nowhere_is_said(reports):
    (reports / "latest").unlink()
    (reports / "latest").symlink_to("drain/gone")
    with pytest.raises(NotJudgedError, match="points at no run"):
        resolved("latest", reports)


def test_no_reports_are_no_runs(tmp_path):
    assert list(run_folders(tmp_path / "none")) == []
    (tmp_path / "file").write_text("")
    assert list(run_folders(tmp_path / "file")) == []
