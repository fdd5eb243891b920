"""A failure at every mark that a clean run leaves: each phase and step, its begin and its end, and
each judgement between a canary's shares.

The table is read from such a run, so that no phase and no step can be forgotten.
"""

import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest
from rig import Rig

from harness.model.errors import Interrupted, NotJudgedError
from harness.model.finding import Verdict
from harness.swap import STRATEGIES
from harness.timeline import Timeline

BEFORE_LOAD = ("up", "answering")
CAUSE = "the mark could not be made"


class Moment(NamedTuple):
    swap: str
    kind: str
    name: str
    edge: str

    def __str__(self) -> str:
        return f"{self.edge} of {self.name} ({self.swap})"


def _moments() -> list[Moment]:
    found: list[Moment] = []
    for swap in STRATEGIES:
        with tempfile.TemporaryDirectory() as folder:
            rig = Rig(Path(folder) / "run", swap=swap)
            rig.execute()
            left = [Moment(swap, mark["kind"], mark["name"], mark["edge"]) for mark in rig.marks()]
        known = {each[1:] for each in found}
        found += [each for each in left if each[1:] not in known]
    return found


MOMENTS = _moments()
each_moment = pytest.mark.parametrize("moment", MOMENTS, ids=str)


def fails_at(monkeypatch: pytest.MonkeyPatch, moment: Moment, error: BaseException) -> list[str]:
    """Makes that mark raise, once; KeyboardInterrupt after it was left, all else before."""
    mark, raised = Timeline.mark, []

    def raises(timeline, kind, name, edge="at", **more):
        is_it = (str(kind), name, str(edge)) == moment[1:] and not raised
        if is_it and isinstance(error, Exception):
            raised.append(name)
            raise error
        mark(timeline, kind, name, edge, **more)
        if is_it:
            raised.append(name)
            raise error

    monkeypatch.setattr(Timeline, "mark", raises)
    return raised


def test_the_table_holds_the_phases_and_the_steps_of_every_strategy():
    of = {kind: {each.name for each in MOMENTS if each.kind == kind} for kind in ("phase", "step")}
    assert {"up", "answering", "warmup", "steady", "swap", "after", "down"} <= of["phase"]
    assert {"drain website-1", "stop website-1", "scale v2", "publish v2"} <= of["step"]
    assert {"share 5% v2", "switch v2", "idle website-1"} <= of["step"]
    moments = {each.name for each in MOMENTS if each.edge == "at"}
    assert moments == {f"judged {share}%: go on" for share in (5, 25, 50, 100)}
    assert "try website-2" in of["step"]
    assert {each.edge for each in MOMENTS} == {"begin", "end", "at"}


@each_moment
def test_a_failure_at_any_mark_is_never_a_pass_and_is_told(tmp_path, monkeypatch, moment: Moment):
    rig = Rig(tmp_path / "run", swap=moment.swap)
    raised = fails_at(monkeypatch, moment, RuntimeError(CAUSE))
    if moment.name in BEFORE_LOAD:
        with pytest.raises(NotJudgedError, match=CAUSE):
            rig.execute()
    else:
        rig.execute()
        judged = rig.judge()
        assert judged.result.verdict is not Verdict.passed, judged.explanation()
        assert CAUSE in judged.explanation()
    assert raised == [moment.name]
    assert any(CAUSE in error for error in rig.errors())
    _assert_nothing_is_left(rig)


@each_moment
def test_an_interrupt_at_any_mark_tears_down_and_judges_nothing(
    tmp_path, monkeypatch, moment: Moment
):
    rig = Rig(tmp_path / "run", swap=moment.swap)
    raised = fails_at(monkeypatch, moment, KeyboardInterrupt())
    with pytest.raises(Interrupted):
        rig.execute()
    assert raised == [moment.name]
    assert not list(rig.folder.glob("result.json"))
    _assert_nothing_is_left(rig)


def _assert_nothing_is_left(rig: Rig) -> None:
    assert not rig.target.is_up
    assert not rig.target.present
    assert not rig.sender.is_open
    assert rig.target.downs >= 1
    assert len(rig.record()["clocks"]) == 2, "the record was completed"
