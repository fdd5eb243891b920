"""The control arm: an algorithm against itself, seed by seed, and how often a difference is shown.

    .venv/bin/python benchmarks/control_arm.py [--seeds 20] [--beside 3]

Each seed is a benchmark of its own, of roundrobin and roundrobin-again in five rounds each: the
same lines under two names. A difference at 95 % confidence is shown of one in twenty figures though
there is none; more than 3 seeds of 20 would mean that intervals are too narrow. Servers sleep, so
several benchmarks run side by side; what that costs is in the table.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from harness.bench.folder import read_bench, read_rounds, read_samples
from harness.bench.judge import COMPARED, judge
from harness.model.errors import NotJudgedError

__all__ = ["MOST_SHOWN", "Seed", "told"]

MOST_SHOWN = 3
"""Of 20."""
_TWICE = ("roundrobin", "roundrobin-again")
_WORKLOAD = """[control]
title = "the same algorithm twice"
service = { kind = "exponential", mean = 20000 }
rate_hz = 400
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """What became of one benchmark."""

    seed: int
    shown: frozenset[str] = frozenset()
    """Figures of which a difference is shown, corrected as in the reports."""
    p99_ms: float = 0.0
    """Of the first of the two, over its rounds."""
    rounds: int = 0
    """That count, of both together."""
    busy: float = 0.0
    """Share of all cores' time, over the rounds."""
    why: str = ""
    """Why it says nothing; it does where this is empty."""


def told(seeds: Sequence[Seed], most: int) -> tuple[str, bool]:
    """A table with its sum, and whether it holds: every seed says something, and at most `most`
    show any difference.
    """
    lines = ["seed    rounds  cores busy   p99 ms  difference shown"]
    lines += [
        f"{one.seed:<6}  {one.rounds:>6}  {one.busy:>10.0%}  {one.p99_ms:>7.1f}  "
        f"{one.why or ', '.join(sorted(one.shown)) or '-'}"
        for one in seeds
    ]
    good = [one for one in seeds if not one.why]
    shown = [one for one in good if one.shown]
    each = ", ".join(f"{figure} {sum(figure in one.shown for one in good)}" for figure in COMPARED)
    lines.append(
        f"a difference is shown in {len(shown)} of {len(good)} seeds (allowed {most}): {each}"
    )
    if len(good) < len(seeds):
        lines.append(f"{len(seeds) - len(good)} seeds say nothing")
    return "\n".join(lines), len(good) == len(seeds) > 0 and len(shown) <= most


def main() -> int:
    """0 where at most 3 of 20 seeds show a difference, or as many in proportion, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1000, help="the first seed")
    parser.add_argument("--beside", type=int, default=3, help="benchmarks side by side")
    parser.add_argument("--seconds", default="3", help="of a round, after a second of warm-up")
    chosen = parser.parse_args()
    # Rounds of one benchmark have consecutive seeds.
    numbers = [chosen.first + 100 * place for place in range(chosen.seeds)]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(chosen.beside) as beside:
        workload = Path(folder) / "control.toml"
        workload.write_text(_WORKLOAD, encoding="utf-8")
        seeds = list(
            beside.map(
                lambda seed: _one(seed, chosen.seconds, workload, Path(folder) / str(seed)), numbers
            )
        )
    text, holds = told(seeds, MOST_SHOWN * chosen.seeds // 20)
    print(text)
    return int(not holds)


def _one(seed: int, seconds: str, workload: Path, folder: Path) -> Seed:
    """By the command itself: its rounds are the very ones that are reported."""
    command = [
        Path(sys.executable).with_name("harness"), "bench", "--algorithms", ",".join(_TWICE),
        "--workloads", "control", "--workload-file", str(workload), "--rounds", "5",
        "--seconds", seconds, "--seed", str(seed), "--reports", str(folder),
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        [run] = (folder / "bench").iterdir()
        judged = _judged(seed, run)
    except (OSError, ValueError, NotJudgedError):
        said = (ended.stderr or ended.stdout).strip().splitlines()
        judged = Seed(seed=seed, why=said[-1] if said else f"exit {ended.returncode}")
    print(f"{seed}: {judged.why or ', '.join(sorted(judged.shown)) or 'no difference'}", flush=True)
    return judged


def _judged(seed: int, run: Path) -> Seed:
    rounds = read_rounds(run)
    result = judge(read_bench(run), rounds, lambda cell: read_samples(run, cell))
    if not result.cases:
        why = f"{len(result.left_out)} rounds with a problem, as {result.left_out[:1]}"
        return Seed(seed=seed, why=why if result.left_out else "no round was done")
    [case] = result.cases
    p99 = case.algorithms[0].latency_ms["p99"].middle
    return Seed(
        seed=seed,
        shown=frozenset(
            figure for figure in COMPARED if any(one.is_shown for one in case.versus[figure])
        ),
        p99_ms=p99 or 0.0,
        rounds=sum(one.rounds for one in case.algorithms),
        busy=fmean(done.busy_share for done in rounds),
        why="" if all(case.versus[figure] for figure in COMPARED) else "too few rounds count",
    )


if __name__ == "__main__":
    sys.exit(main())
