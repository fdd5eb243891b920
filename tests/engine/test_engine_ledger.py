"""A store that applies a repeated operation twice is seen, on real Redis, by the check."""

import json
from dataclasses import asdict

import pytest
from rig import RUN, Rig, finding
from stacks import brought_up

from harness.model.finding import Verdict
from harness.stack.variation import Variation

pytestmark = pytest.mark.engine


def test_without_idempotence_a_repeat_is_applied_twice_and_the_writes_check_fails(engine, tmp_path):
    rig = Rig(tmp_path / "run")
    rig.execute()
    # A write of the run on fakes, whose only store is the real one's below.
    operation = min(rig.target.applied)
    with brought_up(
        engine, tmp_path, variation=Variation(name="not idempotent", website={"IDEMPOTENT": "0"})
    ) as up:
        for _ in range(2):
            status, _, _ = up.ask("POST", "/operations", X_Operation_Id=operation)
            assert status == 200
        found = up.stack.operations()
    assert (found.applied, found.arrived) == ({operation: 2}, {operation: 2})

    written = {name: {**rig.target.applied, **counts} for name, counts in asdict(found).items()}
    (rig.folder / "operations.json").write_text(json.dumps(written))
    seen = finding(rig.judge(), "writes")
    assert seen.verdict is Verdict.failed
    assert seen.evidence["doubled"] == [int(operation.removeprefix(f"{RUN}-"))]
    assert seen.evidence["lost"] == []
