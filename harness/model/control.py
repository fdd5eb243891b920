"""The control: a stub that the swap does not touch, asked beside the run; what became of that."""

from dataclasses import dataclass
from typing import Final

from harness.model.traffic import Connection, Stream, Traffic

__all__ = ["BODY", "FOLDER", "INSTANCE", "LOST", "Blip", "ControlFigures", "control_traffic"]

INSTANCE: Final = "control"
"""The stub's name among the run's containers."""
LOST: Final = "no control"
"""The mark of what went wrong with it, which ends no run; `detail["why"]`."""
BODY: Final = "control"
FOLDER: Final = "control"
RATE_HZ: Final = 50.0
_NEW_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Blip:
    """A span in which the control was kept waiting. Seconds since the run's schedule began."""

    start_s: float
    length_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlFigures:
    """What became of the control's requests, which are none of the run's."""

    requests: int = 0
    """Those that were sent."""
    failed: int = 0
    in_window: int = 0
    """Answers in the swap windows."""
    p99_ms: float | None = None
    """Of those; null with fewer than 10 beyond it."""
    max_ms: float | None = None
    blips: tuple[Blip, ...] = ()
    """The longest 100, in the order of time."""
    errors: tuple[str, ...] = ()
    """What is missing of its evidence. The control excuses only what it saw, so none of them makes
    a run worse."""


def control_traffic() -> Traffic:
    """50 requests a second, mostly on kept connections."""
    return Traffic(
        headers={"User-Agent": "zero-downtime-harness"},
        release_from="",
        streams=(
            Stream(
                name="control-reused",
                path="/",
                rate_hz=(1 - _NEW_SHARE) * RATE_HZ,
                expect_body={"*": BODY},
            ),
            Stream(
                name="control-new",
                path="/",
                rate_hz=_NEW_SHARE * RATE_HZ,
                connection=Connection.new,
                expect_body={"*": BODY},
            ),
        ),
    )
