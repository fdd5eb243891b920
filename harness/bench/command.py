"""`harness bench`: what is asked for on the command line, checked before anything starts."""

import argparse
import math
import random
import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import Final, TypeVar

from rich.console import Console

from harness import __version__
from harness.bench import algorithms, workloads
from harness.bench.carry import carry_out, duration_s
from harness.bench.folder import read_bench, read_rounds, write_bench
from harness.bench.model import LEAST_ROUNDS, Bench, Plan, impossible
from harness.bench.report.terminal import bench_text
from harness.bench.report.write import write_bench_reports
from harness.config import load
from harness.kept import new_folder, new_run
from harness.machine import describe
from harness.model.errors import NotJudgedError
from harness.model.finding import EXIT_CODES, Verdict
from harness.report.figures import printable
from harness.report.write import relist

__all__ = ["add_options", "bench", "planned"]

T = TypeVar("T", int, float)

_NAME: Final = "bench"
_LOADS, _FULL_LOADS = (0.7,), (0.3, 0.7, 0.95)
_ROUNDS, _SECONDS, _FULL_SECONDS = 5, 6.0, 10.0
_LEAST_SECONDS, _MOST_SECONDS, _MOST_ROUNDS = 1.0, 3600.0, 1000


def add_options(parser: argparse.ArgumentParser) -> None:
    """Values stay text where a wrong one deserves a message of ours."""
    parser.add_argument("--algorithms", metavar="NAMES", help="with commas between, or `all`")
    parser.add_argument("--workloads", metavar="NAMES", help="with commas between, or `all`")
    parser.add_argument(
        "--workload-file",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="more workloads, in the form of the bundled workloads.toml",
    )
    parser.add_argument(
        "--loads", metavar="PERCENTS", help="of the capacity that is measured first (default 70)"
    )
    parser.add_argument("--rounds", metavar="N", help=f"of each kind (default {_ROUNDS})")
    parser.add_argument("--seconds", metavar="S", help=f"of a round (default {_SECONDS:g})")
    parser.add_argument("--seed", metavar="N", help="of all that is drawn at random; recorded")
    parser.add_argument(
        "--full", action="store_true", help="all that is not said otherwise: takes hours"
    )
    parser.add_argument(
        "--resume", type=Path, metavar="FOLDER", help="go on with a benchmark that was interrupted"
    )
    parser.add_argument("--reports", type=Path, help="folder for run folders")


def bench(options: argparse.Namespace) -> int:
    """Carries it out; the exit code. Errors as of carry.carry_out, and NotJudgedError for what
    cannot be asked for.
    """
    settings = load({"reports": options.reports})
    console = Console()
    if options.resume is None:
        run = new_run()
        wanted = Bench(
            run=run,
            plan=planned(options),
            environment={"harness": __version__, **describe()},
        )
        folder = new_folder(settings.reports, _NAME, run)
        write_bench(folder, wanted)
    else:
        folder = options.resume
        wanted = read_bench(folder)
        refuse_other_settings(options, wanted.plan)
    done = len(read_rounds(folder))
    plan = wanted.plan
    takes_s = duration_s(plan, done=done, capacities=len(wanted.capacities))
    console.print(opening(plan, done, takes_s), highlight=False)
    console.print(f"folder: {folder}", highlight=False, markup=False, soft_wrap=True)
    for workload in plan.workloads:
        if plan.seconds_of(workload) > plan.seconds:
            console.print(
                f"{workload.name}: its rounds take {plan.seconds_of(workload):g} s, as its swap "
                "must be over in them",
                highlight=False,
                markup=False,
            )
    if done < len(plan.cells()):
        images = {name: tag for name, tag in settings.images.items() if name in _IMAGES}
        try:
            wanted = carry_out(
                wanted,
                folder,
                images,
                lambda text: console.print(text, markup=False),
                settings.host,
            )
        except NotJudgedError:
            if options.resume is None and not read_rounds(folder):
                shutil.rmtree(folder, ignore_errors=True)
            raise
    result = write_bench_reports(
        folder, say=lambda text: console.print(text, highlight=False, markup=False)
    )
    console.print()
    console.print(bench_text(result))
    relist(folder, _NAME)
    console.print(f"report: {folder / 'bench.html'}", highlight=False, markup=False, soft_wrap=True)
    is_whole = not result.left_out and result.done == result.planned
    return EXIT_CODES[Verdict.passed if is_whole else Verdict.inconclusive]


def opening(plan: Plan, done: int, takes_s: float) -> str:
    """What is left to measure, and how long that takes."""
    left = len(plan.cells()) - done
    if not left:
        return f"all {done:,} rounds are done (seed {plan.seed}); they are judged again"
    minutes = math.ceil(takes_s / 60)
    return (
        f"{left:,} {'round' if left == 1 else 'rounds'} of {plan.seconds:g} s, seed {plan.seed}: "
        f"some {minutes:,} {'minute' if minutes == 1 else 'minutes'}"
    )


_IMAGES: Final = frozenset({"base", "balancer", "edge"})


def planned(options: argparse.Namespace, before: Plan | None = None) -> Plan:
    """What the options ask for; where they say nothing, as `before`, or the default.

    NotJudgedError for what cannot be done, each with one message.
    """
    names = _names("algorithms", options.algorithms)
    chosen = algorithms.chosen(names or (("all",) if options.full else algorithms.DEFAULT))
    of = _names("workloads", options.workloads)
    loads_of = workloads.chosen(
        of or (("all",) if options.full else workloads.DEFAULT),
        workloads.known(options.workload_file),
    )
    if before is not None:
        chosen = chosen if names or options.full else before.algorithms
        loads_of = loads_of if of or options.full else before.workloads
    default = Plan(
        algorithms=chosen,
        workloads=loads_of,
        loads=_FULL_LOADS if options.full else _LOADS,
        rounds=_ROUNDS,
        seconds=_FULL_SECONDS if options.full else _SECONDS,
        seed=random.randrange(2**31),  # noqa: S311 (a schedule, not a secret)
    )
    ground = default if before is None else before
    plan = replace(
        ground,
        algorithms=chosen,
        workloads=loads_of,
        loads=ground.loads if options.loads is None else _loads(options.loads),
        rounds=_number("rounds", options.rounds, ground.rounds, LEAST_ROUNDS, _MOST_ROUNDS),
        seconds=_number("seconds", options.seconds, ground.seconds, _LEAST_SECONDS, _MOST_SECONDS),
        seed=_number("seed", options.seed, ground.seed, 0, 2**31 - 1),
    )
    if names and list(names) != ["all"] and list(of or ()) != ["all"] and not options.full:
        algorithms.refuse_impossible(plan.algorithms, plan.workloads)
    if not plan.cells():
        raise NotJudgedError(
            "algorithms: "
            + impossible(plan.algorithms[0], plan.workloads[0])
            + "; nothing is left to run"
        )
    return plan


def refuse_other_settings(options: argparse.Namespace, before: Plan) -> None:
    """NotJudgedError where a benchmark that is to go on would go on as another one."""
    asked = planned(options, before)
    other = [
        field.name
        for field in fields(Plan)
        if getattr(asked, field.name) != getattr(before, field.name)
    ]
    if other:
        raise NotJudgedError(
            f"resume: {options.resume} was begun with other {' and '.join(other)}; leave "
            f"{' and '.join(f'--{name}' for name in other)} out, or begin anew without --resume"
        )


def _names(option: str, text: str | None) -> tuple[str, ...]:
    """Empty where nothing is said; NotJudgedError where nothing is what is said."""
    if text is None:
        return ()
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise NotJudgedError(f"{option}: {text!r} names none; leave --{option} out for the default")
    return names


def _loads(text: str) -> tuple[float, ...]:
    loads: list[float] = []
    for part in _names("loads", text):
        try:
            percent = float(part.removesuffix("%"))
        except ValueError:
            percent = math.nan
        if not 1 <= percent <= 100:
            above = " is above the capacity" if percent > 100 else " is no percentage of it"
            raise NotJudgedError(
                f"loads: {part}{above}: an open schedule never catches up there; name percents "
                "from 1 to 100, such as 30,70,95"
            )
        loads.append(percent / 100)
    return tuple(dict.fromkeys(loads))


def _number(name: str, text: str | None, otherwise: T, least: T, most: T) -> T:
    if text is None:
        return otherwise
    try:
        number = type(otherwise)(text)
        if least <= number <= most:
            return number
    except ValueError:
        pass
    why = " (fewer give no interval)" if name == "rounds" else ""
    raise NotJudgedError(f"{name}: {printable(text, 20)!r} cannot be; {least} to {most} can{why}")
