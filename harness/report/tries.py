"""The printed table of `harness calibrate`."""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.analysis.tries import Tally, least_share, smallest_found
from harness.checks.wording import percent
from harness.model.calibration import Calibration
from harness.model.finding import Finding
from harness.report.figures import SIGNS, milliseconds, printable

__all__ = ["Tried", "tries_text"]

_HEAD: Final = ("intervals", "ms", "tries", "named", "measured", "start off", "length off")


class Tried(Protocol):
    """What there is to print (calibrate.Calibrated)."""

    @property
    def calibration(self) -> Calibration: ...
    @property
    def tallies(self) -> tuple[Tally, ...]: ...
    @property
    def finding(self) -> Finding: ...
    @property
    def tries(self) -> int: ...
    @property
    def bare_gap_ms(self) -> float | None: ...
    @property
    def folder(self) -> object: ...


def tries_text(tried: Tried) -> Group:
    """The table, and what it proves."""
    return Group(*_parts(tried))


def _parts(tried: Tried) -> Iterator[RenderableType]:
    yield _table(tried.tallies)
    smallest = smallest_found(tried.tallies)
    if smallest is None:
        yield Text("no length was found and rightly named every time, in every kind")
    else:
        yield Text(
            f"from {smallest:.0f} ms on every outage was found and rightly named, {tried.tries} of "
            f"{tried.tries}: at 95 % confidence at least {percent(least_share(tried.tries))} of "
            "such are"
        )
    yield Text(
        f"certain outage: {milliseconds(tried.calibration.certain_outage_ms)} ms, the largest gap "
        f"between two requests of {tried.calibration.requests:,}; away from the stalls, after "
        "which all that was held is answered at once: "
        f"{milliseconds(tried.calibration.calm_gap_ms)} ms; a bare sleep loop's in the same "
        f"seconds: {milliseconds(tried.bare_gap_ms)} ms"
    )
    for text in tried.calibration.left_out:
        yield Text(f"left out: {printable(text)}")
    yield Text(f"{SIGNS[tried.finding.verdict]} {printable(tried.finding.message)}")
    yield Text(f"folder: {tried.folder}")


def _table(tallies: Sequence[Tally]) -> Table:
    title = "outages found and rightly named, measured as allowed; the largest errors in ms"
    table = Table(box=box.SIMPLE, title=title, title_justify="left", padding=(0, 1, 0, 0))
    table.add_column("kind")
    for name in _HEAD:
        table.add_column(name, justify="right")
    for tally in tallies:
        table.add_row(
            tally.kind,
            str(tally.intervals),
            milliseconds(tally.length_ms),
            str(tally.tries),
            str(tally.named),
            str(tally.measured),
            milliseconds(tally.worst_start_ms),
            milliseconds(tally.worst_length_ms),
        )
    return table
