"""Benchmarks that were never run: their rounds come from the simulation, with a path of 1 ms."""

import numpy as np
import pandas as pd

from harness.bench.algorithms import ALGORITHMS
from harness.bench.drawn import drawn
from harness.bench.judge import judge
from harness.bench.model import SAMPLE_COLUMNS, Bench, Cell, Plan, Round, ServerRound
from harness.bench.predicted import predicted_s
from harness.bench.workloads import known

START = 1_000_000_000_000
S = 1_000_000_000
PATH_S = 0.001


def plan(algorithms, workloads, *, rounds=5, seconds=20.0, seed=1, loads=(0.7,)):
    by_name = {algorithm.name: algorithm for algorithm in ALGORITHMS}
    bundled = known()
    return Plan(
        algorithms=tuple(by_name[name] for name in algorithms),
        workloads=tuple(bundled[name] for name in workloads),
        loads=loads,
        rounds=rounds,
        seconds=seconds,
        seed=seed,
    )


class Benched:
    """A bench with all its rounds, which tests change before it is judged."""

    def __init__(self, plan):
        self.bench = Bench(run="20260101T000000Z", plan=plan, environment={"cores": 2})
        self.rounds, self.samples = {}, {}
        for index, cell in enumerate(plan.cells()):
            self.rounds[cell], self.samples[cell] = self._round(cell, index)

    def _round(self, cell, index):
        plan = self.bench.plan
        workload, algorithm = plan.workload(cell.workload), plan.algorithm(cell.algorithm)
        rate = workload.rate_hz or cell.load * workload.nominal_hz
        seed = plan.seed_of(cell)
        stop = START + int((plan.warmup_s + plan.seconds) * S)
        rng = np.random.default_rng(seed)
        due = np.cumsum(rng.exponential(1 / rate, int(rate * 60)))
        due = START + (due[due < plan.warmup_s + plan.seconds] * S).astype(np.int64)
        seqs = np.arange(len(due))
        service = drawn(workload.service, "service", seed, seqs)
        names = [f"replica-{number}" for number in range(1, workload.servers + 1)]
        samples = pd.DataFrame(
            {
                "seq": seqs,
                "due_ns": due,
                "sent_ns": due,
                "finished_ns": due,
                "outcome": "ok",
                "status": 200,
                "server": np.array(names)[seqs % len(names)],
                "service_us": service,
                "key": drawn(workload.keys, "key", seed, seqs),
                "served_us": service,
                "queued_us": 0,
                "hit": -1,
            }
        )[list(SAMPLE_COLUMNS)]
        done = Round(
            cell=cell,
            index=index,
            seed=seed,
            rate_hz=rate,
            start_ns=START,
            measured_ns=START + int(plan.warmup_s * S),
            stop_ns=stop,
            servers=tuple(
                ServerRound(name=name, requests=0, busy_s=1.0, longest_queue=3) for name in names
            ),
            longest_queue=5,
            proxy_cpu_s=0.5,
            algorithm_running=algorithm.running,
        )
        played = predicted_s(algorithm, workload, done, samples)
        if played is None:
            played = service / 1e6 * 1.5
        samples["finished_ns"] = due + ((played + PATH_S) * S).astype(np.int64)
        return done, samples

    def cells(self, **of):
        return [
            cell
            for cell in self.rounds
            if all(getattr(cell, name) == value for name, value in of.items())
        ]

    def judge(self):
        return judge(self.bench, list(self.rounds.values()), self.samples.__getitem__)


__all__ = ["PATH_S", "START", "Benched", "Cell", "S", "plan"]
