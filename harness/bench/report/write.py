"""All reports of a bench folder, written into it."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.resources import files
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from harness.bench.folder import read_bench, read_rounds, read_samples
from harness.bench.judge import judge
from harness.bench.model import Plan
from harness.bench.past import Grid, load_of, past_of, simulated
from harness.bench.report.bench_json import dump
from harness.bench.report.csv_table import bench_csv
from harness.bench.report.html import bench_html
from harness.bench.report.markdown import bench_markdown
from harness.bench.result import BenchResult, Past

__all__ = ["write_bench_reports"]

_PAST: Final = TypeAdapter(Past)


def write_bench_reports(
    folder: Path, *, grid: Grid | None = None, say: Callable[[str], None] = lambda _: None
) -> BenchResult:
    """Judges the rounds that are done and writes `bench.json`, `.csv`, `.md` and `.html`.

    What is simulated past this machine is kept in `past-<key>.json`, and simulated anew where the
    plan, the grid or the benchmark's own source is another one. Errors as of bench.folder's
    readers. `bench.json` is written last.
    """
    bench = read_bench(folder)
    result = judge(bench, read_rounds(folder), lambda cell: read_samples(folder, cell))
    if result.cases:
        result = replace(result, past=_past(folder, bench.plan, grid or Grid(), say))
    for name, text in (
        ("bench.csv", bench_csv(result)),
        ("bench.md", bench_markdown(result)),
        ("bench.html", bench_html(result)),
        ("bench.json", dump(result)),
    ):
        (folder / name).write_text(text, encoding="utf-8")
    return result


def _past(folder: Path, plan: Plan, grid: Grid, say: Callable[[str], None]) -> Past | None:
    if not simulated(plan):
        return None
    kept = folder / f"past-{_key(plan, grid)}.json"
    try:
        return _PAST.validate_json(kept.read_bytes())
    except (OSError, ValidationError):
        pass
    most, balancers = max(grid.servers), max(count for count, _ in grid.balancers)
    count = len(simulated(plan))
    say(
        f"simulating {count} {'algorithm' if count == 1 else 'algorithms'} on up to {most:,} "
        f"servers behind up to {balancers:,} balancers, some 5 s each"
    )
    past = past_of(plan, grid)
    if past is not None:
        for old in folder.glob("past-*.json"):
            old.unlink()
        kept.write_bytes(_PAST.dump_json(past, indent=2) + b"\n")
    return past


def _key(plan: Plan, grid: Grid) -> str:
    """Of all that the figures depend on."""
    asked = [
        [(one.lines, one.name, one.is_limited) for one in simulated(plan)],
        load_of(plan), plan.seed, sorted(asdict(grid).items()),
    ]  # fmt: skip
    hashed = hashlib.sha256(repr(asked).encode())
    here = files("harness.bench")
    sources = (one for place in (here, here.joinpath("choosers")) for one in place.iterdir())
    for source in sorted(sources, key=lambda one: one.name):
        if source.name.endswith(".py"):
            hashed.update(source.read_bytes())
    return hashed.hexdigest()[:16]
