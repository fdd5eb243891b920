"""Annotations: one a finding, within what the platform shows."""

from dataclasses import replace

import outcomes
import pytest
from job import taken

from harness.ci.annotations import MOST, annotations, unjudged
from harness.model.finding import Finding, Verdict


def kinds(lines):
    found = [one for line in lines for one in taken(line)]
    assert len(found) == len(lines), "each line is a command"
    return [one.name for one in found]


def test_a_run_that_passed_is_one_notice_with_its_sentence():
    result = outcomes.passed()
    [one] = taken(*annotations([result]))
    assert (one.name, one.properties) == ("notice", {"title": f"harness: {result.scenario}"})
    assert one.text == result.sentence


def test_a_run_that_failed_is_an_error_a_failed_finding_and_a_warning_an_inconclusive_one():
    result = outcomes.failed()
    bad = [finding for finding in result.findings if finding.verdict is not Verdict.passed]
    found = [one for line in annotations([result]) for one in taken(line)]
    assert len(found) == len(bad)
    assert {one.name for one in found} <= {"error", "warning"}
    assert found[0].name == "error"
    assert found[0].properties["title"] == f"harness: {result.scenario}: no_failed_request"
    assert found[0].text.startswith("30 of 5,400 requests failed") or "failed" in found[0].text


def test_an_inconclusive_run_is_warnings_alone():
    assert set(kinds(annotations([outcomes.inconclusive()]))) == {"warning"}


def with_findings(*verdicts):
    findings = tuple(
        Finding(check=f"c{number}", verdict=verdict, message=f"m{number}")
        for number, verdict in enumerate(verdicts)
    )
    return replace(outcomes.failed(), findings=findings)


@pytest.mark.parametrize(("count", "shown"), [(9, 9), (10, 10), (11, 10), (60, 10)])
def test_of_a_kind_there_are_ten_and_the_last_counts_the_rest(count, shown):
    result = with_findings(*[Verdict.inconclusive] * 3, *[Verdict.failed] * count)
    lines = annotations([result])
    assert kinds(lines) == ["error"] * shown + ["warning"] * 3
    [last] = taken(lines[shown - 1])
    if count > MOST:
        assert last.properties == {"title": "harness: and more"}
        assert last.text.startswith(f"{count - 9} more, which the job cannot show: ")
        assert f": c{count + 2}" in last.text
    else:
        assert last.text == f"m{count + 2}"


def test_many_runs_of_one_step_share_what_it_can_show():
    lines = annotations([outcomes.passed(), outcomes.failed(), outcomes.inconclusive()] * 20)
    assert {kind: kinds(lines).count(kind) for kind in ("error", "warning", "notice")} == {
        "error": 10,
        "warning": 10,
        "notice": 10,
    }
    assert kinds(lines)[0] == "error"


def test_what_a_server_answered_forms_no_command_and_stays_bounded():
    result = outcomes.hostile()
    text = "x\n::set-env name=A::b\r##[error]%0Ahit"
    findings = tuple(replace(one, check=text * 99, message=text * 999) for one in result.findings)
    lines = annotations([replace(result, findings=findings, scenario=text)])
    assert set(kinds(lines)) == {"error"}
    assert all(len(line) < 5_000 for line in lines)
    assert all(line.isprintable() for line in lines)


def test_a_report_that_could_not_be_written_is_a_warning_beside_the_verdict():
    lines = annotations([outcomes.passed()], ["reports: No space left on device"])
    assert kinds(lines) == ["warning", "notice"]
    assert taken(lines[0])[0].text == "reports: No space left on device"


def test_what_was_not_judged_is_an_error_and_what_is_not_known_a_warning():
    [one] = taken(unjudged("engine: none\nanswers"))
    assert (one.name, one.properties) == ("error", {"title": "harness: nothing was judged"})
    assert "\n" not in one.text
    [one] = taken(unjudged("a row is missing", is_inconclusive=True))
    assert (one.name, one.properties["title"]) == ("warning", "harness: inconclusive")
