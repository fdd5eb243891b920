"""`index.html` of a reports folder: its runs, the newest first."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

from harness.analysis.latency import SWAP_WINDOW
from harness.model.result import Result
from harness.past.listing import NOT_JUDGED, read_result
from harness.past.runs import is_run, newest_first, run_folders
from harness.report.figures import milliseconds
from harness.report.html import GENERATOR, head
from harness.report.markup import safe, sign, table

__all__ = ["index", "is_ours", "reports_folder"]

_MOST: Final = 1_000
_GATHERED: Final = (
    ("catalogue/index.html", "ways to drop a request"),
    ("compare-swaps/*/index.html", "swap strategies side by side"),
    ("bench/*/bench.html", "balancing algorithms side by side"),
)
"""Pages that rest on many runs, by where they lie."""
_HEAD: Final = ("run", "scenario", "verdict", "failed", "unknown", "p99 steady", "p99 swap", "")


def reports_folder(folder: Path, scenario: str, run: str) -> Path | None:
    """The reports folder that a run's folder is in: reports/<scenario>/<run>/.

    None where the folder lies elsewhere (a copy, an archive), or an `index.html` that is not ours
    stands there: what is not ours is not written to.
    """
    resolved = folder.resolve()
    if (resolved.parent.name, resolved.name) != (scenario, run):
        return None
    reports = resolved.parent.parent
    return reports if is_ours(reports / "index.html") else None


def is_ours(page: Path) -> bool:
    """Whether nothing else than such a page stands there."""
    return not page.exists() or GENERATOR in page.read_text("utf-8", "replace")[:2_000]


def index(folder: Path) -> str:
    """The page. A run that was not judged, or whose result cannot be read, is named as such."""
    runs = newest_first(one for one in run_folders(folder) if is_run(one) and one.parent != folder)
    more = f"<p>{len(runs) - _MOST:,} older ones are not listed.</p>\n" if len(runs) > _MOST else ""
    rows = table("Runs", _HEAD, (_row(run) for run in runs[:_MOST]), numbers=range(3, 7))
    return (
        f"{head('Runs')}<body>\n<header><h1><b>Runs</b></h1></header>\n"
        f"<main>\n{_gathered(folder)}{rows if runs else '<p>None yet.</p>'}{more}</main>\n"
        "<footer>Latency in milliseconds, all streams that are not slow on purpose; a hyphen is a "
        "percentile with fewer than 10 samples beyond it.</footer>\n</body>\n</html>\n"
    )


def _gathered(folder: Path) -> str:
    """A line for each of the pages that rest on many runs, the newest first; empty without one."""
    lines = []
    for pattern, what in _GATHERED:
        for page in sorted(folder.glob(pattern), reverse=True)[:_MOST]:
            where = page.relative_to(folder).as_posix()
            when = _time(page.parent.name)
            shown = f"{what}, <time>{when}</time>" if when else what
            lines.append(f'<li><a href="{quote(where)}">{shown}</a></li>\n')
    return f"<ul>\n{''.join(lines)}</ul>\n" if lines else ""


def _row(run: Path) -> list[str]:
    name, scenario = _linked(run), safe(run.parent.name, 100)
    try:
        result = read_result(run)
        if result is None:
            return [name, scenario, NOT_JUDGED, "", "", "", "", ""]
        figures = list(_figures(result))
    except (OSError, ValueError, KeyError) as error:
        why = safe(f"result.json cannot be read: {str(error).splitlines()[0]}", 200)
        return [name, scenario, why, "", "", "", "", ""]
    return [name, scenario, sign(result.verdict), *figures]


def _figures(result: Result) -> Iterator[str]:
    speed = result.latency_ms.get("all", {})
    yield f"{result.requests.failed:,}"
    yield f"{result.requests.unknown:,}"
    for phase in ("steady", SWAP_WINDOW):
        yield milliseconds(speed[phase].p99) if phase in speed else "-"
    swaps = result.environment.get("swaps", "")
    yield safe(f"{swaps} x {result.environment.get('swap', '')}", 60) if swaps else ""


def _linked(run: Path) -> str:
    """The time that begins a run's name, linked to its report where there is one."""
    shown = f"<time>{safe(_time(run.name), 40)}</time> <small>{safe(run.name, 100)}</small>"
    if not (run / "report.html").exists():
        return shown
    return f'<a href="{quote(f"{run.parent.name}/{run.name}/report.html")}">{shown}</a>'


def _time(name: str) -> str:
    """`20260102T030405Z-abcd` as `2026-01-02 03:04:05 UTC`; other names have none."""
    digits = name.replace("T", "", 1)[:14]
    if not (digits.isascii() and digits.isdigit() and len(digits) == 14):
        return ""
    day, clock = digits[:8], digits[8:]
    return f"{day[:4]}-{day[4:6]}-{day[6:]} {clock[:2]}:{clock[2:4]}:{clock[4:]} UTC"
