"""A short benchmark on the real HAProxy: what runs is what was meant, and it goes on and ends."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import docker
import pytest
from left import left, remove

from harness.bench.algorithms import chosen
from harness.bench.folder import read_bench, read_rounds, read_samples
from harness.bench.measure import Order, measured
from harness.bench.model import Plan, Swap
from harness.bench.rig import Rig
from harness.bench.workloads import known
from harness.kept import new_run
from harness.timeline import SystemTime

pytestmark = [pytest.mark.engine, pytest.mark.alone]

OPTIONS = (
    "--algorithms=random-2,hash-consistent",
    "--workloads=fixed",
    "--rounds=3",
    "--seconds=1",
    "--loads=40",
    "--seed=11",
)


def bench(folder: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "bench", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"COLUMNS": "200"},
    )


def test_a_benchmark_is_interrupted_goes_on_and_is_what_it_says(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    """Its seed draws the same for both algorithms, and a consistent hash keeps its keys."""
    first = bench(tmp_path, *OPTIONS)
    folders = tmp_path / "reports" / "bench"
    try:
        deadline_s = time.monotonic() + 120
        while not list(folders.glob("*/rounds/*/round.json")):
            assert first.poll() is None, first.communicate()[0]
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        first.send_signal(signal.SIGINT)
        printed, _ = first.communicate(timeout=60)
        assert first.returncode == 130, printed
        (folder,) = folders.iterdir()
        assert f"go on by `harness bench --resume reports/bench/{folder.name}`" in printed
        assert left(engine, folder.name) == []
        kept = len(read_rounds(folder))
        assert 1 <= kept < 6

        other = bench(tmp_path, "--resume", str(folder), "--rounds=4")
        printed, _ = other.communicate(timeout=60)
        assert (other.returncode, "begun with other rounds" in printed) == (2, True), printed

        second = bench(tmp_path, "--resume", str(folder))
        printed, _ = second.communicate(timeout=180)
        assert printed.startswith(f"{6 - kept} rounds of 1 s, seed 11: ")
        assert left(engine, folder.name) == []
    finally:
        first.kill()
        for folder in folders.glob("*"):
            remove(engine, folder.name)

    rounds = read_rounds(folder)
    assert [done.cell for done in rounds] == list(read_bench(folder).plan.cells())
    # Other work on the machine may take the cores; nothing else may be wrong.
    problems = [problem for done in rounds for problem in done.problems]
    assert [each for each in problems if not each.startswith("the cores were")] == []
    assert second.returncode == (3 if problems else 0), printed
    asked: dict[int, set[str]] = {}
    for done in rounds:
        samples = read_samples(folder, done.cell)
        assert (samples["outcome"] == "ok").all()
        assert (samples["served_us"] == samples["service_us"]).all()
        assert len(samples) == sum(server.requests for server in done.servers)
        assert done.proxy_cpu_s > 0
        is_hash = done.cell.algorithm == "hash-consistent"
        assert done.algorithm_running == ("hash" if is_hash else "unknown")
        by_key = samples.groupby("key")["server"].nunique()
        assert bool(by_key.max() == 1) is is_hash
        drawn = samples[["service_us", "key"]].to_json()
        asked.setdefault(done.cell.number, set()).add(drawn)
    assert [len(each) for each in asked.values()] == [1, 1, 1]
    assert json.loads((folder / "plan.json").read_text())["capacities"][0]["hz"] > 300


def test_a_swap_in_the_middle_of_a_round_replaces_every_container(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    """By a map of servers, which knows no weights, and by what fills them in their order."""
    swap = Swap(begins=0.1, least_seconds=8)
    workload = replace(known()["swap"], servers=2, rate_hz=60, swap=swap)
    plan = Plan(
        algorithms=chosen(["hash-map", "first"]),
        workloads=(workload,),
        loads=(0.7,),
        rounds=3,
        seconds=8.0,
        warmup_s=0.3,
        seed=3,
    )
    run = new_run()
    rig = Rig(run, plan, SystemTime(), {})
    try:
        rig.up()
        for index, cell in enumerate(plan.cells()[:2]):
            done, samples = measured(
                Order(
                    run=run,
                    cell=cell,
                    index=index,
                    algorithm=plan.algorithm(cell.algorithm),
                    workload=workload,
                    rate_hz=60,
                    seed=3,
                    warmup_s=plan.warmup_s,
                    seconds=plan.seconds,
                ),
                rig,
                tmp_path / cell.name,
            )
            # Other work on the machine may take the cores; nothing else may be wrong.
            found = [each for each in done.problems if not each.startswith("the cores were")]
            assert found == []
            assert (samples["outcome"] == "ok").all()
            assert done.swap is not None
            assert done.swap.exit_codes == {"replica-1": 0, "replica-2": 0}
            late = samples[samples["due_ns"] > done.swap.over_ns]
            assert set(late["server"]) <= {"replica-3", "replica-4"}
            assert sum(server.requests for server in done.servers) == len(samples)
            steps = (tmp_path / cell.name / "marks.jsonl").read_text()
            assert steps.index("drain replica-1") > steps.index("admit replica-4")
            swaps = [each for each in left(engine, run) if f"-{index}-" in each]
            assert swaps == [], "they are removed with their round"
    finally:
        rig.down()
        remove(engine, run)
    assert left(engine, run) == []
