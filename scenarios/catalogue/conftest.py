"""What the catalogue's scenarios share: arms, which end on the catalogue's page."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from procedures import ShowsArm

from harness.catalogue.expected import arm_of, named_causes
from harness.catalogue.folder import forget_arm, read_arms, scenarios_in, write_arm
from harness.catalogue.model import Arm, Kind, mechanisms
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
    """`shows(1, Kind.drops, "what it does", cause="not_connected", **options of harness_run)`: a
    run, an arm of mechanism 1, which must be judged as its kind must be.

    An arm that drops names the cause that the mechanism makes (harness/analysis/causes.toml), or
    several where one event is told as either. Most of what failed or was slow must be put down to
    it, unless `not_most` says why it cannot.
    """

    def run(
        mechanism: int,
        kind: Kind,
        what: str,
        *,
        cause: str | Sequence[str] = (),
        not_most: str = "",
        **options: Any,
    ) -> Arm:
        named = named_causes(kind, cause)
        folder = harness_settings.reports / "catalogue"
        forget_arm(request.node.name, folder)
        write_page(folder)
        judged = harness_run(**{**SHORT, **options})
        arm = arm_of(
            judged.result,
            mechanism=mechanism,
            kind=kind,
            test=request.node.name,
            what=what,
            folder=f"../{judged.folder.parent.name}/{judged.folder.name}",
            named=named,
            not_most=not_most,
        )
        write_arm(arm, folder)
        write_page(folder)
        assert arm.as_expected, f"{arm.unmet}\n{judged.explanation()}"
        return arm

    return run


def write_page(folder: Path) -> None:
    known = mechanisms()
    write_catalogue(known, read_arms(folder, known, scenarios_in(Path(__file__).parent)), folder)
