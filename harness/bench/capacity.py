"""What a workload's servers can do, measured: loads are shares of it."""

import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Final

import pandas as pd

from harness.bench.algorithms import ALGORITHMS, CENTRAL
from harness.bench.measure import Order, measured
from harness.bench.model import MOST_HZ, Capacity, Cell, Round, Workload
from harness.bench.rig import Rig
from harness.model.errors import MissingEvidenceError

__all__ = ["CAPACITY_S", "is_overloaded", "measure_capacity"]

CAPACITY_S: Final = 3.0
_WARMUP_S: Final = 1.0
_OVERLOAD: Final = 1.3
_FURTHER: Final = 1.5
_ANSWERED: Final = 0.95


def measure_capacity(workload: Workload, rig: Rig, run: str, seed: int, folder: Path) -> Capacity:
    """With a central queue that never runs empty. MissingEvidenceError where nobody answers."""
    order = Order(
        run=run,
        cell=Cell(algorithm=CENTRAL, workload=workload.name, load=None, number=0),
        index=-1,
        algorithm=next(each for each in ALGORITHMS if each.name == CENTRAL),
        workload=replace(workload, burst=None, swap=None),
        rate_hz=min(MOST_HZ, _OVERLOAD * workload.nominal_hz),
        seed=seed,
        warmup_s=_WARMUP_S,
        seconds=CAPACITY_S,
    )
    done, samples = measured(order, rig, folder)
    while not is_overloaded(done, samples) and order.rate_hz < MOST_HZ:
        # Caches make servers faster than their slots say.
        order = replace(order, rate_hz=min(MOST_HZ, _FURTHER * order.rate_hz))
        done, samples = measured(order, rig, folder)
    shutil.rmtree(folder, ignore_errors=True)
    ok = _finished(done, samples)
    # Chance may have drawn longer service times than the mean, or shorter ones.
    hz = len(ok) / CAPACITY_S * float(ok["service_us"].mean()) / workload.service.mean
    if not math.isfinite(hz) or hz <= 0:
        raise MissingEvidenceError(
            f"capacity: of {len(samples)} requests of {workload.name} none was answered"
        )
    return Capacity(workload=workload.name, hz=hz, nominal_hz=workload.nominal_hz)


def is_overloaded(done: Round, samples: pd.DataFrame) -> bool:
    """Whether clearly fewer were answered than came: what was answered is then the capacity."""
    came = samples["due_ns"].between(done.measured_ns, done.stop_ns).sum()
    return len(_finished(done, samples)) < _ANSWERED * int(came)


def _finished(done: Round, samples: pd.DataFrame) -> pd.DataFrame:
    within = samples["finished_ns"].between(done.measured_ns, done.stop_ns)
    return samples[within & (samples["outcome"] == "ok")]
