"""A figure that failed requests reach is told from one of too few samples, in every report."""

import csv
from io import StringIO

import pytest
from results import algorithm, case, estimate, result

from harness.bench.report.bench_json import dump, load
from harness.bench.report.cells import HEAD, cells
from harness.bench.report.csv_table import bench_csv
from harness.bench.report.plots import case_plots


@pytest.fixture
def one():
    """Failures reach p99 and what lies beyond it; no round resolves p99.9."""
    failing = algorithm("leastconn", 21.0, None, failed=300, unbounded=("mean", "p99", "max"))
    return case(algorithms=(algorithm("roundrobin", 40.0, 900.0), failing),
                best={"p50": ("leastconn",), "p99": ("roundrobin",), "mean": ()})  # fmt: skip


def test_its_cell_is_no_hyphen(one):
    _, row = (dict(zip(HEAD, each, strict=True)) for each in cells(one))
    assert (row["p99 ms"], row["max ms"], row["p99.9 ms"]) == ("∞", "∞", "-")
    assert row["p50 ms"].endswith(" ★")


def test_its_row_says_so(one):
    rows = list(csv.DictReader(StringIO(bench_csv(result(cases=(one,), past=None)))))
    found = {row["figure"]: row for row in rows if row["algorithm"] == "leastconn"}
    assert (found["p99_ms"]["value"], found["p99_ms"]["standing"]) == ("", "unbounded")
    assert (found["p999_ms"]["value"], found["p999_ms"]["standing"]) == ("", "")
    assert found["p50_ms"]["standing"] == "best"


def test_no_other_p99_is_said_to_be_the_highest(one):
    curves, _ = case_plots(one, 0)
    assert curves.said.endswith(". Failed requests reach p99 of: leastconn.")


def test_it_is_null_in_json_and_named(one):
    kept = load(dump(result(cases=(one,))).encode()).cases[0].algorithms[1]
    assert kept.latency_ms["p99"] == estimate(None)
    assert kept.unbounded == ("mean", "p99", "max")
