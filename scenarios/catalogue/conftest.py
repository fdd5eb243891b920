"""What the catalogue's scenarios share: arms, which end on the catalogue's page."""

from collections.abc import Callable
from typing import Any

import pytest
from procedures import ShowsArm

from harness.catalogue.model import Arm, Kind, arm_of, mechanisms, read_arms, write_arm
from harness.catalogue.page import write_catalogue
from harness.config import Settings
from harness.verify import Judged

SHORT = {"warmup_s": 1.0, "steady_s": 5.0, "after_s": 3.0, "calibrate": False}
"""An arm need not resolve the shortest outage: it shows one that is known to come."""


@pytest.fixture
def shows(
    request: pytest.FixtureRequest,
    harness_run: Callable[..., Judged],
    harness_settings: Settings,
) -> ShowsArm:
    """`shows(1, Kind.drops, "what it does", **options of harness_run)`: a run, an arm of mechanism
    1, which must be judged as its kind must be.
    """

    def run(mechanism: int, kind: Kind, what: str, **options: Any) -> Arm:
        judged = harness_run(**{**SHORT, **options})
        folder = harness_settings.reports / "catalogue"
        arm = arm_of(
            judged.result,
            mechanism=mechanism,
            kind=kind,
            test=request.node.name,
            what=what,
            folder=f"../{judged.folder.parent.name}/{judged.folder.name}",
        )
        write_arm(arm, folder)
        known = mechanisms()
        write_catalogue(known, read_arms(folder, known), folder)
        assert arm.as_expected, judged.explanation()
        if kind is Kind.drops:
            assert arm.failed + arm.slow, judged.explanation()
            assert arm.cause, judged.explanation()
        return arm

    return run
