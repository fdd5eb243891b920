"""What must come of a part of the edge replaced: nothing lost in ten, or the cause by its name."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from protocols import heavy_with_http2
from replacing import ReplacesPart, Shows

from harness.catalogue.expected import arm_of, named_causes
from harness.catalogue.model import Arm, Kind
from harness.config import LEAST_SEEN_S
from harness.verify import Judged

TIMES = 10
RATE_HZ = 150.0


@pytest.fixture
def loses_nothing(shown: Callable[..., Arm]) -> Shows:
    """`loses_nothing(strategy, **options of harness_run)`: ten replacements under the heavy mix,
    over HTTP/1.1, TLS and HTTP/2."""

    def run(strategy: ReplacesPart, **options: Any) -> Arm:
        arm = shown(Kind.avoids, strategy, **{"swaps": TIMES, **options})
        assert arm.failed == 0
        return arm

    return run


@pytest.fixture
def loses(shown: Callable[..., Arm]) -> Shows:
    """`loses(strategy, cause="…", **options of harness_run)`: the control. Most of what failed must
    be put down to that cause, or to one of several where one event is told as either.
    """

    def run(strategy: ReplacesPart, *, cause: str | Sequence[str], **options: Any) -> Arm:
        return shown(Kind.drops, strategy, cause=cause, **{"calibrate": False, **options})

    return run


@pytest.fixture
def shown(
    request: pytest.FixtureRequest,
    harness_run: Callable[..., Judged],
    said: Callable[[str], None],
) -> Callable[..., Arm]:
    def run(
        kind: Kind, strategy: ReplacesPart, *, cause: str | Sequence[str] = (), **options: Any
    ) -> Arm:
        named = named_causes(kind, cause)
        # What is asked once a second must be asked between two swaps, too.
        everything = {
            "traffic": heavy_with_http2(RATE_HZ),
            "rate": RATE_HZ,
            "between_s": LEAST_SEEN_S,
        }
        judged = harness_run(strategy=strategy, **{**everything, **options})
        arm = arm_of(
            judged.result,
            mechanism=0,
            kind=kind,
            test=request.node.name,
            what=strategy.name,
            folder=str(judged.folder),
            named=named,
        )
        said(
            f"{strategy.name}: {arm.verdict}; {arm.failed} of {arm.requests} failed, "
            f"{judged.result.near_misses.by_client} asked again, "
            f"{_slower(arm)}; {arm.cause or 'nobody to blame'}\n"
            f"  {judged.folder}"
        )
        assert arm.as_expected, f"{arm.unmet}\n{judged.explanation()}"
        return arm

    return run


def _slower(arm: Arm) -> str:
    """A short run has too few answers for one."""
    if arm.added_p99_ms is None:
        return "p99 in the swaps not resolved"
    return f"p99 {arm.added_p99_ms:+} ms in the swaps"
