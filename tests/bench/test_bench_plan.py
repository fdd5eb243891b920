"""What is asked for on the command line, and in which order it is carried out."""

import argparse
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from harness.bench.algorithms import ALGORITHMS, DEFAULT
from harness.bench.carry import duration_s
from harness.bench.command import add_options, planned, refuse_other_settings
from harness.bench.model import Plan
from harness.model.errors import NotJudgedError


def options(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return parser.parse_args(given)


def plan(*given: str) -> Plan:
    return planned(options("--seed", "5", *given))


def test_the_default_is_four_algorithms_by_two_workloads_by_five_rounds_in_some_five_minutes() -> (
    None
):
    default = plan()
    assert [algorithm.name for algorithm in default.algorithms] == list(DEFAULT)
    assert len(default.cells()) == 4 * 2 * 1 * 5
    assert default.seconds >= 6
    assert 5 < duration_s(default) / 60 < 8


def test_every_kind_is_carried_out_once_before_any_comes_again() -> None:
    cells = plan("--loads", "30,95").cells()
    kinds = [(cell.algorithm, cell.workload, cell.load) for cell in cells]
    block = len(set(kinds))
    assert len(cells) == 5 * block
    for number in range(5):
        part = kinds[number * block :][:block]
        assert set(Counter(part).values()) == {1}
        assert {cell.number for cell in cells[number * block :][:block]} == {number + 1}
    assert kinds[:block] != kinds[block : 2 * block]


def test_the_order_follows_the_seed_alone() -> None:
    assert plan().cells() == plan().cells()
    assert replace(plan(), seed=6).cells() != plan().cells()


def test_all_algorithms_of_a_round_face_the_same_seed_and_rounds_do_not() -> None:
    default = plan()
    seeds = {(cell.number, default.seed_of(cell)) for cell in default.cells()}
    assert len(seeds) == 5
    assert len({seed for _, seed in seeds}) == 5


def test_a_workload_with_a_rate_of_its_own_comes_once_whatever_the_loads_are() -> None:
    cells = plan("--workloads", "stalling-server", "--loads", "30,70").cells()
    assert {cell.load for cell in cells} == {None}
    assert len(cells) == 4 * 5


def test_a_swap_asks_for_rounds_that_it_fits_into_and_the_others_keep_theirs() -> None:
    both = plan("--workloads", "swap,fixed", "--algorithms", "leastconn")
    assert [both.seconds_of(each) for each in both.workloads] == [12.0, 6.0]
    longer = plan("--workloads", "swap", "--seconds", "20")
    assert longer.seconds_of(longer.workloads[0]) == 20.0
    swaps = duration_s(plan("--workloads", "swap", "--algorithms", "leastconn"))
    assert swaps > duration_s(plan("--workloads", "fixed", "--algorithms", "leastconn")) + 5 * 6


def test_full_leaves_out_what_cannot_be() -> None:
    full = plan("--full")
    assert full.algorithms == ALGORITHMS
    kinds = {(cell.algorithm, cell.workload) for cell in full.cells()}
    assert ("nginx-hash", "sticky") not in kinds
    assert ("static-rr", "reweighted") not in kinds
    assert ("nginx-hash", "slow-server") in kinds
    assert {name for name, workload in kinds if workload == "swap"} == {
        each.name for each in ALGORITHMS if not each.name.startswith("nginx")
    }
    assert len({cell.name for cell in full.cells()}) == len(full.cells())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--algorithms", "leastcon"], "did you mean leastconn"),
        (["--algorithms", "roundrobin,roundrobin"], "named more than once"),
        (["--workloads", "fixd"], "did you mean fixed"),
        (["--loads", "120"], "120 is above the capacity"),
        (["--loads", "some"], "some is no percentage"),
        (["--loads", "nan"], "nan is no percentage"),
        (["--loads", "-5"], "-5 is no percentage"),
        (["--loads", ""], "loads: '' names none; leave --loads out for the default"),
        (["--loads", ","], "loads: ',' names none"),
        (["--algorithms", ","], "algorithms: ',' names none"),
        (["--algorithms", ""], "algorithms: '' names none"),
        (["--workloads", " , "], "workloads: ' , ' names none"),
        (["--rounds", "2"], "rounds: '2' cannot be; 3 to 1000 can"),
        (["--rounds", "many"], "rounds: 'many' cannot be"),
        (["--rounds", "9" * 5_000], "rounds: '9999999999999999999…' cannot be; 3 to 1000 can"),
        (["--seconds", "0.5"], "seconds: '0.5' cannot be"),
        (["--seconds", "nan"], "seconds: 'nan' cannot be"),
        (["--seed", "-1"], "seed: '-1' cannot be"),
        (
            ["--algorithms", "static-rr", "--workloads", "reweighted"],
            "static-rr cannot do reweighted: its weights cannot be changed while it runs",
        ),
        (
            ["--algorithms", "nginx-hash", "--workloads", "sticky"],
            "nginx-hash cannot do sticky: free NGINX keeps no session",
        ),
        (
            ["--algorithms", "nginx-least_conn", "--workloads", "swap"],
            "nginx-least_conn cannot do swap: free NGINX is told of no other servers",
        ),
        (["--workload-file", "/does/not/exist"], "cannot be read"),
    ],
)
def test_what_cannot_be_is_one_message(given: list[str], message: str) -> None:
    with pytest.raises(NotJudgedError, match=r"^\w+: ") as caught:
        planned(options(*(f"{given[0]}={given[1]}", *given[2:])))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_resumed_keeps_its_settings_and_refuses_others(tmp_path: Path) -> None:
    before = plan("--rounds", "4", "--algorithms", "leastconn,first")
    resumed = ["--resume", str(tmp_path)]
    refuse_other_settings(options(*resumed), before)
    refuse_other_settings(options(*resumed, "--rounds", "4"), before)
    with pytest.raises(NotJudgedError, match="begun with other rounds; leave --rounds out"):
        refuse_other_settings(options(*resumed, "--rounds", "5"), before)
    with pytest.raises(NotJudgedError, match="begun with other algorithms and seed"):
        refuse_other_settings(options(*resumed, "--seed", "6", "--algorithms", "first"), before)
