"""How much of the machine was taken by others while a swap was under way."""

from collections.abc import Iterable, Sequence

from harness.analysis.phases import SECOND_NS, Window
from harness.analysis.runfolder import MachineSecond

__all__ = ["steal_share"]


def steal_share(machine: Sequence[MachineSecond], windows: Iterable[Window]) -> float | None:
    """The mean share of CPU time stolen over the seconds that overlap the windows, 0 to 1.

    A second reaches from the reading before it (at most one second) to its own. None where no
    overlapping second was measured.
    """
    spans = list(windows)
    ordered = sorted(machine, key=lambda second: second.at_ns)
    shares: list[float] = []
    for index, second in enumerate(ordered):
        begin = second.at_ns - SECOND_NS
        if index:
            begin = max(begin, ordered[index - 1].at_ns)
        overlaps = any(begin < span.end_ns and second.at_ns > span.begin_ns for span in spans)
        if overlaps and second.steal_share is not None:
            shares.append(second.steal_share)
    return sum(shares) / len(shares) if shares else None
