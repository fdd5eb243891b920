"""A comparison from its first run to its last: what is done is kept, whatever happens."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from harness.compare.folder import add_done
from harness.compare.model import Cell, Comparison, Done
from harness.config import Settings
from harness.model.errors import HarnessError, Interrupted
from harness.verify import Judged, Plan, plan

__all__ = ["carry_out", "duration_s", "scenario_of", "settings_of"]

_AROUND_S: Final = 9.0
"""What a run takes beside its load: the stack up and down, the judgement."""
_SWAP_S: Final = 4.0


def duration_s(comparison: Comparison, settings: Settings) -> float:
    """How long it takes, by how long a swap takes on average."""
    load_s = settings.warmup_s + settings.steady_s + settings.after_s
    swaps_s = settings.swaps * (_SWAP_S + settings.between_s)
    return len(comparison.plan.cells()) * (_AROUND_S + load_s + swaps_s)


def scenario_of(strategy: str) -> str:
    """The name under which its runs lie among the reports."""
    return f"compare-{strategy}"


def settings_of(settings: Settings, strategy: str, *, seed: int | None = None) -> Settings:
    """The same for each strategy, but for what is one strategy's own."""
    changes: dict[str, object] = {
        "swap": strategy,
        "batch": settings.batch if strategy == "rolling" else 1,
        # Its table rests on all of its runs; and they are held against each other.
        "keep_runs": 0,
        "baseline": "",
    }
    return settings.model_copy(update=changes | ({} if seed is None else {"seed": seed}))


def carry_out(
    comparison: Comparison,
    settings: Settings,
    folder: Path,
    *,
    run: Callable[[Plan], Judged],
    say: Callable[[str], None],
    on_done: Callable[[], object],
) -> None:
    """Every run in its turn, each on a stack of its own, by `run`; then `on_done`.

    A run that dies is kept as such, and the next one begins. Interrupted on Ctrl-C: the run that
    was under way is gone, those before it are kept.
    """
    cells = comparison.plan.cells()
    for index, cell in enumerate(cells):
        say(f"{index + 1} of {len(cells)}: round {cell.round}, {cell.strategy}")
        try:
            done = _one(comparison, cell, settings, run, say)
        except (Interrupted, KeyboardInterrupt):
            raise Interrupted(
                f"interrupted: {index} of {len(cells)} runs are kept, see {folder}"
            ) from None
        add_done(folder, done)
        on_done()


def _one(
    comparison: Comparison,
    cell: Cell,
    settings: Settings,
    run: Callable[[Plan], Judged],
    say: Callable[[str], None],
) -> Done:
    own = settings_of(settings, cell.strategy, seed=comparison.plan.seed_of(cell.round))
    todo: Plan | None = None
    try:
        todo = plan(own, name=scenario_of(cell.strategy))
        judged = run(todo)
    except Interrupted:
        raise
    except Exception as error:  # noqa: BLE001 (kept as this run's end; the next one may do better)
        why = str(error) if isinstance(error, (HarnessError, OSError)) else f"defect: {error!r}"
        say(f"  not judged: {why}")
        left = _beside(todo.folder) if todo and todo.folder.exists() else ""
        return Done(cell=cell, folder=left, error=why or repr(error))
    say(f"  {judged.result.sentence}")
    if judged.unwritten:
        say(f"  {judged.unwritten}")
    return Done(cell=cell, folder=_beside(judged.folder))


def _beside(run_folder: Path) -> str:
    """The way from the comparison's folder to that of the run: `../../compare-drain/<run id>`."""
    return f"../../{run_folder.parent.name}/{run_folder.name}"
