"""What a workload's servers can do, measured: loads are shares of it."""

import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Final

from harness.bench.algorithms import ALGORITHMS, CENTRAL
from harness.bench.measure import Order, measured
from harness.bench.model import MOST_HZ, Capacity, Cell, Workload
from harness.bench.rig import Rig
from harness.model.errors import MissingEvidenceError

__all__ = ["CAPACITY_S", "measure_capacity"]

CAPACITY_S: Final = 3.0
_WARMUP_S: Final = 1.0
_OVERLOAD: Final = 1.3


def measure_capacity(workload: Workload, rig: Rig, run: str, seed: int, folder: Path) -> Capacity:
    """With a central queue that never runs empty. MissingEvidenceError where nobody answers."""
    constant = replace(workload, burst=None)
    order = Order(
        run=run,
        cell=Cell(algorithm=CENTRAL, workload=workload.name, load=None, number=0),
        index=-1,
        algorithm=next(each for each in ALGORITHMS if each.name == CENTRAL),
        workload=constant,
        rate_hz=min(MOST_HZ, _OVERLOAD * workload.nominal_hz),
        seed=seed,
        warmup_s=_WARMUP_S,
        seconds=CAPACITY_S,
    )
    done, samples = measured(order, rig, folder)
    shutil.rmtree(folder, ignore_errors=True)
    finished = samples["finished_ns"].between(done.measured_ns, done.stop_ns)
    ok = samples[finished & (samples["outcome"] == "ok")]
    # Chance may have drawn longer service times than the mean, or shorter ones.
    hz = len(ok) / CAPACITY_S * float(ok["service_us"].mean()) / workload.service.mean
    if not math.isfinite(hz) or hz <= 0:
        raise MissingEvidenceError(
            f"capacity: of {len(samples)} requests of {workload.name} none was answered"
        )
    return Capacity(workload=workload.name, hz=hz, nominal_hz=workload.nominal_hz)
