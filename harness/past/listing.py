"""What a list of runs says of each, from its result.json and scenario.json alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.analysis.latency import ALL_STREAMS, SWAP_WINDOW
from harness.analysis.resolution import TOTAL
from harness.analysis.runfolder import RunFolderError, read_record
from harness.model.result import Result
from harness.past.runs import is_run
from harness.report.result_json import load

__all__ = ["NOT_JUDGED", "Listed", "git_of", "listed", "read_result"]

NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A run in a list. What is not known is None; `problem` says why all of it is not."""

    run: str
    scenario: str
    folder: str
    problem: str = ""
    """`not judged`, `no run: …`, `damaged: …`; empty for one that was judged."""
    verdict: str | None = None
    failed: int | None = None
    unknown: int | None = None
    sent: int | None = None
    p99_steady_ms: float | None = None
    p99_swap_ms: float | None = None
    certain_outage_ms: float | None = None
    git_head: str = ""
    git_dirty: bool | None = None
    target: str = ""
    swap: str = ""
    swaps: int | None = None
    rate_hz: float | None = None


def listed(folder: Path) -> Listed:
    """Whatever is in the folder: what cannot be read is a row that says so."""
    unknown = Listed(run=folder.name, scenario=folder.parent.name, folder=str(folder))
    if not is_run(folder):
        return _but(unknown, "no run: it has no scenario.json")
    try:
        result = read_result(folder)
        if result is None:
            return _unjudged(folder, unknown)
        return _judged(folder, result)
    except (OSError, ValueError, KeyError) as error:
        return _but(unknown, f"damaged: result.json: {_first_line(error)}")


def read_result(folder: Path) -> Result | None:
    """None where the run was not judged. OSError or ValueError where it cannot be read."""
    path = folder / "result.json"
    return load(path.read_bytes()) if path.exists() else None


def git_of(environment: Mapping[str, str | int | float | bool]) -> str:
    """`1a2b3c4d5e6f`, with a `+` where the tree had changes; empty where none was recorded."""
    head = str(environment.get("git_head", ""))[:12]
    return f"{head}{'+' if head and environment.get('git_dirty') else ''}"


def _judged(folder: Path, result: Result) -> Listed:
    speed = result.latency_ms.get(ALL_STREAMS, {})
    steady, swap = speed.get("steady"), speed.get(SWAP_WINDOW)
    environment = result.environment
    head = str(environment.get("git_head", ""))
    swaps, rate_hz = environment.get("swaps"), environment.get("rate_hz")
    return Listed(
        run=result.run,
        scenario=result.scenario,
        folder=str(folder),
        verdict=result.verdict.value,
        failed=result.requests.failed,
        unknown=result.requests.unknown,
        sent=result.requests.sent,
        p99_steady_ms=steady.p99 if steady else None,
        p99_swap_ms=swap.p99 if swap else None,
        certain_outage_ms=result.certain_outage_ms.get(TOTAL),
        git_head=head,
        git_dirty=bool(environment.get("git_dirty")) if head else None,
        target=str(environment.get("url") or environment.get("target", "")),
        swap=str(environment.get("swap", "")),
        swaps=int(swaps) if isinstance(swaps, (int, float)) else None,
        rate_hz=float(rate_hz) if isinstance(rate_hz, (int, float)) else None,
    )


def _unjudged(folder: Path, unknown: Listed) -> Listed:
    try:
        record = read_record(folder)
    except RunFolderError as error:
        return _but(unknown, f"damaged: scenario.json: {_first_line(error)}")
    environment, scenario = record.environment, record.scenario
    head = str(environment.get("git_head", ""))
    return Listed(
        run=record.run,
        scenario=scenario.name,
        folder=str(folder),
        problem=NOT_JUDGED,
        git_head=head,
        git_dirty=bool(environment.get("git_dirty")) if head else None,
        target=str(environment.get("url") or scenario.target),
        swap=scenario.swap,
        swaps=scenario.swaps,
        rate_hz=scenario.traffic.rate_hz,
    )


def _but(unknown: Listed, problem: str) -> Listed:
    return Listed(
        run=unknown.run, scenario=unknown.scenario, folder=unknown.folder, problem=problem
    )


def _first_line(error: Exception) -> str:
    lines: Iterable[str] = str(error).splitlines() or [type(error).__name__]
    return next(iter(lines))
