"""The command: `harness verify`, `calibrate`, `bench`, `compare-swaps`, `history`, `compare`,
`report`, `clean`.
"""

import argparse
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from harness import __version__
from harness.bench.command import add_options, bench
from harness.calibrate import calibrate
from harness.ci.commands import fenced, harmless
from harness.ci.told import tell, tell_unjudged
from harness.compare.command import add_compare_options, compare_swaps
from harness.config import load
from harness.doctor.options import add_doctor_options
from harness.exits import INTERRUPTED, NOT_JUDGED
from harness.init.command import init
from harness.init.options import add_init_options
from harness.live import LiveLine
from harness.model.errors import HarnessError, Interrupted, MissingEvidenceError, NotJudgedError
from harness.model.finding import EXIT_CODES, Verdict
from harness.options import add_settings, given_settings
from harness.past.command import add_compare_options as add_options_of_compare
from harness.past.command import add_history_options, compare, history
from harness.printing import unfailing
from harness.report.terminal import verdict_text
from harness.report.tries import tries_text
from harness.verify import Judged, carry_out, judge_folder, plan

__all__ = ["main"]

_EXITS = """exit codes: 0 pass; 1 fail; 2 nothing was judged (usage, settings, no engine, the stack
or the old release did not start); 3 inconclusive (evidence is missing); 130 Ctrl-C"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; its exit code, whatever becomes of what it prints. What goes wrong on
    purpose is one message.
    """
    with unfailing():
        options = _parser().parse_args(arguments)
        notes: list[str] | None = getattr(options, "notes", None)
        # What servers answered is printed there: no job may take it for a command.
        with fenced(is_wanted=notes is not None):
            code = _carried_out(options)
        for line in notes or ():
            print(line)
        return code


def _carried_out(options: argparse.Namespace) -> int:
    try:
        return int(options.run(options))
    except Interrupted as error:
        _complain(str(error))
        return INTERRUPTED
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED
    except NotJudgedError as error:
        _complain(str(error))
        _note(options, error)
        return NOT_JUDGED
    except MissingEvidenceError as error:
        _complain(str(error))
        _note(options, error, is_inconclusive=True)
        return EXIT_CODES[Verdict.inconclusive]
    except HarnessError as error:
        _complain(str(error))
        return NOT_JUDGED
    except OSError as error:
        _complain(f"{error.filename or 'the system'}: {error.strerror or error}")
        return NOT_JUDGED
    except Exception:  # noqa: BLE001 (Python's own exit code for it is 1, which is a verdict here)
        _complain(f"a defect of its own; please report it:\n{traceback.format_exc()}")
        return EXIT_CODES[Verdict.inconclusive]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="harness",
        description="Proves, under constant load, that replacing a website's release drops no "
        "request.",
        epilog=_EXITS,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="command")

    verify = commands.add_parser(
        "verify",
        help="swap a release under load and judge: of the sample website, your images, or at a URL",
        epilog=_EXITS,
        # An option cut short may mean another one in the next release.
        allow_abbrev=False,
    )
    add_settings(verify, prefix="--")
    verify.set_defaults(run=_verify, notes=[])

    calibrate = commands.add_parser(
        "calibrate",
        help="which outages the sender and the analysis notice at a rate: no stack, loopback only",
        epilog=_EXITS,
        allow_abbrev=False,
    )
    add_settings(calibrate, prefix="--", only=("rate", "arrivals", "seed", "reports"))
    calibrate.add_argument(
        "--tries", type=_tries, default=20, metavar="N", help="of each outage (default 20)"
    )
    calibrate.set_defaults(run=_calibrate)

    bencher = commands.add_parser(
        "bench",
        help="compare balancing algorithms under workloads, on the real HAProxy",
        epilog=_EXITS,
        allow_abbrev=False,
    )
    add_options(bencher)
    bencher.set_defaults(run=_bench)

    comparer = commands.add_parser(
        "compare-swaps",
        help="swap strategies side by side: rounds of real runs, one table",
        epilog="exit codes: 0 the comparison was made, whatever the strategies did; 2 it was not; "
        "130 Ctrl-C, and what was done is kept",
        allow_abbrev=False,
    )
    add_compare_options(comparer)
    comparer.set_defaults(run=_compare_swaps)

    past = commands.add_parser(
        "history",
        help="list the runs that are kept, or remove old ones",
        epilog="exit codes: 0 done; 2 usage, or a run could not be removed",
        allow_abbrev=False,
    )
    add_history_options(past)
    past.set_defaults(run=history)

    differ = commands.add_parser(
        "compare",
        help="what changed from one run to another, and how sure that is",
        epilog="exit codes: 0 the comparison was made, whatever it found; 2 it was not",
        allow_abbrev=False,
    )
    add_options_of_compare(differ)
    differ.set_defaults(run=compare)

    report = commands.add_parser("report", help="judge a run folder again, without an engine")
    report.add_argument("folder", type=Path, metavar="RUN_FOLDER")
    report.set_defaults(run=_report, notes=[], annotations=False)

    beginner = commands.add_parser(
        "init",
        help="write a settings file to begin with, from what is found in this folder",
        epilog="exit codes: 0 written; 2 not: there are settings already, or no room for them",
        allow_abbrev=False,
    )
    add_init_options(beginner)
    beginner.set_defaults(run=init)

    examiner = commands.add_parser(
        "doctor",
        help="what this machine lacks for `harness verify` with the same options, and what rate it "
        "can hold",
        epilog="exit codes: 0 all that is needed is there; 2 something is missing; 130 Ctrl-C",
        allow_abbrev=False,
    )
    add_doctor_options(examiner)
    examiner.set_defaults(run=_doctor)

    clean = commands.add_parser("clean", help="remove what dead runs left on the engine")
    clean.add_argument(
        "--all",
        action="store_true",
        help="also what runs on other machines, in other containers or before a reboot left, "
        "whatever its age; never what a living run here owns",
    )
    clean.set_defaults(run=_clean)
    return parser


def _verify(options: argparse.Namespace) -> int:
    settings = load(given_settings(options))
    options.annotations = settings.annotations
    console = Console()
    _end_in_order()
    todo = plan(settings)
    line = LiveLine(todo.folder, todo.scenario.traffic, console)
    try:
        with line:
            judged = carry_out(todo.watched_by(line.on_mark))
    except HarnessError as error:
        for text in line.errors:
            # The teardown's own, say: nothing was judged, so no report will tell of it.
            if text != str(error):
                _complain(text)
        if todo.folder.exists():
            _complain(f"what is known of this run: {todo.folder}")
        raise
    if settings.annotations:
        tell([judged], options.notes.append)
    return _conclude(judged, console)


def _tries(text: str) -> int:
    tries = int(text)
    if not 1 <= tries <= 1_000:
        raise argparse.ArgumentTypeError("1 to 1000")
    return tries


def _calibrate(options: argparse.Namespace) -> int:
    _end_in_order()
    settings = load(given_settings(options))
    console = Console()
    calibrated = calibrate(settings, options.tries, console.print)
    console.print(tries_text(calibrated))
    return EXIT_CODES[calibrated.finding.verdict]


def _bench(options: argparse.Namespace) -> int:
    _end_in_order()
    return bench(options)


def _compare_swaps(options: argparse.Namespace) -> int:
    _end_in_order()
    return compare_swaps(options)


def _doctor(options: argparse.Namespace) -> int:
    # Here: it looks at the engine, whose client is slow to import.
    from harness.doctor.command import doctor  # noqa: PLC0415

    _end_in_order()
    return doctor(options)


def _report(options: argparse.Namespace) -> int:
    return _conclude(judge_folder(options.folder), Console())


def _conclude(judged: Judged, console: Console) -> int:
    console.print(verdict_text(judged.result, judged.folder))
    if judged.pruned.removed:
        print(f"  {len(judged.pruned.removed)} old runs removed (keep_runs)")
    for text in judged.pruned.refused:
        _complain(f"keep_runs: an old run could not be removed: {text}")
    code = EXIT_CODES[judged.result.verdict]
    if judged.unwritten:
        _complain(f"{judged.unwritten}; free some space and run `harness report {judged.folder}`")
        # A verdict that nobody can look up later is no evidence of a pass.
        code = code or EXIT_CODES[Verdict.inconclusive]
    return code


def _clean(options: argparse.Namespace) -> int:
    # Only this command and the stack itself need the engine's client, which is slow to import.
    from harness.stack.engine import connect, sweep  # noqa: PLC0415

    client = connect()
    try:
        swept = sweep(client, everything=options.all)
    finally:
        client.close()
    for name in swept.removed:
        print(f"removed {name}")
    kept = f", {len(swept.kept)} of living runs kept" if swept.kept else ""
    print(f"{len(swept.removed)} objects of dead runs removed{kept}")
    for name in swept.refused:
        _complain(f"the engine would not remove {name}")
    return NOT_JUDGED if swept.refused else 0


def _end_in_order() -> None:
    """SIGTERM ends a run as Ctrl-C does; once it is ending, neither disturbs the removal."""

    def interrupt(*_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(
                number, lambda *_: _complain("ending: removing what was started, a moment")
            )
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)


def _note(
    options: argparse.Namespace, error: HarnessError, *, is_inconclusive: bool = False
) -> None:
    if getattr(options, "annotations", True) and hasattr(options, "notes"):
        tell_unjudged(str(error), options.notes.append, is_inconclusive=is_inconclusive)


def _complain(text: str) -> None:
    print(f"harness: {harmless(text)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
