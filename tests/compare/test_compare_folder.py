"""What a result keeps the first of is read whole from its run's folder."""

import shutil
from dataclasses import replace

import pytest
from comparisons import EXAMPLE, ROOT, ran
from pydantic import TypeAdapter

from harness.analysis.history import load
from harness.analysis.requestlog import read_parquet, write_parquet
from harness.checks.verdict import MOST_MARKS
from harness.compare import folder as folder_module
from harness.compare.figures import figures_of
from harness.compare.folder import read_result
from harness.compare.model import Cell, Done
from harness.model.mark import Mark, MarkKind
from harness.report.result_json import dump

RUN = "20260102T030405Z-abcd"
DONE = Done(cell=Cell(round=1, strategy="drain"), folder=f"../../compare-drain/{RUN}")
SECOND_NS = 1_000_000_000
SWAPS = 150


@pytest.fixture
def run_folder(tmp_path):
    """A real run's, where DONE has it."""
    place = tmp_path / "compare-drain" / RUN
    shutil.copytree(ROOT / "reports" / "example", place)
    return place


@pytest.fixture
def compare_folder(tmp_path):
    """Of the comparison."""
    place = tmp_path / "compare-swaps" / RUN
    place.mkdir(parents=True)
    return place


def of_a_swap(mark):
    return mark.kind is not MarkKind.event and "swap" in mark.detail


def swapped_often(marks):
    """The run's one swap, again and again, a minute apart."""
    swap = [mark for mark in marks if of_a_swap(mark)]
    return [
        *(mark for mark in marks if not of_a_swap(mark) and mark.name != "down"),
        *(
            replace(
                mark,
                at_ns=mark.at_ns + (number - 1) * 60 * SECOND_NS,
                detail={**mark.detail, "swap": number},
            )
            for number in range(1, SWAPS + 1)
            for mark in swap
        ),
    ]


def write(run_folder, result):
    (run_folder / "result.json").write_text(dump(result))


def test_swaps_beyond_the_marks_that_a_result_keeps_are_counted(run_folder, compare_folder):
    marks = swapped_often(load(run_folder).marks)
    line = TypeAdapter(Mark).dump_json
    (run_folder / "marks.jsonl").write_bytes(b"".join(line(mark) + b"\n" for mark in marks))
    kept = tuple(mark for mark in marks if mark.kind is not MarkKind.event)[:MOST_MARKS]
    write(run_folder, replace(EXAMPLE, marks=kept))
    found = figures_of(read_result(compare_folder, DONE), 1)
    assert (found.swaps, found.completed) == (SWAPS, SWAPS)
    assert found.swap_s == pytest.approx(figures_of(EXAMPLE, 1).swap_s)


def test_outages_beyond_those_that_a_result_keeps_are_read(run_folder, compare_folder, monkeypatch):
    monkeypatch.setattr(folder_module, "MOST_OUTAGES", 1)
    swap_ns = next(mark.at_ns for mark in EXAMPLE.marks if mark.name == "swap")
    table = run_folder / "requests.parquet"
    decoded = read_parquet(table)
    rows = decoded.samples.copy()
    for later_s in (0.5, 1.5):
        begin_ns = swap_ns + int(later_s * SECOND_NS)
        cut = rows["due_ns"].between(begin_ns, begin_ns + SECOND_NS // 5)
        rows.loc[cut & (rows["stream"] == "get-new"), "outcome"] = "reset"
    write_parquet(table, replace(decoded, samples=rows))
    whole = load(run_folder)
    first, second = folder_module.outages(
        whole.requests, limits=whole.limits, steps=whole.steps, start_ns=whole.start_ns
    )
    write(run_folder, replace(EXAMPLE, outages=(first,)))
    assert read_result(compare_folder, DONE).outages == (first, second)


def test_a_result_that_keeps_all_is_taken_as_it_is(run_folder, compare_folder):
    (run_folder / "marks.jsonl").unlink()
    assert read_result(compare_folder, DONE) == EXAMPLE


@pytest.mark.parametrize("gone", ["scenario.json", "marks.jsonl", "requests.parquet"])
def test_a_folder_that_lost_what_was_judged_counts_nowhere(
    run_folder, compare_folder, monkeypatch, gone
):
    monkeypatch.setattr(folder_module, "MOST_OUTAGES", 1)
    write(run_folder, replace(EXAMPLE, outages=ran(outage_ms=900).outages))
    (run_folder / gone).unlink()
    assert read_result(compare_folder, DONE).startswith("its swaps cannot be counted: ")


def test_marks_that_are_fewer_than_those_that_were_judged_count_nowhere(
    run_folder, compare_folder, monkeypatch
):
    monkeypatch.setattr(folder_module, "MOST_MARKS", len(EXAMPLE.marks))
    marks = run_folder / "marks.jsonl"
    marks.write_bytes(b"".join(marks.read_bytes().splitlines(keepends=True)[:-1]))
    assert read_result(compare_folder, DONE) == (
        f"its swaps cannot be counted: {RUN} no longer holds all that was judged"
    )
