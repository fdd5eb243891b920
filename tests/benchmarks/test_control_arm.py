"""What so many benchmarks of an algorithm against itself say."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import control_arm
from benchmarks.control_arm import Seed, told

ALIKE = Seed(seed=1000, p99_ms=93.21, rounds=10, busy=0.14)
SHOWN = replace(ALIKE, seed=1100, shown=frozenset({"p99", "mean"}))


def test_the_table_says_what_each_seed_showed_and_the_sum() -> None:
    text, holds = told([ALIKE, SHOWN], 1)
    assert text.splitlines() == [
        "seed    rounds  cores busy   p99 ms  difference shown",
        "1000        10         14%     93.2  -",
        "1100        10         14%     93.2  mean, p99",
        "a difference is shown in 1 of 2 seeds (allowed 1): p50 0, p99 1, mean 1",
    ]
    assert holds


@pytest.mark.parametrize(("shown", "holds"), [(0, True), (3, True), (4, False), (20, False)])
def test_four_seeds_of_twenty_are_too_many(shown: int, holds: bool) -> None:
    assert told([SHOWN] * shown + [ALIKE] * (20 - shown), 3)[1] is holds


def test_a_seed_that_says_nothing_is_no_seed_without_a_difference() -> None:
    text, holds = told([ALIKE, Seed(seed=7, why="no engine")], 3)
    assert "in 0 of 1 seeds" in text
    assert text.endswith("\n1 seeds say nothing")
    assert not holds
    assert not told([], 3)[1]


def test_a_benchmark_that_was_never_done_says_why(tmp_path: Path) -> None:
    found = control_arm._one(1, "3", tmp_path / "none.toml", tmp_path)
    assert "none.toml" in found.why
