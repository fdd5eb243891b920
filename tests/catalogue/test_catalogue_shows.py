"""The fixture `shows`, with runs that are made up."""

import json
import shutil
from pathlib import Path

import pytest
from arms import arm

from harness.catalogue.folder import write_arm

ROOT = Path(__file__).parents[2]
QUIET = ("-p", "no:locust", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")
HEAD = f"""
    from dataclasses import replace
    from pathlib import Path
    from types import SimpleNamespace

    import pytest

    from harness.catalogue.model import Kind
    from harness.model.finding import Verdict
    from harness.model.result import Attribution, Outage
    from harness.report.result_json import load

    EXAMPLE = load(Path({str(ROOT / "reports" / "example" / "result.json")!r}).read_bytes())
    BLAME = Attribution(
        cause="not_connected", component="website", instance="website-1", swap=1, step="stop",
        failed=3, slow=0, first_s=1.0, last_s=1.2, sentence="3 requests failed", remedy="",
        examples=(),
    )

    @pytest.fixture
    def harness_settings():
        return SimpleNamespace(reports=Path("reports"))

    asked = []

    @pytest.fixture
    def harness_run():
        def run(**options):
            asked.append(options)
            if "raises" in options:
                raise RuntimeError("no engine")
            failed, others = options.get("failed", 0), options.get("others", 0)
            result = replace(
                EXAMPLE,
                verdict=Verdict.failed if failed else Verdict.passed,
                requests=replace(EXAMPLE.requests, failed=failed),
                attributions=(
                    replace(BLAME, failed=failed - others),
                    replace(BLAME, cause="balancer_away", failed=others),
                ),
                outages=(),
            )
            folder = Path("reports/test_one/20260102T030405Z-abcd")
            return SimpleNamespace(result=result, folder=folder, explanation=lambda: "as follows")
        return run
"""


@pytest.fixture
def scenario(pytester, monkeypatch):
    """Runs `test_one`, whose text is given, beside the catalogue's own conftest."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    for name in ("conftest.py", "procedures.py"):
        shutil.copy(ROOT / "scenarios" / "catalogue" / name, pytester.path)

    def run(body, *, then="pass"):
        test = f"""
    def test_one(shows):
        {body}

    def test_then():
        {then}
"""
        pytester.makepyfile(test_scenario=HEAD + test)
        return pytester.runpytest_inprocess(*QUIET)

    return run


@pytest.fixture
def catalogue(pytester):
    return pytester.path / "reports" / "catalogue"


DROPS = 'shows(1, Kind.drops, "told to stop", cause={!r}, failed=3)'


def test_an_arm_is_run_briefly_and_ends_on_the_page(scenario, catalogue):
    scenario(
        DROPS.format("not_connected"),
        then='assert asked == [{"warmup_s": 1.0, "steady_s": 5.0, "after_s": 3.0, '
        '"calibrate": False, "failed": 3}]',
    ).assert_outcomes(passed=2)
    kept = json.loads((catalogue / "arms" / "test_one.json").read_text())
    assert (kept["failed"], kept["unmet"], kept["cause"]) == (3, "", "3 requests failed")
    assert kept["folder"] == "../test_one/20260102T030405Z-abcd"
    assert "told to stop (drops)" in (catalogue / "index.md").read_text()


def test_another_cause_than_the_one_it_names_fails_the_scenario_and_the_page(scenario, catalogue):
    result = scenario(DROPS.format("balancer_away"))
    result.assert_outcomes(failed=1, passed=1)
    unmet = "0 of 3 bad requests put down to balancer_away, 3 to not_connected"
    result.stdout.fnmatch_lines([f"*{unmet}*", "*as follows*"])
    assert f"(unexpected: {unmet})" in (catalogue / "index.md").read_text()


def test_it_may_say_why_most_is_put_down_to_another(scenario):
    mixed = 'shows(1, Kind.drops, "w", cause=("not_connected",), failed=3, others=2{})'
    scenario(mixed.format("")).assert_outcomes(failed=1, passed=1)
    scenario(mixed.format(', not_most="they wait"')).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    "body",
    [
        'shows(1, Kind.drops, "w", failed=3)',
        DROPS.format("mistyped"),
        'shows(1, Kind.avoids, "w", cause="not_connected")',
    ],
)
def test_what_no_run_could_meet_is_refused_before_one(scenario, body):
    scenario(body, then="assert not asked").assert_outcomes(failed=1, passed=1)


def test_a_twin_names_no_cause_and_must_pass(scenario):
    scenario('shows(1, Kind.avoids, "drained first")').assert_outcomes(passed=2)
    scenario('shows(1, Kind.avoids, "drained first", failed=1)').assert_outcomes(failed=1, passed=1)


def test_a_run_that_raised_leaves_no_earlier_success(scenario, catalogue):
    write_arm(arm(test="test_one", what="of yesterday"), catalogue)
    (catalogue / "index.md").write_text("of yesterday")
    (catalogue / "index.html").write_text("of yesterday")
    scenario('shows(1, Kind.drops, "w", cause="not_connected", raises=True)').assert_outcomes(
        failed=1, passed=1
    )
    assert not list((catalogue / "arms").iterdir())
    for name in ("index.md", "index.html"):
        assert "yesterday" not in (catalogue / name).read_text()


def test_a_damaged_arm_of_another_scenario_is_named_and_stops_none(scenario, catalogue):
    (catalogue / "arms").mkdir(parents=True)
    (catalogue / "arms" / "test_two.json").write_text('{"mecha')
    scenario(DROPS.format("not_connected")).assert_outcomes(passed=2)
    assert "* Left out: test_two.json: damaged" in (catalogue / "index.md").read_text()
