"""The order of the runs, what is kept of each, and how a comparison ends."""

from dataclasses import replace
from pathlib import Path

import pytest
from comparisons import ran

from harness.compare.carry import carry_out, settings_of
from harness.compare.folder import read_done, read_result, write_comparison
from harness.compare.model import Comparison, Plan
from harness.compare.report.compare_json import load
from harness.compare.report.write import write_comparison_reports
from harness.config import Settings
from harness.model.errors import Interrupted, NotJudgedError
from harness.report.result_json import dump
from harness.verify import Judged

PLAN = Plan(
    strategies=("drain", "recreate", "rolling"), rounds=2, seed=5, mix="default", rate_hz=300.0,
    swaps=1,
)  # fmt: skip
ROUNDS = (1, 2)
COMPARISON = Comparison(run="20260102T030405Z-abcd", plan=PLAN)


def test_each_round_has_each_strategy_once_in_an_order_of_its_own():
    cells = PLAN.cells()
    assert cells == PLAN.cells()
    orders = [tuple(c.strategy for c in cells if c.round == number) for number in ROUNDS]
    assert all(sorted(order) == sorted(PLAN.strategies) for order in orders)
    assert [c.round for c in cells] == sorted(c.round for c in cells)
    assert len(set(orders)) > 1
    assert replace(PLAN, seed=6).cells() != cells


def test_strategies_of_a_round_face_the_same_arrivals_and_rounds_do_not():
    assert len({PLAN.seed_of(number) for number in ROUNDS}) == 2
    assert settings_of(Settings(), "drain", seed=9).seed == 9


def test_a_batch_is_rollings_alone():
    settings = Settings(batch=3, swap="rolling")
    assert [settings_of(settings, name).batch for name in ("rolling", "drain")] == [3, 1]
    settings_of(settings, "drain").refuse_contradictions()


class Runs:
    """Stands for what carries a run out: it leaves a result, or raises what it is told to."""

    def __init__(self, reports: Path, ends: dict[int, BaseException]) -> None:
        self.settings = Settings(reports=reports, swaps=1)
        self.folder = reports / "compare-swaps" / COMPARISON.run
        self.folder.mkdir(parents=True)
        self.said: list[str] = []
        self.seeds: list[tuple[str, int]] = []
        self._ends = ends
        write_comparison(self.folder, COMPARISON)

    def run(self, todo):
        self.seeds.append((todo.scenario.swap, todo.scenario.seed))
        end = self._ends.get(len(self.seeds))
        if end is not None:
            raise end
        result = ran(failed=8 if todo.scenario.swap == "recreate" else 0)
        (todo.folder / "result.json").write_text(dump(result))
        return Judged(result=result, folder=todo.folder)

    def carry_out(self, on_done=lambda: None):
        carry_out(
            COMPARISON,
            self.settings,
            self.folder,
            run=self.run,
            say=self.said.append,
            on_done=on_done,
        )


def test_every_run_is_kept_and_read_where_it_lies(tmp_path):
    runs = Runs(tmp_path, {})
    runs.carry_out()
    done = read_done(runs.folder)
    assert tuple(one.cell for one in done) == PLAN.cells()
    assert all(read_result(runs.folder, one).verdict for one in done)
    result = write_comparison_reports(runs.folder)
    assert load((runs.folder / "compare.json").read_bytes()) == result
    assert (result.done, result.planned) == (6, 6)
    assert {row.strategy: row.dropped for row in result.rows} == {
        "drain": 0, "rolling": 0, "recreate": 16,
    }  # fmt: skip
    assert all((runs.folder / line.folder).is_dir() for line in result.runs)
    assert runs.seeds == [(c.strategy, PLAN.seed_of(c.round)) for c in PLAN.cells()]


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (NotJudgedError("engine: gone"), "engine: gone"),
        (OSError("no space left"), "no space left"),
        (ZeroDivisionError("x"), "defect: ZeroDivisionError('x')"),
    ],
)
def test_a_run_that_dies_is_kept_as_such_and_the_next_one_begins(tmp_path, end, why):
    runs = Runs(tmp_path, {2: end})
    runs.carry_out()
    result = write_comparison_reports(runs.folder)
    assert [line.why for line in result.runs if not line.counts] == [why]
    assert result.done == 6
    assert f"  not judged: {why}" in runs.said


@pytest.mark.parametrize("end", [Interrupted("interrupted"), KeyboardInterrupt()])
def test_what_was_done_before_ctrl_c_is_kept_and_can_be_read(tmp_path, end):
    runs = Runs(tmp_path, {3: end})
    with pytest.raises(Interrupted, match="2 of 6 runs are kept"):
        runs.carry_out(lambda: write_comparison_reports(runs.folder))
    assert len(read_done(runs.folder)) == 2
    assert load((runs.folder / "compare.json").read_bytes()).done == 2
    assert {path.name for path in runs.folder.iterdir()} == {
        "plan.json", "runs.jsonl", "compare.json", "index.html", "index.md",
    }  # fmt: skip


def test_a_last_line_that_was_cut_is_no_run(tmp_path):
    runs = Runs(tmp_path, {})
    runs.carry_out()
    lines = runs.folder / "runs.jsonl"
    lines.write_bytes(lines.read_bytes()[:-9])
    assert len(read_done(runs.folder)) == 5


def test_a_result_that_is_gone_counts_nowhere(tmp_path):
    runs = Runs(tmp_path, {})
    runs.carry_out()
    for path in tmp_path.glob("compare-drain/*/result.json"):
        path.unlink()
    result = write_comparison_reports(runs.folder)
    drain = next(row for row in result.rows if row.strategy == "drain")
    assert (drain.runs, drain.counted) == (2, 0)
    assert all("result.json cannot be read" in line.why for line in result.runs if not line.counts)


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(NotJudgedError, match="expected a folder that `harness compare-swaps` left"):
        write_comparison_reports(tmp_path)
