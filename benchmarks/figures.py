"""Figures and tables: pure."""

from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np
import numpy.typing as npt

__all__ = ["lags", "merged", "ratios", "table", "worst_gap_ms"]

Row = Mapping[str, float]


def merged(rounds: Sequence[Row]) -> dict[str, float]:
    """The median of each figure over rounds; a round without it has no say in it."""
    names = dict.fromkeys(name for figures in rounds for name in figures)
    return {name: median(f[name] for f in rounds if name in f) for name in names}


def ratios(figures: Row, of: str) -> dict[str, float]:
    """`of`'s figure over each of the others: how many times as much it is."""
    return {name: figures[of] / figure for name, figure in figures.items() if figure and name != of}


def worst_gap_ms(starts_ns: npt.NDArray[np.int64]) -> float:
    """The largest gap between two starts, whose order does not matter; 0 for fewer than two."""
    gaps = np.diff(np.sort(starts_ns))
    return float(gaps.max()) / 1e6 if len(gaps) else 0.0


def lags(due_ns: npt.NDArray[np.int64], sent_ns: npt.NDArray[np.int64]) -> dict[str, float]:
    """How late requests were begun, in ms: p50, p99, p99.9; and the largest gap between two."""
    late_ms = (sent_ns - due_ns) / 1e6
    p50, p99, p999 = np.percentile(late_ms, [50, 99, 99.9])
    return {
        "p50": float(p50),
        "p99": float(p99),
        "p99.9": float(p999),
        "largest gap": worst_gap_ms(sent_ns),
    }


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they must be: the first to the left, the others to the right."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]

    def laid_out(line: Sequence[str]) -> str:
        first, *others = line
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        return ("  " + "  ".join(cells)).rstrip()

    rule = "  " + "─" * (sum(widths) + 2 * (len(widths) - 1))
    return "\n".join([laid_out(head), rule, *(laid_out(row) for row in rows)])
