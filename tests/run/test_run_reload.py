"""`reload`: nobody looks after it, so the new instances are looked at last before old ones stop."""

from pathlib import Path

import pytest
from fakes.target import FakeStage
from rig import Rig, finding

from harness.model.errors import ReleaseError
from harness.model.finding import Verdict
from harness.target import Instance


def test_one_that_exits_while_the_former_process_finishes_is_refused_and_the_old_ones_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(tmp_path / "run", swap="reload", replicas=2)
    admit, down = FakeStage.admit, rig.target.down
    left: list[Instance] = []

    def admit_what_runs(stage: FakeStage, instance: Instance) -> None:
        if instance.name == "website-4" and "await_alone" in rig.target.moves:
            raise ReleaseError("release v2: website-4 exited with code 137 before it was admitted")
        admit(stage, instance)

    def looked_at_and_down() -> None:
        left.extend(rig.target.serving_now())
        down()

    monkeypatch.setattr(FakeStage, "admit", admit_what_runs)
    monkeypatch.setattr(rig.target, "down", looked_at_and_down)
    judged = rig.run()
    assert judged.result.verdict is Verdict.failed
    assert "website-4 exited with code 137" in finding(judged, "swap_completed").message
    assert [instance.release for instance in left] == ["v1", "v1"]
    assert not [move for move in rig.target.moves if move in {"stop website-1", "stop website-2"}]
