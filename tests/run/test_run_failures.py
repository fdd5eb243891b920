"""A failure at every point of a run: never a pass, teardown runs, the first cause is told."""

import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest
from fakes.trouble import Point
from rig import Rig, points

from harness.model.errors import MissingEvidenceError, NotJudgedError, ReleaseError
from harness.model.finding import Verdict

CAUSE = "the first cause"
LATER = "the teardown's own error"
ERRORS: dict[str, type[Exception]] = {
    "before": OSError,
    "within": RuntimeError,
    "after": MissingEvidenceError,
}
"""Each kind at each part: the system's refusal, a defect of ours, what we say ourselves."""


class Case(NamedTuple):
    point: Point
    error: type[Exception]
    before_load: bool


def _cases() -> list[Case]:
    """Every point that a clean run passes."""
    with tempfile.TemporaryDirectory() as folder:
        found = points(Path(folder) / "run")
    begun = [point.name for point in found].index("sender.go")
    cases = [
        Case(point, ERRORS[point.when], before_load=index < begun and not _aside(point))
        for index, point in enumerate(found)
    ]
    blamable = ("stage.start", "stage.await_ready")
    return cases + [
        Case(point, ReleaseError, before_load=False) for point in found if point.name in blamable
    ]


def _aside(point: Point) -> bool:
    """What goes wrong there is evidence that is missing, and no reason to send no load."""
    return point.name.startswith(("calibrator.", "control."))


CASES = _cases()
IDS = [f"{case.error.__name__} {case.point}" for case in CASES]
every_failure = pytest.mark.parametrize("case", CASES, ids=IDS)


def test_the_table_holds_every_part_of_a_run():
    assert {case.point.name for case in CASES} == {
        "target.up", "target.down", "target.gather", "target.operations", "target.environment",
        "calibrator.prepare", "calibrator.calibrate", "calibrator.close",
        "control.prepare", "control.begin", "control.end", "control.close",
        "sender.start", "sender.probe", "sender.go", "sender.check", "sender.finish",
        "sender.close", "stage.running", "stage.publish", "stage.replicas", "stage.start",
        "stage.await_ready", "stage.try_out", "stage.count_anew", "stage.counted", "stage.admit",
        "stage.drain", "stage.stop",
    }  # fmt: skip
    holds = {case.point.phase for case in CASES if case.point.name == "sender.check"}
    assert holds == {"answering", "warmup", "steady"}


@every_failure
def test_a_failure_at_any_point_is_never_a_pass_and_is_told(tmp_path: Path, case: Case):
    rig = Rig(tmp_path / "run")
    rig.trouble.plan(case.point, case.error(CAUSE))
    if case.before_load:
        with pytest.raises(NotJudgedError, match=CAUSE):
            rig.execute()
    else:
        judged = rig.run()
        wanted = Verdict.failed if case.error is ReleaseError else Verdict.inconclusive
        assert judged.result.verdict is wanted, judged.explanation()
        assert CAUSE in judged.explanation()
    _assert_torn_down(rig)
    assert not rig.trouble.never_came()
    assert any(CAUSE in error for error in rig.errors()), "the marks tell of it too"


@every_failure
def test_an_error_in_teardown_does_not_hide_the_first_cause(tmp_path: Path, case: Case):
    rig = Rig(tmp_path / "run")
    rig.trouble.plan(Point("down", "target.down", "after"), RuntimeError(LATER))
    rig.trouble.plan(case.point, case.error(CAUSE))
    if case.before_load:
        with pytest.raises(NotJudgedError, match=CAUSE):
            rig.execute()
    else:
        judged = rig.run()
        assert judged.result.verdict is not Verdict.passed
        first = next(f for f in judged.result.findings if f.check == "swap_completed")
        assert CAUSE in first.message
    if case.point.name != "target.down":
        assert [CAUSE in rig.errors()[0], LATER in rig.errors()[-1]] == [True, True]
    assert rig.target.downs == 1


def test_a_failed_request_is_a_fail_whatever_breaks_after_it(tmp_path: Path):
    """In teardown each part is broken at once; the verdict stays the one that the load gave."""
    rig = Rig(tmp_path / "run")
    rig.target.never_ready.add("v2")
    for name in ("target.operations", "target.gather", "target.environment", "target.down"):
        rig.trouble.plan(Point("down", name, "before"), RuntimeError(f"{name} broke"))
    judged = rig.run()
    assert judged.result.verdict is Verdict.failed
    assert len(rig.errors()) == 5
    assert rig.target.downs == 1


def test_a_release_at_fault_is_blamed_though_discarding_it_fails_too(rig: Rig):
    rig.target.never_ready.add("v2")
    rig.trouble.plan(Point("swap 1", "stage.discard", "before"), MissingEvidenceError(LATER))
    judged = rig.run()
    assert judged.result.verdict is Verdict.failed
    assert "was not ready" in judged.result.sentence
    assert LATER in judged.explanation()
    assert judged.result.requests.failed == 0


def test_where_discarding_one_instance_fails_the_others_are_discarded(tmp_path: Path):
    rig = Rig(tmp_path / "run", replicas=2)
    rig.trouble.plan(Point("swap 1", "stage.discard", "before"), RuntimeError(LATER))
    names = []
    stage = type(rig.target.stage())

    class Second(stage):
        def await_ready(self, instance):
            names.append(instance.name)
            if len(names) == 2:
                rig.target.never_ready.add("v2")
            super().await_ready(instance)

    rig.target.stage = lambda: Second(rig.target)
    judged = rig.run()
    assert rig.target.moves[-2:] == ["discard website-3", "discard website-4"]
    assert judged.result.verdict is Verdict.failed


def test_an_observer_that_raises_stops_neither_run_nor_teardown(rig: Rig):
    def raises(mark):
        raise RuntimeError("the display broke")

    rig.trouble.on_mark = raises
    judged = rig.run()
    assert not rig.target.is_up
    assert judged.result.verdict is Verdict.inconclusive, "a defect of ours is not passed over"
    assert "the display broke" in judged.explanation()
    assert judged.result.requests.failed == 0


def test_a_sender_that_cannot_tell_what_it_sent_leaves_no_pass(rig: Rig):
    def raises():
        raise RuntimeError("no account")

    rig.sender.sent = raises
    judged = rig.run()
    assert judged.result.verdict is Verdict.inconclusive
    assert not rig.target.is_up


def _assert_torn_down(rig: Rig) -> None:
    assert rig.target.downs == 1
    assert rig.sender.closes == 1
    record = rig.record()
    assert len(record["clocks"]) == 2, "the record was completed"
    assert rig.spans("phase")[-1] == ("down", "end")
