"""The arms' files."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from arms import arm

from harness.catalogue.folder import forget_arm, read_arms, scenarios_in, write_arm
from harness.catalogue.model import Arm, Kind, mechanisms

SCENARIOS = {"test_1_drops", "test_1_avoids", "test_2_drops", "test_99_drops", "test_x"}


def kept_file(folder: Path, made: Arm) -> Path:
    write_arm(made, folder)
    (path,) = (folder / "arms").iterdir()
    return path


def test_arms_are_kept_by_scenario_and_read_in_the_catalogues_order(tmp_path: Path) -> None:
    arms = [arm(2), arm(1, Kind.avoids), arm(1)]
    for each in arms:
        write_arm(each, tmp_path)
    write_arm(replace(arms[2], failed=7), tmp_path)
    kept = read_arms(tmp_path, mechanisms(), SCENARIOS)
    assert kept.arms == (replace(arms[2], failed=7), arms[1], arms[0])
    assert kept.left_out == ()


def test_an_arm_on_disk_is_plain_json(tmp_path: Path) -> None:
    fields = json.loads(kept_file(tmp_path, arm()).read_text())
    assert (fields["kind"], fields["verdict"]) == ("drops", "fail")


def test_a_name_with_parameters_is_a_file_of_this_folder(tmp_path: Path) -> None:
    made = arm(test="test_x[../a/b]")
    kept_file(tmp_path, made)
    assert read_arms(tmp_path, mechanisms(), SCENARIOS).arms == (made,)


@pytest.mark.parametrize("damage", ["", '{"mechanism": 1', "[]", "\0", "null"])
def test_a_file_that_was_cut_short_is_left_out_by_name(tmp_path: Path, damage: str) -> None:
    kept_file(tmp_path, arm(2)).write_text(damage)
    write_arm(arm(), tmp_path)
    kept = read_arms(tmp_path, mechanisms(), SCENARIOS)
    assert kept.arms == (arm(),)
    assert kept.left_out == ("test_2_drops.json: damaged, or of another version of the harness",)


@pytest.mark.parametrize(
    "change", [{"run": None}, {"kind": "loses"}, {"verdict": "FAIL"}, {"failed": "many"}]
)
def test_so_is_one_of_another_version(tmp_path: Path, change: dict[str, object]) -> None:
    path = kept_file(tmp_path, arm())
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    kept = read_arms(tmp_path, mechanisms(), SCENARIOS)
    assert kept.arms == ()
    assert kept.left_out == ("test_1_drops.json: damaged, or of another version of the harness",)


def test_an_arm_whose_scenario_or_mechanism_is_no_more_is_left_out_by_name(tmp_path: Path) -> None:
    write_arm(arm(99), tmp_path)
    write_arm(arm(test="test_renamed"), tmp_path)
    kept = read_arms(tmp_path, mechanisms(), SCENARIOS)
    assert kept.arms == ()
    assert kept.left_out == (
        "test_99_drops.json: its scenario, run as 20260102T030405Z-abcd, is no more",
        "test_renamed.json: its scenario, run as 20260102T030405Z-abcd, is no more",
    )


def test_an_arm_that_cannot_be_written_whole_leaves_the_former_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_file(tmp_path, arm())

    def half(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:20])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="No space"):
        write_arm(arm(failed=7), tmp_path)
    assert read_arms(tmp_path, mechanisms(), SCENARIOS).arms == (arm(),)


def test_an_arm_is_forgotten_alone_and_one_that_was_never_kept_too(tmp_path: Path) -> None:
    write_arm(arm(), tmp_path)
    write_arm(arm(2), tmp_path)
    forget_arm(arm().test, tmp_path)
    forget_arm("test_x", tmp_path)
    assert read_arms(tmp_path, mechanisms(), SCENARIOS).arms == (arm(2),)


def test_scenarios_are_known_by_their_files_whichever_are_run() -> None:
    found = scenarios_in(Path(__file__).parents[2] / "scenarios" / "catalogue")
    assert "test_a_name_that_is_asked_for_again_is_followed" in found
    assert "test_an_address_that_the_balancer_has_forgotten_may_be_somebody_elses" in found
    assert len(found) == 2 * sum(not each.not_shown for each in mechanisms())
