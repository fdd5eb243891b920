"""A run on fakes that is held against an earlier one, from the command to the finding."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rig import RUN, Rig, finding

from harness import cli, config, verify
from harness.model.errors import NotJudgedError
from harness.model.finding import Verdict
from harness.model.outcome import Outcome
from harness.verify import Judged, carry_out, judge_folder, plan

pytestmark = pytest.mark.usefixtures("own_signals")
EARLIER = "20260101T000000Z-aaaa"
REPORTS = Path("reports")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def ran(run: str) -> Judged:
    """A run on fakes, which was judged."""
    rig = Rig(REPORTS / "drain" / run)
    planned = replace(rig.plan(), run=run)
    return carry_out(planned)


def planned(monkeypatch, rig: Rig, **settings):
    """What `plan` makes of the settings, on fakes."""
    monkeypatch.setattr(verify, "prepared", lambda *_, **__: (rig.scenario, rig.parts()))
    monkeypatch.setattr(verify, "new_run", lambda: RUN)
    return plan(config.load(settings, folder=Path.cwd()))


@pytest.fixture
def rig(tmp_path) -> Rig:
    return Rig(tmp_path / "unused")


def test_a_run_is_held_against_its_baseline_and_again_once_that_is_gone(monkeypatch, rig):
    earlier = ran(EARLIER)
    todo = planned(monkeypatch, rig, baseline=EARLIER)
    judged = carry_out(todo)
    told = finding(judged, "baseline")
    assert told.verdict is Verdict.passed, told.message
    assert told.message.startswith(f"not shown to be worse than drain/{EARLIER}: failed share")
    assert judged.result.verdict is Verdict.passed
    assert (todo.folder / "baseline.json").stat().st_size < 20_000
    for entry in sorted(earlier.folder.rglob("*"), reverse=True):
        entry.rmdir() if entry.is_dir() else entry.unlink()
    assert finding(judge_folder(todo.folder), "baseline") == told
    (todo.folder / "baseline.json").write_text("{")
    assert finding(judge_folder(todo.folder), "baseline").verdict is Verdict.inconclusive


def test_a_run_that_drops_more_fails_by_its_baseline(monkeypatch, rig):
    ran(EARLIER)
    todo = planned(monkeypatch, rig, baseline="drain/latest")
    swapped = int((0.5 + 3.0) * 250) + 20

    def spoil(samples):
        return [
            one._replace(outcome=Outcome.reset, status=0) if swapped < one.seq < swapped + 40
            else one
            for one in samples
        ]  # fmt: skip

    rig.sender.spoil = spoil
    told = finding(carry_out(todo), "baseline")
    assert told.verdict is Verdict.failed
    assert "failed share in the swaps" in told.message


@pytest.mark.parametrize(
    ("ruin", "said"),
    [
        (lambda folder: (folder / "scenario.json").unlink(), "there is no such folder"),
        (lambda folder: (folder / "result.json").write_text("{"), "expected a run's result"),
        (lambda folder: (folder / "result.json").unlink(), "was not judged"),
        (lambda folder: (folder / "requests.parquet").write_text("no"), "requests.parquet"),
    ],
    ids=["gone", "damaged result", "not judged", "damaged table"],
)
def test_a_baseline_that_is_gone_or_damaged_is_one_message_before_anything_starts(
    monkeypatch, rig, capsys, ruin, said
):
    ruin(ran(EARLIER).folder)
    monkeypatch.setattr(verify, "prepared", lambda *_, **__: pytest.fail("it began"))
    assert cli.main(["verify", "--baseline", f"drain/{EARLIER}"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"harness: baseline = 'drain/{EARLIER}': ")
    assert said in line
    assert "name another run" in line or "SCENARIO/latest or latest" in line
    assert [path.name for path in (REPORTS / "drain").iterdir()] == [EARLIER]


def test_only_so_many_runs_are_kept(monkeypatch, rig):
    for day in (1, 2, 3):
        ran(f"2025010{day}T000000Z-aaaa")
    todo = planned(monkeypatch, rig, baseline="20250102T000000Z-aaaa", keep_runs=2)
    owner = json.loads((todo.folder / "owner.json").read_text())
    assert owner["zero-downtime-harness"] == RUN
    judged = carry_out(todo)
    assert [path.name for path in judged.pruned.removed] == ["20250101T000000Z-aaaa"]
    assert sorted(path.name for path in (REPORTS / "drain").iterdir()) == [
        "20250102T000000Z-aaaa", "20250103T000000Z-aaaa", RUN,
    ]  # fmt: skip
    page = (REPORTS / "index.html").read_text()
    assert RUN in page
    assert "20250101T000000Z-aaaa" not in page
    assert not (todo.folder / "owner.json").exists()


def test_a_run_that_is_not_judged_prunes_nothing_and_leaves_no_owner(monkeypatch, rig):
    ran(EARLIER)
    todo = planned(monkeypatch, rig, keep_runs=1)
    rig.sender.is_silent = True
    with pytest.raises(NotJudgedError):
        carry_out(todo)
    assert (REPORTS / "drain" / EARLIER).is_dir()
    assert not (todo.folder / "owner.json").exists()


def test_a_page_that_cannot_be_written_anew_costs_no_verdict(monkeypatch, rig):
    ran(EARLIER)
    todo = planned(monkeypatch, rig, keep_runs=1)
    seen = []

    def broken(*_):
        seen.append(1)
        if len(seen) > 1:
            raise OSError("no")

    monkeypatch.setattr(verify, "write_index", broken)
    judged = carry_out(todo)
    assert len(seen) == 2
    assert judged.unwritten == ""
    assert len(judged.pruned.removed) == 1
