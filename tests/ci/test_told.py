"""What the two faces tell a job."""

from dataclasses import replace
from pathlib import Path

import outcomes
import pytest
from job import taken

from harness import cli
from harness.ci.told import tell
from harness.model.errors import MissingEvidenceError, NotJudgedError
from harness.model.finding import Verdict
from harness.verify import Judged

AT_A_URL = ("--url", "http://127.0.0.1:9/", "--deploy", "true")


@pytest.fixture(autouse=True)
def job(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setattr(cli, "_end_in_order", lambda: None)


def judged(result, **more):
    return Judged(result=result, folder=Path("reports/drain/r1"), **more)


def verify(monkeypatch, outcome, *arguments):
    def carry_out(_):
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(cli, "carry_out", carry_out)
    return cli.main(["verify", *AT_A_URL, *arguments])


@pytest.mark.parametrize(
    ("make", "code", "first"),
    [
        (outcomes.passed, 0, "notice"),
        (outcomes.failed, 1, "error"),
        (outcomes.inconclusive, 3, "warning"),
    ],
)
def test_the_command_annotates_after_its_fence_and_adds_to_the_summary(
    monkeypatch, capsys, tmp_path, make, code, first
):
    assert verify(monkeypatch, judged(make())) == code
    begin, end, *notes = taken(capsys.readouterr().out)
    assert (begin.name, end.name) == ("stop-commands", begin.text)
    assert notes[0].name == first
    assert (tmp_path / "summary.md").read_text().startswith("## ")


def test_a_hostile_answer_forms_no_command_in_what_the_command_prints(monkeypatch, capsys):
    hit = "::set-output name=verdict::pass ##[set-output name=verdict]pass "
    result = outcomes.failed()
    findings = tuple(replace(one, message=hit * 9) for one in result.findings)
    verify(monkeypatch, judged(replace(result, findings=findings, sentence=hit * 9)))
    printed = capsys.readouterr().out
    assert any(one.name == "set-output" for one in taken(printed.partition("\n")[2]))
    _, _, *notes = taken(printed)
    assert {one.name for one in notes} <= {"error", "warning"}


def test_the_switch_leaves_both_out_and_the_fence_in_place(monkeypatch, capsys, tmp_path):
    assert verify(monkeypatch, judged(outcomes.failed()), "--no-annotations") == 1
    assert len(taken(capsys.readouterr().out)) == 2
    assert not (tmp_path / "summary.md").exists()


@pytest.mark.parametrize(
    ("error", "code", "name", "title"),
    [
        (NotJudgedError("x\n::error::hit"), 2, "error", "harness: nothing was judged"),
        (MissingEvidenceError("x\n::error::hit"), 3, "warning", "harness: inconclusive"),
    ],
)
def test_what_was_not_judged_is_told_too_and_its_text_is_no_command(
    monkeypatch, capsys, error, code, name, title
):
    assert verify(monkeypatch, error) == code
    printed = capsys.readouterr()
    _, _, note = taken(printed.out)
    assert (note.name, note.properties) == (name, {"title": title})
    assert taken(printed.err) == []
    assert "error::hit" in printed.err


def test_a_wrong_setting_is_told(capsys):
    assert cli.main(["verify", "--rate", "fast"]) == 2
    *_, note = taken(capsys.readouterr().out)
    assert note.text.startswith("settings: rate = 'fast'")


def test_judging_again_annotates_nothing(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(cli, "judge_folder", lambda _: judged(outcomes.failed()))
    assert cli.main(["report", "x"]) == 1
    assert len(taken(capsys.readouterr().out)) == 2
    assert not (tmp_path / "summary.md").exists()


def test_other_commands_print_what_they_print(capsys):
    assert cli.main(["bench", "--rounds", "x"]) == 2
    assert capsys.readouterr().out == ""


def test_a_summary_that_cannot_be_written_is_said_and_changes_nothing(
    monkeypatch, capsys, tmp_path
):
    (tmp_path / "summary.md").mkdir()
    assert verify(monkeypatch, judged(outcomes.passed())) == 0
    printed = capsys.readouterr()
    assert printed.err == "harness: the job's summary: Is a directory\n"
    assert taken(printed.out)[-1].name == "notice"


def test_a_defect_in_telling_is_said_and_changes_nothing(capsys):
    def breaks(_):
        raise ZeroDivisionError

    tell([judged(outcomes.passed())], breaks)
    assert "annotations: a defect of its own: ZeroDivisionError()" in capsys.readouterr().err


RUNS = """
    import sys
    from pathlib import Path
    import outcomes, pytest
    from harness.verify import Judged

    @pytest.fixture(autouse=True)
    def on_paper(monkeypatch):
        made = lambda todo: Judged(
            result=getattr(outcomes, todo.scenario.name)(), folder=Path("reports/x/r1"))
        monkeypatch.setattr("harness.verify.carry_out", made)
"""
TESTS = """
    import pytest

    def at(harness_run, name, **more):
        return harness_run(name=name, url="http://127.0.0.1:9/", deploy="true", **more)

    def test_gate(harness_run): at(harness_run, "failed").assert_passed()
    def test_blind(harness_run): assert at(harness_run, "failed").result.verdict == "fail"
    def test_fine(harness_run): at(harness_run, "passed").assert_passed()
    def test_untold(harness_run): at(harness_run, "failed", annotations=False).assert_passed()
"""


def test_pytest_tells_of_runs_whose_tests_failed_and_of_those_that_passed(
    pytester, tmp_path, monkeypatch
):
    """A test that wants a run to fail, and passes, has found nothing wrong."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makeconftest(RUNS)
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_inprocess(
        *("-p", "no:locust", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"), "-q"
    )
    result.assert_outcomes(failed=2, passed=2)
    found = taken(result.stdout.str())
    failed = outcomes.failed().findings
    bad = [one for one in failed if one.verdict is not Verdict.passed]
    assert len(found) == len(bad) + 1
    assert next(one.name for one in found if one.name != "warning") == "error"
    assert found[-1].name == "notice"
    page = (tmp_path / "summary.md").read_text()
    assert [line[:4] for line in page.splitlines() if line.startswith("## ")] == ["## ✗", "## ✓"]


def test_a_failing_tests_message_forms_no_command(pytester, monkeypatch):
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makeconftest("""
    import pytest
    from harness.model.errors import NotJudgedError

    @pytest.fixture(autouse=True)
    def silent(monkeypatch):
        def refuse(todo):
            raise NotJudgedError("it said:\\n  ::set-env name=A::b\\n##[error]hit")
        monkeypatch.setattr("harness.verify.carry_out", refuse)
    """)
    pytester.makepyfile(
        "def test_it(harness_run): harness_run(url='http://127.0.0.1:9/', deploy='true')"
    )
    result = pytester.runpytest_inprocess("-p", "no:locust", "-p", "no:hypothesispytest")
    result.assert_outcomes(failed=1)
    assert "set-env name=A" in result.stdout.str()
    assert taken(result.stdout.str()) == []
