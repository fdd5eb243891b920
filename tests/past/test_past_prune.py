"""Old runs go, and nothing else does."""

import json
import subprocess
import sys

import pytest
from test_past_runs import begun

from harness.kept import point_latest
from harness.past.owned import disown, is_owned, own
from harness.past.prune import prune, pruned_after

RUNS = [f"2026010{day}T000000Z-aaaa" for day in range(1, 6)]


@pytest.fixture
def reports(tmp_path):
    for run in RUNS:
        folder = begun(tmp_path / "drain" / run)
        (folder / "logs").mkdir()
        (folder / "logs" / "edge.log").write_text("")
    begun(tmp_path / "reload" / RUNS[0])
    return tmp_path


def left(reports, scenario="drain"):
    return sorted(folder.name for folder in (reports / scenario).iterdir())


def test_the_newest_stay_and_other_scenarios_do(reports):
    done = prune(reports, "drain", 2)
    assert [folder.name for folder in done.removed] == RUNS[2::-1]
    assert left(reports) == RUNS[3:]
    assert left(reports, "reload") == RUNS[:1]


def test_0_keeps_all(reports):
    assert pruned_after(reports / "drain" / RUNS[0], 0, None).removed == ()
    assert left(reports) == RUNS


def test_the_run_itself_its_baseline_and_latest_stay_however_old(reports):
    point_latest(reports / "drain" / RUNS[2])
    done = pruned_after(reports / "drain" / RUNS[0], 1, reports / "drain" / RUNS[1])
    assert left(reports) == [RUNS[0], RUNS[1], RUNS[2], RUNS[4]]
    assert [text.rpartition(": ")[2] for text in done.spared] == [
        "latest points at it", "it is named", "it is named",
    ]  # fmt: skip


def test_what_a_living_run_writes_stays_and_what_a_dead_one_left_goes(reports):
    living, dead = reports / "drain" / RUNS[0], reports / "drain" / RUNS[1]
    own(living, "r")
    code = "import sys; from pathlib import Path; from harness.past.owned import own; "
    subprocess.run([sys.executable, "-c", f"{code}own(Path(sys.argv[1]), 'r')", dead], check=True)
    assert (dead / "owner.json").exists()
    assert prune(reports, "drain", 4).spared == (f"{living}: it is being written",)
    assert prune(reports, "drain", 3).removed == (dead,)
    disown(living)
    assert prune(reports, "drain", 3).removed == (living,)


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_an_owner_that_cannot_be_read_may_live(reports, text):
    folder = reports / "drain" / RUNS[0]
    (folder / "owner.json").write_text(text)
    assert is_owned(folder)


def test_an_owner_in_another_namespace_may_live_for_a_day(reports):
    folder = reports / "drain" / RUNS[0]
    own(folder, "r")
    labels = json.loads((folder / "owner.json").read_text())
    created = next(key for key in labels if key.endswith(".created"))
    namespace = next(key for key in labels if key.endswith(".namespace"))
    (folder / "owner.json").write_text(json.dumps({**labels, namespace: "pid:[1]"}))
    assert is_owned(folder)
    (folder / "owner.json").write_text(
        json.dumps({**labels, namespace: "pid:[1]", created: str(int(labels[created]) - 90_000)})
    )
    assert not is_owned(folder)


def test_what_is_no_runs_folder_stays(reports, tmp_path):
    (reports / "drain" / "0000-notes").mkdir()
    elsewhere = begun(tmp_path / "elsewhere" / "run")
    (reports / "drain" / "0001-link").symlink_to(elsewhere)
    (reports / "drain" / "0002-file").write_text("")
    prune(reports, "drain", 1)
    assert left(reports) == ["0000-notes", "0001-link", "0002-file", RUNS[4]]
    assert elsewhere.is_dir()


def test_a_link_within_a_run_is_removed_and_not_what_it_points_at(reports, tmp_path):
    elsewhere = tmp_path / "mine"
    elsewhere.mkdir()
    (elsewhere / "file").write_text("")
    (reports / "drain" / RUNS[0] / "link").symlink_to(elsewhere)
    prune(reports, "drain", 4)
    assert left(reports) == RUNS[1:]
    assert (elsewhere / "file").exists()


def test_what_cannot_be_removed_is_said_and_is_still_a_run(reports, monkeypatch):
    """Not by the folder's rights: the tests may be root's."""

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("harness.past.prune.shutil.rmtree", refuse)
    done = prune(reports, "drain", 4)
    assert done.removed == ()
    assert done.refused == (f"{reports / 'drain' / RUNS[0]}: Permission denied",)
    assert (reports / "drain" / RUNS[0] / "scenario.json").exists()
