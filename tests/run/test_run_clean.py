"""A run on fakes that goes well, and runs in which the release or the procedure is at fault."""

from dataclasses import replace
from math import ceil
from pathlib import Path
from random import Random

import pytest
from fakes.target import (
    ADMIT_S,
    DOWN_S,
    GATHER_S,
    PUBLISH_S,
    READY_S,
    START_S,
    STOP_S,
    TRY_S,
)
from rig import AFTER_S, BETWEEN_S, RATE, STEADY_S, WARMUP_S, Rig, finding

from harness.model.errors import NotJudgedError
from harness.model.finding import Verdict

LOOK_S = 1.0
"""From the admission to the first stop; the drain is within."""
DRAIN_SWAP_S = PUBLISH_S + START_S + READY_S + TRY_S + LOOK_S + STOP_S


def verdicts(judged) -> dict[str, str]:
    return {found.check: found.verdict.value for found in judged.result.findings}


def test_a_clean_run_passes_with_exact_counts(rig: Rig):
    judged = rig.run()
    assert set(verdicts(judged).values()) == {"pass"}, judged.explanation()
    assert judged.result.verdict is Verdict.passed
    assert not judged.unwritten
    counts = judged.result.requests
    planned = ceil(RATE * (WARMUP_S + STEADY_S + DRAIN_SWAP_S + AFTER_S))
    assert (counts.planned, counts.sent, counts.ok) == (planned, planned, planned)
    assert (counts.failed, counts.unknown) == (0, 0)
    assert counts.by_outcome == {"ok": planned}
    assert judged.result.drop_bound == pytest.approx(0.95)


def test_two_swaps_go_there_and_back(tmp_path: Path):
    rig = Rig(tmp_path / "run", swaps=2)
    judged = rig.run()
    assert judged.result.verdict is Verdict.passed, judged.explanation()
    seconds = WARMUP_S + STEADY_S + 2 * DRAIN_SWAP_S + BETWEEN_S + AFTER_S
    assert judged.result.requests.ok == ceil(RATE * seconds)
    assert judged.result.drop_bound == pytest.approx(1 - 0.05 ** (1 / 2))
    swaps = [m["detail"] for m in rig.marks() if (m["name"], m["edge"]) == ("swap", "begin")]
    assert swaps == [
        {"swap": 1, "old": "v1", "new": "v2"},
        {"swap": 2, "old": "v2", "new": "v1"},
    ]
    assert [instance.release for instance in rig.target.serving_at(rig.clock.now_ns() - 10**9)] == [
        "v1"
    ]


def test_every_phase_begins_and_ends_in_its_order(rig: Rig):
    rig.run()
    names = ["up", "calibration", "answering", "warmup", "steady", "swap", "after", "down"]
    assert rig.spans("phase") == [(name, edge) for name in names for edge in ("begin", "end")]
    moments = [mark["at_ns"] for mark in rig.marks()]
    assert moments == sorted(moments)
    down = [mark["at_ns"] for mark in rig.marks() if mark["name"] == "down"]
    assert down[1] - down[0] >= (DOWN_S + GATHER_S) * 1e9, "all of the teardown is within it"


def test_the_record_is_completed_at_the_end(rig: Rig):
    rig.target.path = "published"
    rig.run()
    record = rig.record()
    assert record["path"] == "published"
    assert record["environment"]["fake_version"] == "1"
    assert len(record["clocks"]) == 2
    assert record["clocks"][0]["monotonic_ns"] < record["clocks"][1]["monotonic_ns"]
    assert record["sent"]["ended"] == "finished"
    assert record["sent"]["errors"] == []


def test_a_run_leaves_every_file_of_a_run_folder(rig: Rig):
    rig.run()
    left = {path.name for path in rig.folder.iterdir()}
    assert {
        "scenario.json", "requests.parquet", "marks.jsonl", "machine.jsonl", "operations.json",
        "logs", "result.json", "summary.md", "junit.xml",
    } <= left  # fmt: skip
    assert "requests.bin" not in left
    assert not [name for name in left if name.endswith(".partial")]


@pytest.mark.parametrize("replicas", [1, 2])
def test_drain_starts_all_then_admits_all_then_drains_and_stops_each(tmp_path: Path, replicas: int):
    rig = Rig(tmp_path / "run", replicas=replicas)
    judged = rig.run()
    old = [f"website-{n + 1}" for n in range(replicas)]
    new = [f"website-{replicas + n + 1}" for n in range(replicas)]
    moves = ["publish v2"]
    for name in new:
        moves += ["start v2", f"await_ready {name}", f"try_out {name}"]
    moves += [f"admit {name}" for name in new]
    moves += [move for name in old for move in (f"drain {name}", f"stop {name}")]
    assert rig.target.moves == moves
    verbs = [move.replace("await_ready", "ready").replace("try_out", "try") for move in moves]
    assert rig.spans("step") == [(name, edge) for name in verbs for edge in ("begin", "end")]
    assert judged.result.requests.failed == 0


@pytest.mark.parametrize("replicas", [1, 2])
def test_recreate_stops_before_it_starts_and_fails(tmp_path: Path, replicas: int):
    rig = Rig(tmp_path / "run", swap="recreate", replicas=replicas)
    judged = rig.run()
    moves = ["publish v2"]
    for n in range(replicas):
        new = f"website-{replicas + n + 1}"
        moves += [f"stop website-{n + 1}", "start v2", f"await_ready {new}", f"admit {new}"]
    assert rig.target.moves == moves
    if replicas == 1:
        away_s = STOP_S + START_S + READY_S + ADMIT_S
        assert judged.result.verdict is Verdict.failed
        assert finding(judged, "no_failed_request").verdict is Verdict.failed
        assert judged.result.requests.failed == round(RATE * away_s)
        assert finding(judged, "swap_completed").verdict is Verdict.passed
    else:
        assert judged.result.requests.failed == 0


@pytest.mark.parametrize("replicas", [1, 2])
def test_scale_then_stop_awaits_the_new_ones_and_stops_the_old_without_draining(
    tmp_path: Path, replicas: int
):
    rig = Rig(tmp_path / "run", swap="scale-then-stop", replicas=replicas)
    judged = rig.run()
    new = [f"website-{replicas + n + 1}" for n in range(replicas)]
    moves = ["publish v2"]
    moves += [move for name in new for move in ("start v2", f"await_ready {name}", f"admit {name}")]
    moves += [f"stop website-{n + 1}" for n in range(replicas)]
    assert rig.target.moves == moves
    assert [name for name, edge in rig.spans("step") if edge == "begin"] == [
        "publish v2",
        *(step for name in new for step in ("scale v2", f"ready {name}")),
        *(f"stop website-{n + 1}" for n in range(replicas)),
    ]
    assert finding(judged, "swap_completed").verdict is Verdict.passed


def test_a_new_release_that_is_never_ready_fails_and_the_old_one_serves_on(rig: Rig):
    rig.target.never_ready.add("v2")
    judged = rig.run()
    assert judged.result.verdict is Verdict.failed
    completed = finding(judged, "swap_completed")
    assert completed.verdict is Verdict.failed
    assert "release v2: website-2 was not ready" in completed.message
    assert rig.target.moves == [
        "publish v2", "start v2", "await_ready website-2", "discard website-2",
    ]  # fmt: skip
    assert judged.result.requests.failed == 0, "the old release served every request"
    assert judged.result.drop_bound is None
    last_ns = rig.record()["sent"]["stop_ns"] - 1
    assert [who.name for who in rig.target.serving_at(last_ns)] == ["website-1"]
    assert ("after", "end") in rig.spans("phase"), "what serves is watched for the whole phase"


def test_of_two_new_instances_both_are_discarded_where_the_second_is_never_ready(tmp_path: Path):
    rig = Rig(tmp_path / "run", replicas=2)
    ready = []

    def spoil_second(move: str) -> None:
        ready.append(move)
        if len(ready) == 2:
            rig.target.never_ready.add("v2")

    stage = rig.target.stage()
    original = type(stage).await_ready

    class Second(type(stage)):
        def await_ready(self, instance):
            spoil_second(instance.name)
            original(self, instance)

    rig.target.stage = lambda: Second(rig.target)
    judged = rig.run()
    assert rig.target.moves[-2:] == ["discard website-3", "discard website-4"]
    assert judged.result.verdict is Verdict.failed
    assert judged.result.requests.failed == 0


def test_after_a_failed_first_swap_the_second_is_not_made(tmp_path: Path):
    rig = Rig(tmp_path / "run", swaps=2)
    rig.target.never_ready.add("v2")
    judged = rig.run()
    assert rig.target.moves.count("start v2") == 1
    assert judged.result.verdict is Verdict.failed


def test_a_swap_that_changes_nothing_is_inconclusive(rig: Rig):
    class Nothing:
        name = "nothing"
        discovery = "slots"

        def replace(self, stage, steps):
            with steps.step("admit"):
                rig.clock.sleep(1)

    rig.swap = Nothing()
    judged = rig.run()
    assert judged.result.verdict is Verdict.inconclusive
    assert "a swap that changed nothing" in finding(judged, "replaced").message


def test_a_new_image_that_is_the_old_one_is_inconclusive(rig: Rig):
    rig.target.mislabelled["v2"] = "v1"
    judged = rig.run()
    assert judged.result.verdict is not Verdict.passed
    assert finding(judged, "replaced").verdict is Verdict.inconclusive


def test_the_sender_gets_the_endpoint_only_once_the_target_is_up(rig: Rig):
    rig.run()
    order = [point.name for point in rig.trouble.seen if point.when == "before"]
    assert order[:8] == [
        "calibrator.prepare", "control.prepare", "target.up", "calibrator.calibrate",
        "sender.start", "sender.probe", "control.begin", "sender.go",
    ]  # fmt: skip


def test_teardown_goes_senders_store_logs_environment_target(rig: Rig):
    rig.run()
    names = [p.name for p in rig.trouble.seen if p.phase == "down" and p.when == "before"]
    assert names == [
        "calibrator.close", "sender.close", "control.end", "target.operations", "target.gather",
        "target.environment", "control.close", "target.down",
    ]  # fmt: skip


def test_a_target_that_never_answers_is_not_judged(rig: Rig):
    rig.sender.is_silent = True
    with pytest.raises(NotJudgedError, match="no right answer within 15 s"):
        rig.execute()
    assert not rig.target.is_up
    assert not rig.sender.is_open


def test_steps_are_delayed_by_a_random_time_that_the_swaps_seed_repeats(tmp_path: Path):
    def begins(folder: str, *, swaps: int, seed: int, swap: int) -> list[float]:
        rig = Rig(tmp_path / folder, swaps=swaps)
        timing = replace(rig.scenario.timing, jitter_s=0.5)
        rig.scenario = replace(rig.scenario, timing=timing, seed=seed)
        rig.execute()
        own = [mark for mark in rig.marks() if mark["detail"].get("swap") == swap]
        [start] = [m["at_ns"] for m in own if (m["name"], m["edge"]) == ("swap", "begin")]
        steps = [m for m in own if m["kind"] == "step" and m["edge"] == "begin"]
        return [round((mark["at_ns"] - start) / 1e9, 6) for mark in steps]

    second = begins("many", swaps=2, seed=7, swap=2)
    assert second == begins("again", swaps=1, seed=8, swap=1)
    assert second != begins("other", swaps=1, seed=9, swap=1)
    drawn = Random(8).uniform(0.0, 0.5)
    assert second[0] == pytest.approx(drawn, abs=1e-4)
