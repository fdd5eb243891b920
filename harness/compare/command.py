"""`harness compare-swaps`: what the command line asks for, checked before anything starts."""

import argparse
import math
from collections.abc import Callable
from typing import Final

from rich.console import Console

from harness.compare.carry import carry_out, duration_s, scenario_of, settings_of
from harness.compare.folder import write_comparison
from harness.compare.model import NAME, Comparison, Plan
from harness.compare.report.terminal import compare_text
from harness.compare.report.write import write_comparison_reports
from harness.compare.result import CompareResult
from harness.config import Settings, load
from harness.kept import environment_of, new_folder, new_run
from harness.live import LiveLine
from harness.model.errors import NotJudgedError
from harness.options import add_settings, given_settings
from harness.report.figures import printable
from harness.report.write import relist
from harness.swap import STRATEGIES, named
from harness.verify import Judged, prepared
from harness.verify import Plan as RunPlan
from harness.verify import carry_out as carry_out_run

__all__ = ["add_compare_options", "compare_swaps"]

SETTINGS: Final = (
    "rate", "arrivals", "mix", "swaps", "algorithm", "replicas", "timeout_s", "seed", "calibrate",
    "control", "warmup_s", "steady_s", "between_s", "after_s", "jitter_s", "ready_timeout_s",
    "drain_timeout_s", "stop_timeout_s", "path", "port", "reports",
)  # fmt: skip
SHORT: Final = {
    "swaps": 2, "warmup_s": 1.0, "steady_s": 5.0, "after_s": 3.0, "calibrate": False,
}  # fmt: skip
"""Where neither the command nor pyproject.toml says otherwise: many short runs tell strategies
apart better than few long ones."""
_ROUNDS, _MOST_ROUNDS, _LEAST_STRATEGIES = 5, 1000, 2


def add_compare_options(parser: argparse.ArgumentParser) -> None:
    """Values stay text where a wrong one deserves a message of ours."""
    parser.add_argument(
        "--strategies",
        metavar="NAMES",
        help=f"with commas between (default all: {','.join(STRATEGIES)})",
    )
    parser.add_argument(
        "--rounds", metavar="N", help=f"each with every strategy once (default {_ROUNDS})"
    )
    add_settings(parser, prefix="--", only=SETTINGS, defaults=SHORT)


def compare_swaps(options: argparse.Namespace) -> int:
    """Carries it out; 0 where every strategy has a run that counts, whatever was found of it.

    NotJudgedError for what cannot be asked for, each with one message and before anything starts,
    and where nothing counts of a strategy.
    """
    settings = asked(given_settings(options))
    comparison = Comparison(
        run=new_run(),
        plan=planned(settings, options.strategies, options.rounds),
        environment=environment_of(settings),
    )
    _refuse_silent_engine()
    folder = new_folder(settings.reports, NAME, comparison.run)
    write_comparison(folder, comparison)
    console = Console()
    say = _saying(console)
    minutes = math.ceil(duration_s(comparison, settings) / 60)
    say(f"{len(comparison.plan.cells())} runs, seed {comparison.plan.seed}: some {minutes} min")
    say(f"folder: {folder}")
    carry_out(
        comparison,
        settings,
        folder,
        run=lambda todo: _watched(todo, console),
        say=say,
        # Each time: whatever ends the comparison, what was done can be read.
        on_done=lambda: write_comparison_reports(folder),
    )
    result = write_comparison_reports(folder)
    console.print()
    console.print(compare_text(result))
    relist(folder, NAME)
    say(f"report: {folder / 'index.html'}")
    _refuse_empty_rows(result)
    return 0


def asked(given: dict[str, object]) -> Settings:
    """Settings for every run: those given, then those of pyproject.toml, then SHORT."""
    settings = load(given)
    short = {key: value for key, value in SHORT.items() if key not in settings.model_fields_set}
    for name, is_named in (("url", settings.is_at_url), ("compose", settings.compose)):
        if is_named:
            raise NotJudgedError(
                "compare-swaps: only the bundled stack can be swapped by each strategy; leave "
                f"{name} out"
            )
    return load(short | given)


def planned(settings: Settings, strategies: str | None, rounds: str | None) -> Plan:
    """NotJudgedError for what cannot be done, by any of the strategies, with one message."""
    names = _names(strategies)
    for name in names:
        prepared("", settings_of(settings, name), name=scenario_of(name))
    return Plan(
        strategies=names,
        rounds=_rounds(rounds),
        seed=settings.seed,
        mix=settings.mix,
        rate_hz=settings.rate,
        swaps=settings.swaps,
        replicas=settings.replicas,
    )


def _names(text: str | None) -> tuple[str, ...]:
    if text is None:
        return tuple(STRATEGIES)
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        named(name)
    if len(names) < _LEAST_STRATEGIES:
        raise NotJudgedError(
            f"strategies: {text!r} names {len(names)}, and two or more can be compared; choose "
            f"among: {', '.join(STRATEGIES)}"
        )
    return names


def _rounds(text: str | None) -> int:
    if text is None:
        return _ROUNDS
    # Python refuses to read some thousands of digits.
    is_short = len(text) <= len(str(_MOST_ROUNDS))
    if is_short and text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST_ROUNDS:
        return int(text)
    raise NotJudgedError(f"rounds: {printable(text, 20)!r} cannot be; 1 to {_MOST_ROUNDS} can")


def _refuse_silent_engine() -> None:
    # The engine's client is slow to import, and `--help` need not wait for it.
    from harness.stack.engine import connect  # noqa: PLC0415

    connect().close()


def _watched(todo: RunPlan, console: Console) -> Judged:
    """A run with its live line, where there is a terminal to show it."""
    if not console.is_terminal:
        return carry_out_run(todo)
    line = LiveLine(todo.folder, todo.scenario.traffic, console)
    with line:
        return carry_out_run(todo.watched_by(line.on_mark))


def _saying(console: Console) -> Callable[[str], None]:
    return lambda text: console.print(text, highlight=False, markup=False, soft_wrap=True)


def _refuse_empty_rows(result: CompareResult) -> None:
    empty = [row.strategy for row in result.rows if not row.counted]
    if empty:
        raise NotJudgedError(
            f"compare-swaps: no run counts of {', '.join(empty)}, so they are not compared; the "
            "table says why of each run"
        )
