"""Rounds follow each other without an engine: what is done is kept, and what is left goes on."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.bench import carry
from harness.bench.algorithms import chosen
from harness.bench.evidence import problems
from harness.bench.folder import read_bench, read_rounds, read_samples, round_folder, write_bench
from harness.bench.measure import Order
from harness.bench.model import (
    SAMPLE_COLUMNS,
    Bench,
    Capacity,
    Cell,
    Plan,
    Round,
    Swapped,
    Workload,
)
from harness.bench.traffic import traffic
from harness.bench.workloads import known
from harness.model.arrivals import arrivals_until
from harness.model.errors import Interrupted, MissingEvidenceError, NotJudgedError
from harness.model.scenario import Sent
from harness.timeline import SystemTime

S = 1_000_000_000
SENT = Sent()


class FakeRig:
    """Comes up at once, and remembers how often it was taken down."""

    path = "address"
    downs = 0

    def __init__(self, *_: object, **__: object) -> None:
        self.clock = SystemTime()
        self.environment = {"image_replica": "harness-replica:1"}

    def up(self) -> None: ...

    def down(self) -> None:
        FakeRig.downs += 1


def samples_of(order: Order, server: str = "replica-1") -> pd.DataFrame:
    plan = list(
        arrivals_until(3 * S, traffic(order.workload, order.rate_hz), start_ns=S, seed=order.seed)
    )
    due = np.array([arrival.due_ns for arrival in plan])
    values: dict[str, Any] = dict.fromkeys(SAMPLE_COLUMNS, 0)
    values |= {"seq": range(len(due)), "due_ns": due, "sent_ns": due + 1, "key": 1}
    values |= {"finished_ns": due + 20_000_000, "outcome": "ok", "status": 200, "server": server}
    return pd.DataFrame(values)


def round_of(order: Order, **settings: Any) -> Round:
    values: dict[str, Any] = {"cell": order.cell, "index": order.index, "seed": order.seed}
    values |= {"rate_hz": order.rate_hz, "start_ns": S, "measured_ns": 2 * S, "stop_ns": 3 * S}
    values |= {"algorithm_running": order.algorithm.running}
    return Round(**(values | settings))


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[Order]:
    """The rounds that were carried out, in their order."""
    carried: list[Order] = []

    def measured(order: Order, _: object, folder: Path) -> tuple[Round, pd.DataFrame]:
        folder.mkdir(parents=True, exist_ok=True)
        carried.append(order)
        return round_of(order), samples_of(order)

    def capacity(workload: Workload, *_: object) -> Capacity:
        return Capacity(workload=workload.name, hz=500.0, nominal_hz=600.0)

    monkeypatch.setattr(carry, "Rig", FakeRig)
    monkeypatch.setattr(carry, "measured", measured)
    monkeypatch.setattr(carry, "measure_capacity", capacity)
    return carried


@pytest.fixture
def bench() -> Bench:
    plan = Plan(
        algorithms=chosen(["roundrobin", "leastconn"]),
        workloads=(known()["fixed"],),
        loads=(0.7,),
        rounds=3,
        seconds=1,
        seed=3,
    )
    return Bench(run="r", plan=plan)


def ctrl_c_after(rounds: list[Order], count: int) -> Callable[..., Any]:
    inner = carry.measured

    def measured(order: Order, rig: Any, folder: Path) -> Any:
        if len(rounds) == count:
            folder.mkdir(parents=True)
            raise KeyboardInterrupt
        return inner(order, rig, folder)

    return measured


def test_ctrl_c_keeps_the_rounds_that_are_done_and_what_is_left_goes_on(
    bench: Bench, rounds: list[Order], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bench(tmp_path, bench)
    said: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(carry, "measured", ctrl_c_after(rounds, 2))
        before = FakeRig.downs
        with pytest.raises(Interrupted, match=r"2 of 6 rounds are kept; go on by .*--resume"):
            carry.carry_out(bench, tmp_path, {}, said.append)
        assert FakeRig.downs == before + 1
    assert len(read_rounds(tmp_path)) == 2
    carry.carry_out(read_bench(tmp_path), tmp_path, {}, said.append)
    cells = bench.plan.cells()
    assert [order.cell for order in rounds] == list(cells)
    assert [done.cell for done in read_rounds(tmp_path)] == list(cells)
    assert sum("capacity of fixed: 500" in line for line in said) == 1, "it is measured once"


def test_a_round_that_cannot_be_measured_ends_it_and_says_how_to_go_on(
    bench: Bench, rounds: list[Order], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise MissingEvidenceError("sender: the child process died")

    monkeypatch.setattr(carry, "measured", dies)
    with pytest.raises(MissingEvidenceError, match=r"(?s)died.*0 of 6 rounds are kept; go on by"):
        carry.carry_out(bench, tmp_path, {}, lambda _: None)
    assert rounds == []


def test_a_load_is_that_share_of_the_capacity_that_was_measured(
    bench: Bench, rounds: list[Order], tmp_path: Path
) -> None:
    carry.carry_out(bench, tmp_path, {}, lambda _: None)
    assert {order.rate_hz for order in rounds} == {350.0}
    assert read_bench(tmp_path).capacities[0].hz == 500.0


def test_a_round_with_a_swap_is_as_long_as_it_needs(
    bench: Bench, rounds: list[Order], tmp_path: Path
) -> None:
    plan = replace(bench.plan, workloads=(known()["fixed"], known()["swap"]))
    carry.carry_out(replace(bench, plan=plan), tmp_path, {}, lambda _: None)
    took = {(order.workload.name, order.seconds) for order in rounds}
    assert took == {("fixed", 1), ("swap", 12.0)}


def test_what_is_left_is_said_before_each_round(
    bench: Bench, rounds: list[Order], tmp_path: Path
) -> None:
    said: list[str] = []
    carry.carry_out(bench, tmp_path, {}, said.append)
    left = [line for line in said if "min left" in line]
    assert left[0].startswith("1 of 6: fixed, ")
    assert left[0].endswith("0.4 min left")
    assert left[-1].endswith("0.1 min left")
    assert len(rounds) == 6


def test_a_folder_that_is_no_benchs_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(NotJudgedError, match="name one, reports/bench/"):
        read_bench(tmp_path)
    (tmp_path / "plan.json").write_text("{}")
    with pytest.raises(NotJudgedError, match="expected schema 1, observed None"):
        read_bench(tmp_path)
    (tmp_path / "plan.json").write_text('{"schema": 1}')
    with pytest.raises(NotJudgedError, match="damaged"):
        read_bench(tmp_path)


def test_a_round_whose_samples_are_gone_is_named_with_the_way_on(tmp_path: Path) -> None:
    cell = Cell(algorithm="first", workload="fixed", load=0.7, number=1)
    with pytest.raises(NotJudgedError, match=r"harness bench --resume"):
        read_samples(tmp_path, cell)
    assert round_folder(tmp_path, cell).name == "fixed-70-first-1"


def test_a_session_may_meet_several_servers_until_the_first_has_answered() -> None:
    order = order_of("leastconn", "sticky")
    samples = samples_of(order)
    samples.loc[:2, "finished_ns"] = samples.loc[3, "due_ns"] + 1
    samples.loc[3, "server"] = "replica-2"
    samples.loc[3, "finished_ns"] = samples.loc[9, "due_ns"] + 1
    samples.loc[9, "server"] = "replica-2"
    assert found(order, samples) == ()


def order_of(algorithm: str, workload: str = "fixed") -> Order:
    return Order(
        run="r",
        cell=Cell(algorithm=algorithm, workload=workload, load=0.7, number=1),
        index=0,
        algorithm=chosen([algorithm])[0],
        workload=known()[workload],
        rate_hz=100.0,
        seed=4,
        warmup_s=1.0,
        seconds=1.0,
    )


def found(
    order: Order, samples: pd.DataFrame, *, damaged: int = 0, sent: Sent = SENT, **settings: Any
) -> tuple[str, ...]:
    return problems(order, round_of(order, **settings), samples, damaged=damaged, sent=sent)


def test_a_round_that_is_whole_has_no_problem() -> None:
    order = order_of("roundrobin")
    assert found(order, samples_of(order)) == ()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"busy_share": 0.7, "steal_share": 0.2}, "the cores were 90% taken, above 85%"),
        ({"algorithm_running": "leastconn"}, "HAProxy ran 'leastconn', not 'roundrobin'"),
        ({"damaged": 1}, "recorded whole"),
        ({"sent": Sent(errors=("recorder: 1 samples were lost",))}, "samples were lost"),
    ],
)
def test_what_makes_a_round_no_evidence_is_said(settings: dict[str, Any], message: str) -> None:
    order = order_of("roundrobin")
    (problem,) = found(order, samples_of(order), **settings)
    assert message in problem


def test_a_request_that_was_not_recorded_is_missed() -> None:
    order = order_of("roundrobin")
    (problem,) = found(order, samples_of(order)[1:])
    assert "were planned" in problem


def test_a_sender_that_was_late_is_said() -> None:
    order = order_of("roundrobin")
    samples = samples_of(order)
    samples.loc[:10, "sent_ns"] += S
    (problem,) = found(order, samples)
    assert "were sent within 250 ms" in problem


@pytest.mark.parametrize(
    ("algorithm", "workload", "strays"),
    [
        ("hash-map", "fixed", True),
        ("source", "fixed", True),
        ("leastconn", "sticky", True),
        ("leastconn", "fixed", False),
        ("hash-map", "rolling-drain", False),
    ],
)
def test_a_key_that_met_two_servers_is_a_problem_where_it_must_not(
    algorithm: str, workload: str, strays: bool
) -> None:
    order = order_of(algorithm, workload)
    samples = samples_of(order)
    samples.loc[50, "server"] = "replica-2"
    told = found(order, samples)
    assert told == (("1 keys were answered by more than one server",) if strays else ())


def swapped(order: Order, samples: pd.DataFrame, **changed: Any) -> tuple[str, ...]:
    """A swap over the middle third of the judged second; the new ones answer from its half on."""
    of = Swapped(
        begun_ns=2 * S + S // 3,
        over_ns=2 * S + 2 * S // 3,
        exit_codes={f"replica-{number}": 0 for number in range(1, 7)},
    )
    number = samples["seq"] % 6 + 1 + 6 * (samples["due_ns"] >= 2 * S + S // 2)
    spread = samples.assign(server="replica-" + number.astype(str))
    return found(order, spread, swap=replace(of, **changed))


def test_a_swap_that_was_whole_is_no_problem_and_another_is_named() -> None:
    order = order_of("roundrobin", "swap")
    samples = samples_of(order)
    assert swapped(order, samples) == ()
    (late,) = swapped(order, samples, over_ns=4 * S)
    assert late.startswith("the swap was over 1.0 s after the round's end")
    (failed,) = swapped(order, samples, problem="replica-8 was not ready")
    assert failed == "the swap failed: replica-8 was not ready"
    failing = samples.assign(outcome="refused")
    silent = swapped(order, failing)
    assert len(silent) == 6
    assert silent[0] == "replica-7 was admitted and answered no request"


def test_a_key_has_one_server_before_a_swap_and_one_after_it() -> None:
    order = order_of("hash-map", "swap")
    samples = samples_of(order)
    samples["key"] = samples["seq"] % 6
    assert swapped(order, samples) == ()
    samples.loc[samples.index[-1], "key"] += 1
    assert swapped(order, samples) == ("1 keys were answered by more than one server",)
