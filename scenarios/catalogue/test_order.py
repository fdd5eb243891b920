"""In which order a procedure starts, looks and stops."""

import pytest
from procedures import LetGoFirst, ShowsArm

from harness.catalogue.model import Kind
from harness.stack.variation import Variation

pytestmark = pytest.mark.catalogue


def never_ready() -> Variation:
    return Variation(name="v2 is never ready", website={"NEVER_READY": "v2"})


def test_the_old_release_is_gone_before_the_new_one_turns_out_sick(shows: ShowsArm) -> None:
    """It was let go of request by request. What comes after it is never ready, and nobody serves
    for as long as that takes to be known, and longer.
    """
    shows(
        33,
        Kind.drops,
        "the old one stopped, then a sick one started",
        cause="no_server",
        strategy=LetGoFirst(),
        rate=150.0,
        ready_timeout_s=3.0,
        variation=never_ready(),
    )


def test_a_release_that_is_never_ready_replaces_nothing(shows: ShowsArm) -> None:
    """The deploy fails, and that is all: no request, and the old release serves on."""
    shows(
        33,
        Kind.refuses,
        "a sick one started, and awaited first",
        swap="drain",
        rate=150.0,
        ready_timeout_s=3.0,
        variation=never_ready(),
    )
