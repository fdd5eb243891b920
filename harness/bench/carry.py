"""A benchmark from its first round to its last: what is done is kept, whatever happens."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from harness.bench.algorithms import ALGORITHMS, CENTRAL
from harness.bench.capacity import CAPACITY_S, measure_capacity
from harness.bench.folder import read_rounds, round_folder, write_bench, write_round
from harness.bench.measure import Order, measured
from harness.bench.model import Bench, Cell, Plan, Round, Workload
from harness.bench.rig import Rig
from harness.model.errors import Interrupted, MissingEvidenceError
from harness.model.scenario import Clock
from harness.timeline import SystemTime

__all__ = ["carry_out", "duration_s", "left_s"]

_ROUND_S: Final = 2.0
"""What a round takes beyond its load: a sender that starts, requests that end, files."""
_CAPACITY_S: Final = CAPACITY_S + 5.0
_UP_S: Final = 6.0
_REPLICA_S: Final = 0.7
_SWAPPED_S: Final = 0.25
"""For each server line of a swap: the old ones start before the round, all are removed after it."""


def duration_s(plan: Plan, *, done: int = 0, capacities: int = 0) -> float:
    """How long it takes from nothing, or with so many rounds and capacities known already."""
    unknown = sum(workload.rate_hz is None for workload in plan.workloads) - capacities
    servers = max(workload.servers for workload in plan.workloads)
    return _UP_S + _REPLICA_S * servers + unknown * _CAPACITY_S + left_s(plan, done)


def left_s(plan: Plan, done: int) -> float:
    """How long the rounds take that are not done."""
    return sum(_round_s(plan, plan.workload(cell.workload)) for cell in plan.cells()[done:])


def _round_s(plan: Plan, workload: Workload) -> float:
    swap_s = _SWAPPED_S * workload.lines if workload.swap else 0.0
    return plan.warmup_s + plan.seconds_of(workload) + _ROUND_S + swap_s


def carry_out(
    bench: Bench,
    folder: Path,
    images: Mapping[str, str],
    say: Callable[[str], None],
    host: str = "",
) -> Bench:
    """Does the rounds that are not done yet; `host` as of Rig. Errors as of Rig.up and
    measure.measured; Interrupted on Ctrl-C, once all is removed.
    """
    plan = bench.plan
    done = {each.cell for each in read_rounds(folder)}
    rig = Rig(bench.run, _with_central(plan), SystemTime(), images, say, host=host)
    try:
        rig.up()
        bench = _completed(bench, rig, folder, say)
        for index, cell in enumerate(plan.cells()):
            if cell in done:
                continue
            say(
                f"{len(done) + 1} of {len(plan.cells())}: {cell.workload}, {cell.algorithm}; "
                f"{left_s(plan, len(done)) / 60:.1f} min left"
            )
            finished = _one(bench, cell, index, rig, folder)
            for problem in finished.problems:
                say(f"  {cell.name}: {problem}")
            done.add(cell)
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted: {_kept(len(done), plan, folder)}") from None
    except MissingEvidenceError as error:
        raise MissingEvidenceError(f"{error}\n{_kept(len(done), plan, folder)}") from error
    finally:
        rig.down()
    return bench


def _kept(done: int, plan: Plan, folder: Path) -> str:
    return (
        f"{done} of {len(plan.cells())} rounds are kept; go on by `harness bench --resume {folder}`"
    )


def _one(bench: Bench, cell: Cell, index: int, rig: Rig, folder: Path) -> Round:
    plan = bench.plan
    workload = plan.workload(cell.workload)
    hz = {capacity.workload: capacity.hz for capacity in bench.capacities}
    order = Order(
        run=bench.run,
        cell=cell,
        index=index,
        algorithm=plan.algorithm(cell.algorithm),
        workload=workload,
        rate_hz=workload.rate_hz or (cell.load or 0.0) * hz[workload.name],
        seed=plan.seed_of(cell),
        warmup_s=plan.warmup_s,
        seconds=plan.seconds_of(workload),
    )
    done, samples = measured(order, rig, round_folder(folder, cell))
    write_round(folder, done, samples)
    return done


def _completed(bench: Bench, rig: Rig, folder: Path, say: Callable[[str], None]) -> Bench:
    """With what is known once the rig is up: the capacities that are not known yet, last."""
    clock = rig.clock
    bench = replace(
        bench,
        environment={**bench.environment, **rig.environment},
        path=rig.path,
        clocks=(*bench.clocks, Clock(monotonic_ns=clock.now_ns(), wall_ns=clock.wall_ns())),
    )
    write_bench(folder, bench)
    known = {capacity.workload for capacity in bench.capacities}
    for workload in bench.plan.workloads:
        if workload.rate_hz is not None or workload.name in known:
            continue
        capacity = measure_capacity(workload, rig, bench.run, bench.plan.seed, folder / "capacity")
        say(
            f"capacity of {workload.name}: {capacity.hz:.0f} requests/s measured, "
            f"{capacity.nominal_hz:.0f} by its slots"
        )
        bench = replace(bench, capacities=(*bench.capacities, capacity))
        write_bench(folder, bench)
    return bench


def _with_central(plan: Plan) -> Plan:
    """The capacities are measured with it."""
    if any(algorithm.name == CENTRAL for algorithm in plan.algorithms):
        return plan
    central = next(each for each in ALGORITHMS if each.name == CENTRAL)
    return replace(plan, algorithms=(*plan.algorithms, central))
