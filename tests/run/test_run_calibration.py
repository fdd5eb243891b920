"""The calibration of a run on fakes: what is asked for and not there leaves no pass."""

import shutil
from dataclasses import replace

import pytest
from fakes.trouble import Point
from rig import Rig, finding

from harness.calibration.calibrator import NoCalibration
from harness.model.errors import NotJudgedError
from harness.model.finding import Verdict


def test_a_run_states_what_was_put_in_and_what_was_found(rig: Rig):
    judged = rig.run()
    found = judged.result.calibration
    assert found is not None
    assert [(trial.kind, trial.verdict) for trial in found.trials] == [
        ("reset", "found"),
    ]
    assert finding(judged, "calibrated").verdict is Verdict.passed


def test_its_samples_are_in_a_folder_of_their_own_and_none_is_the_runs(rig: Rig):
    judged = rig.run()
    assert (rig.folder / "calibration" / "requests.parquet").exists()
    assert not (rig.folder / "calibration" / "requests.bin").exists()
    assert judged.result.requests.failed == 0, "the calibration's failures are not the run's"
    assert judged.result.outages == ()


def test_judging_twice_says_the_same(rig: Rig):
    assert rig.run().result == rig.judge().result


def test_an_outage_that_was_missed_leaves_no_pass(rig: Rig):
    clean = replace(rig.calibrator.paper, outages=()).samples()
    rig.calibrator.paper.spoil = lambda _: clean
    judged = rig.run()
    assert judged.result.verdict is Verdict.inconclusive
    assert judged.result.drop_bound is None
    assert "calibrated: of 1 outage put in before the run one was missed" in judged.result.sentence


def test_a_calibration_that_went_missing_leaves_no_pass(rig: Rig):
    rig.execute()
    shutil.rmtree(rig.folder / "calibration")
    judged = rig.judge()
    assert judged.result.verdict is Verdict.inconclusive
    assert "none is in its folder" in finding(judged, "calibrated").message


def test_a_calibration_that_cannot_be_read_leaves_no_pass(rig: Rig):
    rig.execute()
    (rig.folder / "calibration" / "calibration.json").write_text("{")
    judged = rig.judge()
    assert judged.result.verdict is Verdict.inconclusive
    assert "calibration/" in finding(judged, "recorded").evidence["unreadable"]


def test_without_a_calibration_there_is_no_phase_of_it_and_the_evidence_says_so(rig: Rig):
    rig.scenario = replace(rig.scenario, calibrated=False)
    rig.calibrator = NoCalibration()  # type: ignore[assignment]
    judged = rig.run()
    assert judged.result.verdict is Verdict.passed, judged.explanation()
    assert judged.result.calibration is None
    assert finding(judged, "calibrated").evidence == {"calibration": "not calibrated"}
    assert "calibration" not in [name for name, _ in rig.spans("phase")]


def test_what_was_made_ready_ends_though_the_target_never_came_up(rig: Rig):
    rig.trouble.plan(Point("up", "target.up", "within"), NotJudgedError("no engine"))
    with pytest.raises(NotJudgedError, match="no engine"):
        rig.execute()
    assert rig.calibrator.closes == 1
