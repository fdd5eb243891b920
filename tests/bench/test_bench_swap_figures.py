"""What a swap in the middle cost: figures of its window, by slot, and in every report."""

from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from benches import START, Benched, S, plan
from results import algorithm, case, estimate, result
from rich.console import Console

from harness.bench.model import Swapped
from harness.bench.report.csv_table import bench_csv
from harness.bench.report.html import bench_html
from harness.bench.report.markdown import bench_markdown
from harness.bench.report.terminal import bench_text
from harness.bench.result import SwapResult

BEGUN, OVER = START + 6 * S, START + 11 * S
MS = 1_000_000


def swapped(**options):
    """Rounds whose new servers answer from the middle of the swap on: all in 20 ms, in it in 30."""
    benched = Benched(plan(("roundrobin", "leastconn"), ("swap",), rounds=3, **options))
    for cell, done in benched.rounds.items():
        samples = benched.samples[cell]
        due = samples["due_ns"].to_numpy()
        within = (due >= BEGUN) & (due < OVER)
        number = np.arange(len(samples)) % 6 + 1 + 6 * (due >= (BEGUN + OVER) // 2)
        samples["server"] = [f"replica-{each}" for each in number]
        samples["finished_ns"] = due + np.where(within, 30, 20) * MS
        old, servers = done.servers, done.servers
        servers = (*old, *(replace(each, name=f"replica-{n}") for n, each in enumerate(old, 7)))
        of = Swapped(begun_ns=BEGUN, over_ns=OVER)
        benched.rounds[cell] = replace(done, swap=of, servers=servers)
    return benched


def test_the_window_of_the_swap_stands_beside_what_came_before_it():
    benched = swapped()
    (one, _) = benched.judge().cases[0].algorithms
    found = one.swap
    assert found.took_s.middle == pytest.approx(5.0)
    assert found.p99_before_ms.middle == pytest.approx(20.0)
    assert found.p99_ms.middle == pytest.approx(30.0)
    assert found.ratio.middle == pytest.approx(1.5)
    due = [benched.samples[cell]["due_ns"] for cell in benched.cells(algorithm="roundrobin")]
    assert found.requests == sum(int(((each >= BEGUN) & (each < OVER)).sum()) for each in due)
    assert found.failed == one.failed == 0


def test_a_request_that_failed_in_it_is_counted_there_and_in_all():
    benched = swapped()
    cell = benched.cells(algorithm="roundrobin", number=1)[0]
    samples = benched.samples[cell]
    within = samples.index[(samples["due_ns"] >= BEGUN) & (samples["due_ns"] < OVER)]
    samples.loc[[within[0], within[1], samples.index[-1]], "outcome"] = "refused"
    (one, _) = benched.judge().cases[0].algorithms
    assert (one.swap.failed, one.failed) == (2, 3)


def test_an_old_server_and_its_new_one_are_one_in_the_bars_and_in_fairness():
    (one, _) = swapped().judge().cases[0].algorithms
    assert list(one.server_requests) == [f"replica-{number}" for number in range(1, 7)]
    assert list(one.server_busy_s) == [f"replica-{number}" for number in range(1, 7)]
    assert one.server_busy_s["replica-1"] == pytest.approx(3 * 2 * 1.0)
    assert sum(one.server_requests.values()) == one.requests
    assert one.fairness == pytest.approx(1.0, abs=0.001)


def test_nothing_is_said_by_simulation_and_queueing_theory_of_a_swap():
    case_ = swapped().judge().cases[0]
    assert case_.limit.queue == ""
    assert case_.limit.bound_ms["mean"] > 0
    for one in case_.algorithms:
        assert one.predicted_ms == {}


def test_every_report_says_what_the_swap_cost():
    cost = SwapResult(
        took_s=estimate(3.62),
        requests=4_218,
        failed=2,
        p99_before_ms=estimate(100.0),
        p99_ms=estimate(140.0),
        ratio=estimate(1.4),
    )
    one = algorithm("leastconn", 20.0, 120.0, swap=cost)
    judged = result(cases=(case(algorithms=(one,)),))
    line = (
        "p99 in ms before the swap, then in it: leastconn 100.0 ± 10.0, then 140.0 ± 14.0 "
        "(times 1.40), 3.6 s, 2 of 4,218 failed"
    )
    console = Console(file=StringIO(), width=200, color_system=None)
    console.print(bench_text(judged))
    for text in (console.file.getvalue(), bench_markdown(judged), bench_html(judged)):
        assert line in " ".join(text.split())
    rows = bench_csv(judged).splitlines()
    assert "slow-server,0.7,364.0,leastconn,swap_failed,2" in {row.rstrip(",") for row in rows}
    assert "p99 in ms before the swap" not in bench_html(result())
