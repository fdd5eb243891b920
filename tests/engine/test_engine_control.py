"""The control on a real engine: what stands still together with it is the machine's doing."""

from collections.abc import Sequence
from dataclasses import dataclass

import docker
import pytest
from left import left, remove

from harness.config import Settings
from harness.faults import Ground
from harness.model.finding import Finding, Verdict
from harness.target import Held
from harness.verify import Judged, carry_out, plan

pytestmark = [pytest.mark.engine, pytest.mark.alone]


@dataclass(frozen=True, kw_only=True)
class Standstill:
    """Pauses several at once, as a machine that hiccups does."""

    those: Sequence[str]
    for_s: float = 0.7
    whom: str = "edge"
    kind: str = "pause"

    def carry_out(self, ground: Ground, whom: str) -> Held:
        earliest_ns = ground.clock.now_ns()
        for name in self.those:
            ground.disturbance.pause(name)
        surely_ns = ground.clock.now_ns()
        ground.clock.sleep(self.for_s)
        until_ns = ground.clock.now_ns()
        for name in self.those:
            ground.disturbance.resume(name)
        return Held(
            earliest_ns=earliest_ns,
            surely_ns=surely_ns,
            until_ns=until_ns,
            latest_ns=ground.clock.now_ns(),
        )


def disturbed(engine: docker.DockerClient, folder, *those: str) -> Judged:
    settings = Settings(
        rate=250,
        warmup_s=0.5,
        steady_s=2,
        after_s=2.2,
        timeout_s=5,
        reports=folder,
        seed=1,
        calibrate=False,
    )
    todo = plan(settings, faults=[Standstill(those=those)])
    try:
        judged = carry_out(todo)
        assert left(engine, todo.run) == []
    finally:
        remove(engine, todo.run)
    return judged


def latency(judged: Judged) -> Finding:
    return next(one for one in judged.result.findings if one.check == "latency")


def test_a_standstill_of_edge_and_control_together_is_not_blamed_on_the_target(engine, tmp_path):
    judged = disturbed(engine, tmp_path, "edge", "control")
    found = latency(judged)
    assert found.verdict is Verdict.inconclusive, found.message
    assert "the control, which the swap does not touch, waited" in found.message
    assert judged.result.control is not None
    longest = max(judged.result.control.blips, key=lambda blip: blip.length_ms)
    assert longest.length_ms >= 500
    assert judged.result.requests.failed == 0


def test_a_standstill_of_the_edge_alone_is_a_fail(engine, tmp_path):
    judged = disturbed(engine, tmp_path, "edge")
    found = latency(judged)
    assert found.verdict is Verdict.failed, found.message
    assert "answers in the swap window" in str(found.evidence["control"])
    control = judged.result.control
    assert control is not None
    assert control.requests > 200
    assert (control.failed, control.errors) == (0, ())
    assert judged.result.environment["path"] == "edge"
    assert (judged.folder / "control" / "requests.parquet").exists()
