"""The bootstrap over blocks: its figures against plain ones, and how often it is right."""

import numpy as np
import pytest

from harness.analysis.latency import percentile
from harness.model.past import Block, Cell
from harness.past.bootstrap import change, p99_of, varied

SEED = 20_261_127


def cell(blocks):
    """Of latencies in milliseconds, an array a block."""
    counted = []
    for latency_ms in blocks:
        values, counts = np.unique(np.rint(latency_ms * 1e3).astype(np.int64), return_counts=True)
        counted.append(Block(us=tuple(values.tolist()), n=tuple(counts.tolist())))
    together = np.concatenate(blocks)
    return Cell(
        count=len(together), failed=0, p99_ms=percentile(together, 990), block_s=1.0,
        blocks=tuple(counted),
    )  # fmt: skip


def seconds(rng, number, *, spread, middle_ms=4.0, each=300):
    """Seconds that differ: each has a speed of its own, which all of its requests share."""
    return [
        middle_ms * np.exp(spread * rng.normal()) * np.exp(0.4 * rng.normal(size=each))
        for _ in range(number)
    ]


def test_a_percentile_of_counts_is_that_of_the_latencies():
    rng = np.random.default_rng(SEED)
    us = rng.integers(1_000, 9_000, size=4_321)
    values, counts = np.unique(us, return_counts=True)
    [found] = p99_of(values, counts[None, :])
    assert found == percentile(us.astype(float), 990)


def test_the_standard_error_is_that_of_many_runs():
    """Of runs with seconds that do not differ, held against what 400 of them really vary by."""
    rng = np.random.default_rng(SEED)
    runs = [cell(seconds(rng, 20, spread=0.0)) for _ in range(400)]
    real = float(np.std([run.p99_ms for run in runs]))
    told = float(np.median([varied(run, "", draws=300).error_ms for run in runs[:60]]))
    assert told == pytest.approx(real, rel=0.25)


@pytest.mark.parametrize(("blocks", "spread"), [(5, 0.2), (10, 0.2), (30, 0.3)])
def test_the_interval_holds_the_true_change_about_as_often_as_it_says(blocks, spread):
    """Two runs of which the second is 3 ms slower throughout: 120 pairs, 95 % each.

    Requests drawn one by one would hold it in some 60 % where seconds differ.
    """
    rng = np.random.default_rng(SEED + blocks)
    held = 0
    for number in range(120):
        before = cell(seconds(rng, blocks, spread=spread))
        after = cell([one + 3.0 for one in seconds(rng, blocks, spread=spread)])
        first, second = varied(before, f"a{number}", draws=200), varied(after, "b", draws=200)
        found = change(first, second, 0.95)
        held += found.low <= 3.0 <= found.high
    assert held >= 0.90 * 120


def test_a_change_that_is_there_is_shown():
    rng = np.random.default_rng(SEED)
    before = varied(cell(seconds(rng, 10, spread=0.1)), "a")
    after = varied(cell(seconds(rng, 10, spread=0.1, middle_ms=8.0)), "b")
    found = change(before, after, 0.99)
    assert found.low > 0
    assert found.low < found.by < found.high


def test_it_is_the_same_each_time_and_of_another_name_another_draw():
    one = cell(seconds(np.random.default_rng(SEED), 8, spread=0.3))
    assert varied(one, "a") == varied(one, "a")
    assert varied(one, "a") != varied(one, "b")


def test_no_interval_of_few_blocks_or_of_an_unresolved_percentile():
    rng = np.random.default_rng(SEED)
    assert varied(cell(seconds(rng, 2, spread=0.1, each=900)), "") is None
    assert varied(cell(seconds(rng, 5, spread=0.1, each=150)), "") is None


def test_what_does_not_vary_is_known_to_its_three_digits():
    steady = varied(cell([np.full(300, 5.0)] * 5), "")
    assert steady.error_ms == 0
    found = change(steady, steady, 0.95)
    assert (found.low, found.high) == pytest.approx((-0.025, 0.025))
