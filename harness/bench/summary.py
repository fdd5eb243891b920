"""What is printed of a benchmark: requests and percentiles of each algorithm and workload."""

from collections import defaultdict
from pathlib import Path

import numpy as np
from rich.table import Table

from harness.bench.folder import read_rounds, read_samples
from harness.bench.model import Bench

__all__ = ["table"]

_LEAST_BEYOND = 10


def table(folder: Path, bench: Bench) -> Table:
    """Of the rounds that are done, those of a kind together; latency from when it was due."""
    found: dict[tuple[str, float, str], list[np.ndarray]] = defaultdict(list)
    requests: dict[tuple[str, float, str], int] = defaultdict(int)
    for done in read_rounds(folder):
        samples = read_samples(folder, done.cell)
        judged = samples[samples["due_ns"] >= done.measured_ns]
        ok = judged[judged["outcome"] == "ok"]
        kind = (done.cell.workload, done.cell.load or 0.0, done.cell.algorithm)
        requests[kind] += len(judged)
        found[kind].append(((ok["finished_ns"] - ok["due_ns"]) / 1e6).to_numpy())
    shown = Table("workload", "load", "algorithm", box=None, title=f"bench {bench.run}")
    for column in ("requests", "failed", "mean ms", "p50", "p99"):
        shown.add_column(column, justify="right")
    for kind in sorted(found):
        workload, load, algorithm = kind
        latency = np.concatenate(found[kind])
        shown.add_row(
            workload,
            f"{load:.0%}" if load else "own",
            algorithm,
            f"{requests[kind]:,}",
            str(requests[kind] - len(latency)),
            f"{latency.mean():.1f}" if len(latency) else "-",
            _percentile(latency, 50),
            _percentile(latency, 99),
        )
    return shown


def _percentile(latency: np.ndarray, percent: float) -> str:
    """Empty of meaning with fewer than ten samples beyond it."""
    if len(latency) * (1 - percent / 100) < _LEAST_BEYOND:
        return "-"
    return f"{np.percentile(latency, percent):.1f}"
