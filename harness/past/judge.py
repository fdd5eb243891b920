"""Two runs held against each other: what changed, and how sure that is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from harness.analysis.latency import SWAP_WINDOW
from harness.model.past import ALL, Cell, Counted, Past
from harness.past import bootstrap
from harness.past.conditions import unlike
from harness.past.facts import STEADY
from harness.past.shares import Share, least_shown
from harness.past.shares import change as change_of_shares

__all__ = ["DOUBT", "FAILED_SHARE", "P99", "Compared", "Line", "Number", "compared", "rise_shown"]

FAILED_SHARE: Final = "failed share"
P99: Final = "p99"
DOUBT: Final = 0.05
"""The most probable that any change at all is shown where there is none."""
_PHASES: Final = (STEADY, SWAP_WINDOW)
_OF_ALL: Final = 4
"""Figures of all requests: two shares and two percentiles."""
_REACHED: Final = 0.01
"""Where so many failed, they reach the p99: that of the others is not the stream's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A figure of both runs that has an interval, or the reason why it has none."""

    figure: str
    """`failed share` or `p99`."""
    stream: str
    phase: str
    """`steady`, `swap_window`, or `outside` the swap windows."""
    unit: str
    """`share` (0 to 1) or `ms`."""
    before: float | None
    after: float | None
    change: float | None = None
    """`after` less `before`."""
    low: float | None = None
    high: float | None = None
    """The interval of the change; None without one."""
    confidence: float | None = None
    """Of this interval alone, so that all together are right with 95 %."""
    blocks: tuple[int, int] = (0, 0)
    block_s: tuple[float, float] = (0.0, 0.0)
    why: str = ""
    """Why there is no interval."""

    @property
    def shown(self) -> str:
        """`more`, `less` or empty: whether the interval excludes 0, and on which side it lies."""
        if self.low is None or self.high is None:
            return ""
        return "more" if self.low > 0 else "less" if self.high < 0 else ""

    @property
    def reach(self) -> float | None:
        """Half the interval: some such rise would have been shown."""
        if self.low is None or self.high is None:
            return None
        return (self.high - self.low) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A figure that a run has once: without an interval, as nothing says how much it varies."""

    figure: str
    unit: str
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What `harness compare` says. `unlike` is what the two runs do not have in common."""

    schema: int = 1
    before: Past
    after: Past
    unlike: tuple[str, ...]
    lines: tuple[Line, ...]
    numbers: tuple[Number, ...]

    def line(self, figure: str, phase: str, stream: str = ALL) -> Line | None:
        wanted = (figure, phase, stream)
        return next(
            (one for one in self.lines if (one.figure, one.phase, one.stream) == wanted), None
        )


def compared(before: Past, after: Past) -> Compared:
    """The figures of all requests share half of the 5 % of doubt, the streams' the other half
    (Bonferroni). Holm's correction would show a little more, but has no intervals: what is
    printed would not be what decides. Halves, so that many streams do not hide what all
    requests together show.
    """
    streams = [name for name in before.cells if name in after.cells and name != ALL]
    told = sum(
        not _why((before.cells[name][phase], after.cells[name][phase]))
        for name in streams
        for phase in _PHASES
    )
    of_all = 1 - DOUBT / 2 / _OF_ALL
    of_streams = 1 - DOUBT / 2 / max(1, told)
    lines = [
        _share("outside", before.outside, after.outside, of_all),
        _share(SWAP_WINDOW, before.in_swaps, after.in_swaps, of_all),
        *(_p99(before, after, ALL, phase, of_all) for phase in _PHASES),
        *(
            _p99(before, after, stream, phase, of_streams)
            for stream in streams
            for phase in _PHASES
        ),
    ]
    return Compared(
        before=before,
        after=after,
        unlike=unlike(before, after),
        lines=tuple(lines),
        numbers=_numbers(before, after),
    )


def rise_shown(line: Line, before: Counted, after: Counted) -> int | None:
    """Of a failed share: the fewest failed requests that would have been shown to be more."""
    if line.confidence is None:
        return None
    return least_shown(Share(failed=before.failed, sent=before.sent), after.sent, line.confidence)


def _share(phase: str, before: Counted, after: Counted, confidence: float) -> Line:
    one = Share(failed=before.failed, sent=before.sent)
    other = Share(failed=after.failed, sent=after.sent)
    line = Line(
        figure=FAILED_SHARE,
        stream=ALL,
        phase=phase,
        unit="share",
        before=one.value if one.sent else None,
        after=other.value if other.sent else None,
    )
    if not (one.sent and other.sent):
        return replace(line, why="nothing was sent there")
    found = change_of_shares(one, other, confidence)
    return replace(line, change=found.by, low=found.low, high=found.high, confidence=confidence)


def _p99(before: Past, after: Past, stream: str, phase: str, confidence: float) -> Line:
    cells = (before.cells[stream][phase], after.cells[stream][phase])
    line = Line(
        figure=P99,
        stream=stream,
        phase=phase,
        unit="ms",
        before=cells[0].p99_ms,
        after=cells[1].p99_ms,
    )
    first, second = (
        bootstrap.varied(cell, f"{past.run} {stream} {phase}")
        for past, cell in zip((before, after), cells, strict=True)
    )
    why = _why(cells)
    if why or first is None or second is None:
        return replace(line, why=why)
    found = bootstrap.change(first, second, confidence)
    return replace(
        line,
        change=round(found.by, 3),
        low=round(found.low, 3),
        high=round(found.high, 3),
        confidence=confidence,
        blocks=(first.blocks, second.blocks),
        block_s=(cells[0].block_s, cells[1].block_s),
    )


def _why(cells: Iterable[Cell]) -> str:
    """Why their p99s are not compared; empty where they can be. Of counts alone: a choice by the
    latencies would be one of the changes that are shown.
    """
    return next((why for cell in cells if (why := _why_not(cell))), "")


def _why_not(cell: Cell) -> str:
    asked = cell.count + cell.failed
    if asked and cell.failed / asked >= _REACHED:
        return f"{cell.failed:,} of {asked:,} failed: they reach the p99"
    if cell.p99_ms is None:
        return f"{cell.count:,} answers do not resolve a p99"
    blocks = sum(bool(block.n) for block in cell.blocks)
    if blocks < bootstrap.LEAST_BLOCKS:
        return f"{blocks} blocks of {cell.block_s:g} s are too few"
    return ""


def _numbers(before: Past, after: Past) -> tuple[Number, ...]:
    def number(figure: str, unit: str, of: Callable[[Past], float | None]) -> Number:
        return Number(figure=figure, unit=unit, before=of(before), after=of(after))

    return (
        number("outages", "", lambda past: past.outages),
        number("outages, together", "s", lambda past: past.outage_s),
        number("near misses", "", lambda past: past.near_misses),
        number("swaps", "", lambda past: past.swaps),
        number("a swap, the mean", "s", _mean_swap_s),
        number("certain outage", "ms", lambda past: past.certain_ms),
        number("CPU stolen in the swaps", "share", lambda past: past.steal_share),
    )


def _mean_swap_s(past: Past) -> float | None:
    return round(sum(past.swap_s) / len(past.swap_s), 3) if past.swap_s else None
