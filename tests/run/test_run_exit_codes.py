"""What the command says of a run on fakes: exit codes, one message, a disk that is full."""

import errno
import os
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import pytest
from fakes.trouble import Point
from rig import RUN, Rig

import harness.report.write
import harness.verify
from harness import cli, run
from harness.analysis.history import History
from harness.model.errors import MissingEvidenceError, NotJudgedError
from harness.model.outcome import Outcome

pytestmark = pytest.mark.usefixtures("own_signals")
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    rig = Rig(tmp_path / "reports" / "drain" / RUN)
    monkeypatch.setattr(cli, "plan", lambda settings: rig.plan())
    monkeypatch.chdir(tmp_path)
    return rig


@pytest.fixture
def bad_rig(rig: Rig) -> Rig:
    """Its new release is never ready, which is a fail."""
    rig.target.never_ready.add("v2")
    return rig


def verify() -> int:
    return cli.main(["verify"])


def full(*_: object, **__: object) -> None:
    raise FULL


def test_pass_is_0(rig: Rig, capsys):
    assert verify() == 0
    assert capsys.readouterr().err == ""


def test_fail_is_1(bad_rig: Rig, capsys):
    assert verify() == 1
    assert "was not ready" in capsys.readouterr().out


def test_inconclusive_is_3(rig: Rig):
    rig.sender.spoil = lambda samples: samples[:-1]
    assert verify() == 3


@pytest.mark.parametrize("error", [NotJudgedError("no"), RuntimeError("no"), OSError(5, "no")])
@pytest.mark.parametrize("name", ["target.up", "sender.start", "sender.probe"])
def test_what_fails_before_load_is_2_with_one_message(rig: Rig, capsys, name, error):
    phases = {"target.up": "up", "sender.start": "calibration", "sender.probe": "answering"}
    phase = phases[name]
    rig.trouble.plan(Point(phase, name, "before"), error)
    assert verify() == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert said.count("no") >= 1
    assert not rig.target.is_up


def test_a_defect_under_load_is_3(rig: Rig):
    rig.trouble.plan(Point("swap 1", "stage.admit", "within"), RuntimeError("ours"))
    assert verify() == 3


@pytest.mark.parametrize(
    "point",
    [
        Point("up", "target.up", "within"),
        Point("steady", "sender.check", "before"),
        Point("swap 1", "stage.drain", "within"),
        Point("down", "target.down", "within"),
    ],
    ids=str,
)
def test_an_interrupt_is_130_with_one_message(rig: Rig, capsys, point: Point):
    rig.trouble.plan(point, KeyboardInterrupt())
    assert verify() == 130
    said = capsys.readouterr().err
    assert said.count("interrupted") == 1
    assert "Traceback" not in said
    assert not rig.target.is_up


def break_last_record(monkeypatch: pytest.MonkeyPatch) -> None:
    write, calls = run._write_record, []

    def second_is_refused(folder, record):
        calls.append(record)
        if len(calls) > 1:
            raise FULL
        write(folder, record)

    monkeypatch.setattr(run, "_write_record", second_is_refused)


def break_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.timeline.os.write", full)


def break_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_text

    def refused(path, *arguments, **keywords):
        if path.name.startswith("operations.json"):
            raise FULL
        return write(path, *arguments, **keywords)

    monkeypatch.setattr(Path, "write_text", refused)


def break_conversion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness.verify, "convert", full)


def break_one_report(name: str):
    def breaks(monkeypatch: pytest.MonkeyPatch) -> None:
        write = harness.report.write._write

        def refused(path, text):
            if path.name == name:
                raise FULL
            write(path, text)

        monkeypatch.setattr(harness.report.write, "_write", refused)

    return breaks


def break_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness.verify, "point_latest", full)


FULL_DISKS = {
    "the record's completion": break_last_record,
    "marks.jsonl": break_marks,
    "operations.json": break_operations,
    "requests.parquet": break_conversion,
    "junit.xml": break_one_report("junit.xml"),
    "summary.md": break_one_report("summary.md"),
    "result.json": break_one_report("result.json"),
    "reports/latest": break_latest,
}
everywhere = pytest.mark.parametrize("breaks", FULL_DISKS.values(), ids=FULL_DISKS)


@everywhere
def test_a_disk_that_is_full_makes_a_clean_run_3(rig: Rig, monkeypatch, capsys, breaks):
    breaks(monkeypatch)
    assert verify() == 3
    said = capsys.readouterr()
    assert "No space left on device" in said.out + said.err
    assert "Traceback" not in said.err
    assert not rig.target.is_up


def lose_a_request(samples):
    bad = samples[1000]._replace(outcome=Outcome.reset, status=0, release="", instance="")
    return [*samples[:1000], bad, *samples[1001:]]


@everywhere
def test_a_disk_that_is_full_leaves_a_fail_at_1(rig: Rig, monkeypatch, breaks):
    rig.sender.spoil = lose_a_request
    breaks(monkeypatch)
    assert verify() == 1
    assert not rig.target.is_up


def test_a_disk_that_is_full_at_the_first_record_is_2_and_nothing_starts(
    rig: Rig, monkeypatch, capsys
):
    monkeypatch.setattr(run, "_write_record", full)
    assert verify() == 2
    assert "No space left on device" in capsys.readouterr().err
    assert rig.trouble.seen == []


def raises(*_: object, **__: object) -> None:
    raise RuntimeError("a defect of ours")


DEFECTS = {
    "conversion": "harness.verify.convert",
    "load": "harness.verify.load",
    "judge": "harness.verify.judge",
    "junit": "harness.report.write.junit",
    "summary": "harness.report.write.summary",
    "dump": "harness.report.write.dump",
    "latest": "harness.verify.point_latest",
}
each_defect = pytest.mark.parametrize("where", DEFECTS.values(), ids=DEFECTS)


def test_a_run_whose_record_is_gone_when_it_is_judged_is_3(rig: Rig, monkeypatch, capsys):
    close = rig.target.down

    def down():
        close()
        monkeypatch.setattr(run, "_write_record", lambda *_: None)
        (rig.folder / "scenario.json").unlink()

    rig.target.down = down
    assert verify() == 3
    assert "cannot be judged" in capsys.readouterr().err


def test_a_defect_before_load_keeps_its_traceback_on_disk(rig: Rig):
    rig.trouble.plan(Point("up", "target.up", "before"), RuntimeError("ours"))
    rig.target.gather = lambda folder: None
    assert verify() == 2
    assert "RuntimeError: ours" in (rig.folder / "marks.jsonl").read_text()


def test_a_refusal_before_load_leaves_no_folder(rig: Rig):
    rig.trouble.plan(Point("up", "target.up", "before"), NotJudgedError("no engine"))
    rig.target.gather = lambda folder: None
    assert verify() == 2
    assert not rig.folder.exists()


@each_defect
def test_a_defect_after_the_run_is_3_and_told(rig: Rig, monkeypatch, capsys, where: str):
    monkeypatch.setattr(where, raises)
    assert verify() == 3
    assert not rig.target.is_up
    assert "a defect of ours" in capsys.readouterr().err


@pytest.mark.parametrize("where", [v for k, v in DEFECTS.items() if k not in {"load", "judge"}])
def test_a_defect_in_a_report_leaves_a_fail_at_1(rig: Rig, monkeypatch, capsys, where: str):
    rig.sender.spoil = lose_a_request
    monkeypatch.setattr(where, raises)
    assert verify() == 1
    assert "a defect of ours" in capsys.readouterr().err


def test_reports_that_could_not_be_written_are_no_pass_in_pytest_either(rig: Rig, monkeypatch):
    break_one_report("result.json")(monkeypatch)
    judged = rig.run()
    with pytest.raises(AssertionError, match="No space left"):
        judged.assert_passed()
    assert replace(judged, unwritten="").assert_passed() is None


def test_a_missing_store_is_3_and_says_so(rig: Rig, capsys):
    error = MissingEvidenceError("store: Redis did not answer HGETALL")
    rig.trouble.plan(Point("down", "target.operations", "before"), error)
    assert verify() == 3
    assert "HGETALL" in capsys.readouterr().out


def test_a_folder_that_is_no_runs_is_2(tmp_path, capsys):
    assert cli.main(["report", str(tmp_path)]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_run_is_judged_again_from_its_folder_alone(rig: Rig, capsys):
    assert verify() == 0
    first = (rig.folder / "result.json").read_text()
    assert cli.main(["report", str(rig.folder)]) == 0
    assert (rig.folder / "result.json").read_text() == first


def written_by(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the reports in the order of writing."""
    write, names = harness.report.write._write, []

    def noted(path, text):
        names.append(path.name)
        write(path, text)

    monkeypatch.setattr(harness.report.write, "_write", noted)
    assert verify() == 0
    return names


REPORTS = ("junit.xml", "summary.md", "report.html", "result.json", "index.html")


def test_the_table_holds_every_report(rig: Rig, monkeypatch):
    assert written_by(rig, monkeypatch) == list(REPORTS)


def break_report(monkeypatch: pytest.MonkeyPatch, name: str, when: str, error: BaseException):
    write = harness.report.write._write

    def breaks(path, text):
        if path.name == name and when == "before":
            raise error
        write(path, text)
        if path.name == name:
            raise error

    monkeypatch.setattr(harness.report.write, "_write", breaks)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize(("spoil", "code"), [(None, 3), (lose_a_request, 1)], ids=["pass", "fail"])
def test_a_defect_at_any_report_takes_no_verdict_away_and_is_never_0(
    rig: Rig, monkeypatch, capsys, name: str, when: str, spoil, code: int
):
    if spoil:
        rig.sender.spoil = spoil
    break_report(monkeypatch, name, when, RuntimeError("a defect of ours"))
    assert verify() == code
    said = capsys.readouterr()
    assert "a defect of ours" in said.err
    assert ("fail: no_failed_request" if spoil else "pass: at 95 %") in " ".join(said.out.split())
    left = {path.name for path in (*rig.folder.iterdir(), *rig.folder.parents[1].iterdir())}
    assert set(REPORTS) - left == ({name} if when == "before" else set()), "the others are there"
    assert not [each for each in left if each.endswith(".partial")]


@pytest.mark.parametrize("name", REPORTS)
def test_an_interrupt_at_any_report_is_130(rig: Rig, monkeypatch, capsys, name: str):
    break_report(monkeypatch, name, "before", KeyboardInterrupt())
    assert verify() == 130
    assert "Traceback" not in capsys.readouterr().err
    assert not rig.target.is_up


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("error", [RuntimeError("ours"), FULL], ids=["defect", "full disk"])
def test_a_conversion_that_fails_is_3_be_it_the_runs_or_the_calibrations(
    rig: Rig, monkeypatch, nth: int, error
):
    convert, calls = harness.verify.convert, []

    def breaks(folder):
        calls.append(folder)
        if len(calls) == nth:
            raise error
        convert(folder)

    monkeypatch.setattr(harness.verify, "convert", breaks)
    assert verify() == 3
    assert calls[-1] == (rig.folder if nth == 1 else rig.folder / "calibration")


ANALYSES = sorted(
    name for name, value in vars(History).items() if isinstance(value, cached_property)
)


@pytest.mark.parametrize("part", ANALYSES)
def test_an_analysis_that_breaks_is_never_0(rig: Rig, monkeypatch, part: str):
    monkeypatch.setattr(History, part, property(raises))
    assert verify() in {1, 3}
    assert not rig.target.is_up
