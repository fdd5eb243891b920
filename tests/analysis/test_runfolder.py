"""A run folder, whole, cut short, or not one."""

import json

import pandas as pd
import pytest
from synthetic import clean

from harness.analysis.history import RunFolderError, convert, load
from harness.analysis.requestlog import COLUMNS
from harness.analysis.runfolder import MachineSecond
from harness.checks.verdict import judge
from harness.model.errors import NotJudgedError
from harness.model.finding import Verdict
from harness.model.mark import Mark
from harness.model.scenario import Limits


@pytest.fixture
def folder(tmp_path):
    draft = clean()
    draft.details = {5: "first", 6: "other"}
    return draft.write(tmp_path / "run")


def test_the_raw_log_and_the_table_are_the_same_history(folder):
    raw = load(folder)
    convert(folder)
    assert not (folder / "requests.bin").exists()
    assert not list(folder.glob("*.partial"))
    table = load(folder)
    pd.testing.assert_frame_equal(raw.recorded, table.recorded)
    assert raw.marks == table.marks == tuple(clean().marks)
    assert raw.record == clean().record
    assert raw.operations == clean().operations
    assert raw.machine == tuple(clean().machine)
    assert raw.details == {5: "first", 6: "other"}
    assert (raw.damaged, raw.damage) == (0, ())


def test_converting_twice_is_converting_once(folder):
    convert(folder)
    before = (folder / "requests.parquet").read_bytes()
    convert(folder)
    assert (folder / "requests.parquet").read_bytes() == before


def test_a_damaged_raw_log_is_kept_as_evidence(folder):
    log = folder / "requests.bin"
    log.write_bytes(log.read_bytes()[:-10])
    convert(folder)
    assert log.exists()
    assert load(folder).damaged == 1


def test_a_table_that_reads_back_otherwise_keeps_the_raw_log(folder, monkeypatch):
    def forgetful(path, decoded):
        original(path, type(decoded)(samples=decoded.samples[1:], damaged=decoded.damaged))

    from harness.analysis import runfolder  # noqa: PLC0415

    original = runfolder.write_parquet
    monkeypatch.setattr(runfolder, "write_parquet", forgetful)
    with pytest.raises(OSError, match="expected 5403 samples, observed 5402"):
        convert(folder)
    assert (folder / "requests.bin").exists()
    assert not list(folder.glob("requests.parquet*"))


def test_a_table_that_cannot_be_read_falls_back_on_the_raw_log(folder):
    (folder / "requests.parquet").write_bytes(b"PAR1 nonsense")
    assert len(load(folder).recorded) == 5403


def test_a_table_that_cannot_be_read_and_no_raw_log_is_an_error(folder):
    convert(folder)
    (folder / "requests.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(RunFolderError, match="its raw log is gone: run again"):
        load(folder)


def test_a_run_that_died_at_once_has_no_samples(folder):
    (folder / "requests.bin").unlink()
    history = load(folder)
    assert len(history.recorded) == 0
    assert list(history.recorded.columns) == list(COLUMNS)


def test_what_is_optional_may_be_absent(folder):
    for name in ("marks", "machine", "details"):
        (folder / f"{name}.jsonl").unlink()
    (folder / "operations.json").unlink()
    history = load(folder)
    assert (history.marks, history.machine, history.details) == ((), (), {})
    assert history.operations is None
    assert history.damage == ()


@pytest.mark.parametrize("cut", [1, 2, 30])
def test_a_last_mark_that_was_cut_is_named_and_the_others_kept(folder, cut):
    path = folder / "marks.jsonl"
    path.write_bytes(path.read_bytes().rstrip()[:-cut])
    history = load(folder)
    assert history.marks == tuple(clean().marks)[:-1]
    assert history.damage == (f"marks.jsonl:{len(clean().marks)}",)


def test_damaged_lines_are_named_and_bounded(folder):
    (folder / "machine.jsonl").write_text("{}\n" * 50)
    assert load(folder).damage == tuple(f"machine.jsonl:{n}" for n in range(1, 21))


@pytest.mark.parametrize("share", ["NaN", "Infinity", '"much"'])
def test_a_share_that_is_no_number_is_damage(folder, share):
    (folder / "machine.jsonl").write_text(f'{{"at_ns": 5, "steal_share": {share}}}\n')
    assert load(folder).damage == ("machine.jsonl:1",)


def test_a_figure_that_was_not_measured_is_none(folder):
    (folder / "machine.jsonl").write_text('{"at_ns": 5, "steal_share": null}\n')
    assert load(folder).machine == (MachineSecond(at_ns=5),)


def test_operations_that_cannot_be_read_are_unread_and_named(folder):
    (folder / "operations.json").write_text('{"applied": {"a": ')
    history = load(folder)
    assert history.operations is None
    assert history.damage == ("operations.json",)


def test_a_folder_without_a_record_is_not_a_run(tmp_path):
    with pytest.raises(RunFolderError) as error:
        load(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: expected a run folder with a scenario.json in it, observed: No such file or "
        "directory; name a folder that a run has left, reports/<scenario>/<UTC time>/"
    )
    assert isinstance(error.value, NotJudgedError)


def test_another_schema_is_refused(folder):
    path = folder / "scenario.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 3}))
    with pytest.raises(RunFolderError, match="expected schema 2, observed 3; judge it with"):
        load(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", '"run"', "{", "\0"])
def test_what_is_no_record_is_refused(folder, text):
    (folder / "scenario.json").write_text(text)
    with pytest.raises(RunFolderError, match="object with the key `schema`"):
        load(folder)


def test_a_record_with_a_wrong_field_names_it(folder):
    path = folder / "scenario.json"
    record = json.loads(path.read_text())
    record["scenario"]["swaps"] = "many"
    path.write_text(json.dumps(record))
    with pytest.raises(RunFolderError, match=r"1 errors, the first at `scenario\.swaps`"):
        load(folder)


def test_a_record_begun_but_not_completed_loads(folder):
    path = folder / "scenario.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sent": None}))
    assert load(folder).record.sent is None


def test_a_record_of_before_a_limit_was_known_is_judged_by_its_default(folder):
    path = folder / "scenario.json"
    record = json.loads(path.read_text())
    limits = record["scenario"]["limits"]
    for name in ("failed_share", "p99_ms", "max_ms", "max_factor", "outage_ms", "lost_writes"):
        del limits[name]
    limits["latency_factor"] = 4.0
    path.write_text(json.dumps(record))
    assert load(folder).record.scenario.limits == Limits(latency_factor=4.0)
    assert judge(load(folder)).verdict is Verdict.passed


def test_the_first_explanation_of_a_request_counts(folder):
    (folder / "details.jsonl").write_text(
        '{"seq": 1, "outcome": "reset", "text": "a"}\n{"seq": 1, "outcome": 3, "text": "b"}\n'
    )
    assert load(folder).details == {1: "a"}


def test_marks_are_values(folder):
    assert all(isinstance(mark, Mark) for mark in load(folder).marks)
