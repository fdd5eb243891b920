"""False alarms: clean runs one after the other, and how many of them were not judged pass.

    .venv/bin/python benchmarks/soak.py [--runs 30]

A `drain` that drops nothing must not be judged fail. So many runs without a false alarm bound its
rate at 95 %: 1 - 0.05^(1/N), 9.5 % for 30.
"""

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from harness.checks.sentence import bound_of
from harness.config import load
from harness.model.errors import HarnessError
from harness.model.finding import Verdict
from harness.report.figures import not_passed
from harness.verify import carry_out, plan

__all__ = ["Run", "told"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What became of one; `verdict` is None where nothing was judged."""

    verdict: Verdict | None
    why: str
    failed: int = 0
    """Requests: a run in which some failed was no clean one, and its fail no false alarm."""


def told(runs: list[Run]) -> str:
    """The counts, what they bound, and why what did not pass did not."""
    clean = [run for run in runs if not run.failed]
    verdicts = Counter(run.verdict.value if run.verdict else "not judged" for run in clean)
    alarms = verdicts[Verdict.failed.value]
    lines = [
        f"{len(runs)} runs, {len(clean)} in which no request failed: "
        + ", ".join(f"{number} {name}" for name, number in verdicts.most_common()),
        f"false alarms: {alarms} of {len(clean)}",
    ]
    if not alarms and clean:
        lines[-1] += f" (at 95 % confidence fewer than {bound_of(len(clean)):.1%} of clean runs)"
    lines += [f"  {run.verdict or 'not judged'}: {run.why}" for run in runs if run.why]
    return "\n".join(lines)


def main() -> int:
    """0 where no clean run was judged fail, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--reports", type=Path, default=Path("reports"))
    chosen = parser.parse_args()
    runs = []
    for number in range(1, chosen.runs + 1):
        began = time.monotonic()
        runs.append(_run(chosen.reports))
        said = runs[-1].verdict or "not judged"
        print(f"{number}: {said} in {time.monotonic() - began:.0f} s {runs[-1].why}", flush=True)
    print(told(runs))
    is_alarmed = any(run.verdict is Verdict.failed and not run.failed for run in runs)
    return int(is_alarmed)


def _run(reports: Path) -> Run:
    try:
        judged = carry_out(plan(load({"reports": reports}), name="soak"))
    except HarnessError as error:
        return Run(verdict=None, why=str(error))
    why = "; ".join(f"{found.check}: {found.message}" for found in not_passed(judged.result))
    requests = judged.result.requests
    return Run(verdict=judged.result.verdict, why=why, failed=requests.failed)


if __name__ == "__main__":
    sys.exit(main())
