"""The table's cells, alike in every report."""

from collections.abc import Iterator
from typing import Final

from harness.checks.wording import counted
from harness.compare.result import CompareResult, Mean, Row, RunLine
from harness.compare.wording import estimate, share_text

__all__ = ["HEAD", "NOTE", "RUNS_HEAD", "about", "cells", "run_cells"]

HEAD: Final = (
    "strategy", "failed %", "outage ms", "added p99 ms", "swap s", "lost / doubled",
    "failed a swap", "near misses", "added max ms", "swaps", "runs",
)  # fmt: skip
RUNS_HEAD: Final = ("run", "strategy", "verdict", "counts", "in doubt")
NOTE: Final = (
    "Means over rounds with the 95 % interval of Student's t; the mean alone where fewer than 3 "
    "rounds have the figure or they do not differ. Failed: of all requests of a run, before and "
    "after its swaps too; where none failed, < is the exact bound, were failures to come singly; "
    "they come in bursts, so that by swaps, in the sentences, counts. Outage, near misses and "
    "length are a swap's; outage is all spans from the first swap on in which requests failed or "
    "stalled, and where there was none, < is the length that was sure to be seen. Added: in the "
    "swap window beside the steady state, of requests that succeeded; a hyphen where one is not "
    "resolved, or where what was slow may be the machine's doing. Lost and doubled: of the "
    "acknowledged writes of runs whose store was read. Swaps: those that were completed. "
    "Strategies are ranked by the rounds that each two of them share."
)


def about(result: CompareResult) -> str:
    """`21 of 21 runs done: 3 rounds of 7 strategies under the default mix at 300 requests/s, 2
    swaps a run, 1 replica, seed 5; 1 run does not count`.
    """
    plan = result.plan
    left = sum(not line.counts for line in result.runs)
    but = f"; {counted(left, 'run')} {'does' if left == 1 else 'do'} not count" if left else ""
    return (
        f"{result.done} of {counted(result.planned, 'run')} done: "
        f"{counted(plan.rounds, 'round')} of {len(plan.strategies)} strategies under the "
        f"{plan.mix} mix at {plan.rate_hz:g} requests/s, {counted(plan.swaps, 'swap')} a run, "
        f"{counted(plan.replicas, 'replica')}, seed {plan.seed}{but}"
    )


def cells(result: CompareResult) -> Iterator[list[str]]:
    """A row a strategy, under HEAD."""
    for row in result.rows:
        figures = row.figures
        yield [
            row.strategy,
            _failed(figures["failed_share"]),
            _outage(row),
            _signed(figures["added_p99_ms"]),
            estimate(figures["swap_s"], 1),
            _writes(row),
            estimate(figures["failed"], 1),
            estimate(figures["near_misses"], 1),
            _signed(figures["added_max_ms"]),
            _swaps(row),
            f"{row.counted} of {row.runs}",
        ]


def run_cells(line: RunLine) -> list[str]:
    """Under RUNS_HEAD."""
    return [
        f"round {line.round}",
        line.strategy,
        line.verdict or "not judged",
        "yes" if line.counts else "no",
        line.why,
    ]


def _failed(share: Mean) -> str:
    """`9.5 ± 0.4`, in percent; `0 (< 0.03)` where none failed."""
    if share.middle is None:
        return "-"
    if share.middle == 0 and share.high is not None:
        return f"0 (< {share.high * 100:.2g})"
    if share.low is None or share.high is None:
        return share_text(share.middle).removesuffix(" %")
    margin = max(share.high - share.middle, share.middle - share.low)
    return f"{share.middle * 100:.2f} ± {margin * 100:.2f}"


def _outage(row: Row) -> str:
    """`570 ± 60`; where there was none the length that would have been seen: `0 (< 7.5)`."""
    found = row.figures["outage_ms"]
    if found.middle == 0 and row.certain_ms is not None:
        return f"0 (< {row.certain_ms:.1f})"
    return estimate(found, 0)


def _writes(row: Row) -> str:
    """`1 / 0 of 1,500`; with `+ ?` where there are runs of which nothing is known."""
    if row.writes is None:
        return "not known" if row.unread else "-"
    known = f"{row.lost:,} / {row.doubled:,} of {row.writes:,}" if row.writes else "-"
    return f"{known} + ?" if row.unread else known


def _swaps(row: Row) -> str:
    """`6`; where some failed `4, 2 failed`."""
    return f"{row.swaps:,}{f', {row.failed_swaps:,} failed' if row.failed_swaps else ''}"


def _signed(found: Mean) -> str:
    shown = estimate(found, 1)
    return shown if found.middle is None or found.middle < 0 else f"+{shown}"
