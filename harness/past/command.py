"""`harness history` and `harness compare`: what the command line asks for."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.config import Settings, load
from harness.model.errors import NotJudgedError
from harness.model.finding import Verdict
from harness.options import add_settings, given_settings
from harness.past.facts import read_past
from harness.past.judge import compared
from harness.past.listing import Listed, listed
from harness.past.prune import Pruned, prune
from harness.past.result import COMPARED
from harness.past.runs import newest_first, resolved, run_folders
from harness.past.terminal import compared_text
from harness.report.figures import SIGNS, milliseconds, printable
from harness.report.write import rewrite_index

__all__ = ["add_compare_options", "add_history_options", "compare", "history"]

_SHOWN: Final = 20
_UNBOUNDED: Final = 200
"""Columns where there is no terminal: a file or a pipe has none, and no cell needs to be cut."""
_STYLES: Final = {
    Verdict.passed.value: "green",
    Verdict.inconclusive.value: "yellow",
    Verdict.failed.value: "red",
}


def add_history_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scenario", metavar="NAME", help="runs of this scenario alone")
    parser.add_argument(
        "--limit",
        type=_number,
        default=_SHOWN,
        metavar="N",
        help=f"the newest N; 0 lists all (default {_SHOWN})",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--prune",
        action="store_true",
        help="remove the oldest runs of each scenario, and list them",
    )
    parser.add_argument(
        "--keep",
        type=_number,
        metavar="N",
        help="with --prune: the newest N of each scenario stay (default: keep_runs)",
    )
    add_settings(parser, prefix="--", only=("reports",))


def add_compare_options(parser: argparse.ArgumentParser) -> None:
    run = "a run's folder, its id, SCENARIO/latest or latest"
    parser.add_argument("before", metavar="RUN_A", help=run)
    parser.add_argument("after", metavar="RUN_B", help=run)
    parser.add_argument(
        "--force", action="store_true", help="though rate, mix, machine or the like differ"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_settings(parser, prefix="--", only=("reports",))


def history(options: argparse.Namespace) -> int:
    """Lists the runs, or removes old ones; 0, and 2 where one could not be removed."""
    settings = load(given_settings(options))
    if options.prune:
        return _prune(options, settings)
    if options.keep is not None:
        raise NotJudgedError("--keep is of --prune: it says how many runs of a scenario stay")
    reports = settings.reports
    folders = newest_first(
        one for one in run_folders(reports) if _is_of(one, reports, options.scenario)
    )
    shown = folders[: options.limit or None]
    rows = [listed(folder) for folder in shown]
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return 0
    if not rows:
        of = f" of {options.scenario}" if options.scenario else ""
        print(f"no runs{printable(of)} in {reports}")
        return 0
    _console().print(_table(rows))
    if len(folders) > len(rows):
        print(f"{len(folders) - len(rows):,} older ones: --limit 0 lists all")
    return 0


def compare(options: argparse.Namespace) -> int:
    """0 where they were compared, whatever was found. NotJudgedError where they are not to be."""
    reports = load(given_settings(options)).reports
    before, after = (read_past(resolved(text, reports)) for text in (options.before, options.after))
    found = compared(before, after)
    if found.unlike and not options.force:
        raise NotJudgedError(
            f"{before.run} and {after.run} are not comparable: {'; '.join(found.unlike)}; compare "
            "runs that were made alike, or add --force"
        )
    if options.json:
        print(COMPARED.dump(found), end="")
    else:
        _console().print(compared_text(found))
    return 0


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(width=_UNBOUNDED, highlight=False)


def _prune(options: argparse.Namespace, settings: Settings) -> int:
    keep = settings.keep_runs if options.keep is None else options.keep
    if not keep:
        raise NotJudgedError(
            "--prune needs --keep N, 1 or more: how many runs of each scenario stay (or set "
            "keep_runs)"
        )
    reports, spare = settings.reports, []
    if settings.baseline:
        try:
            spare.append(resolved(settings.baseline, reports))
        except NotJudgedError:
            # It is no run of these; so none of these is it.
            spare = []
    found = [one for one in run_folders(reports) if _is_of(one, reports, options.scenario)]
    names = sorted({one.parent.name for one in found if one.parent.parent == reports})
    done = [prune(reports, name, keep, spare=spare) for name in names]
    if any(one.removed for one in done):
        rewrite_index(reports)
    _tell(done, as_json=options.json)
    return 2 if any(one.refused for one in done) else 0


def _tell(done: list[Pruned], *, as_json: bool) -> None:
    removed = [str(folder) for one in done for folder in one.removed]
    spared = [text for one in done for text in one.spared]
    refused = [text for one in done for text in one.refused]
    if as_json:
        print(json.dumps({"removed": removed, "spared": spared, "refused": refused}, indent=2))
        return
    for verb, texts in (("removed", removed), ("kept", spared), ("could not remove", refused)):
        for text in texts:
            print(f"{verb} {printable(text)}")
    print(f"{len(removed)} runs removed")


def _is_of(folder: Path, reports: Path, scenario: str | None) -> bool:
    """A run that lies in the reports folder itself is of the scenario that it says."""
    if scenario is None:
        return True
    if folder.parent == reports:
        return listed(folder).scenario == scenario
    return folder.parent.name == scenario


def _table(rows: list[Listed]) -> Table:
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("run", no_wrap=True)
    for name in ("scenario", "verdict"):
        table.add_column(name, overflow="fold")
    for name in ("failed", "p99 steady", "p99 swap", "certain"):
        table.add_column(name, justify="right")
    table.add_column("git", overflow="fold")
    table.add_column("target", overflow="fold")
    for row in rows:
        table.add_row(*_cells(row))
    table.caption = (
        "failed of all requests; p99 and the shortest outage that was sure to be seen in ms; "
        "+ after a git head: the tree had changes"
    )
    table.caption_justify = "left"
    return table


def _cells(row: Listed) -> list[Text]:
    named = [Text(printable(row.run, 60)), Text(printable(row.scenario, 60))]
    if row.verdict is None:
        told = [Text(printable(row.problem, 100), "yellow"), *[Text("")] * 4]
    else:
        sign = SIGNS[Verdict(row.verdict)]
        bad = (row.failed or 0) + (row.unknown or 0)
        told = [
            Text(f"{sign} {row.verdict}", _STYLES[row.verdict]),
            Text(f"{bad:,}/{row.sent:,}"),
            Text(milliseconds(row.p99_steady_ms)),
            Text(milliseconds(row.p99_swap_ms)),
            Text(milliseconds(row.certain_outage_ms)),
        ]
    git = f"{printable(row.git_head, 40)[:8]}{'+' if row.git_dirty else ''}"
    return [*named, *told, Text(git), Text(printable(row.target, 60))]


def _number(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 1_000_000:
        raise argparse.ArgumentTypeError("0 to 1000000")
    return number
