"""The marker `harness`, streams by keyword, and failing gates, in pytest runs of their own."""

import xml.etree.ElementTree as ET

import pytest

QUIET = ("-p", "no:locust", "-p", "no:hypothesispytest")

PLANNED = """
    import pytest

    planned = []

    @pytest.fixture(autouse=True)
    def only_planned(monkeypatch):
        planned.clear()
        monkeypatch.setattr("harness.verify.carry_out", planned.append)

    @pytest.fixture(name="planned")
    def the_plans():
        return planned
"""

JUDGED = """
    import pytest
    from pathlib import Path
    from harness.model.finding import Finding, Verdict
    from harness.model.result import Requests, Result
    from harness.verify import Judged

    @pytest.fixture(autouse=True)
    def judged(monkeypatch):
        def carry_out(todo):
            # By the settings of the run, so that a marker decides what comes of it.
            verdict = Verdict.passed if todo.scenario.seed == 7 else Verdict.failed
            result = Result(
                schema=1, harness="0", run="r", scenario="s", verdict=verdict,
                sentence=f"{verdict.value}: what was found", environment={}, drop_bound=None,
                findings=(
                    Finding(check="no_failed_request", verdict=verdict, message="3 turned away"),
                ),
                requests=Requests(planned=0, sent=0, ok=0, failed=0, unknown=0, by_outcome={}),
                latency_ms={}, outages=(), marks=(),
            )
            return Judged(result=result, folder=Path("reports/s/r"))
        monkeypatch.setattr("harness.verify.carry_out", carry_out)
"""

GATES = """
    import pytest

    AT = {"url": "http://a.test/", "deploy": "true"}

    @pytest.mark.harness(**AT, seed=7)
    def test_right_deploy(harness_run):
        harness_run().assert_passed()

    @pytest.mark.harness(**AT, seed=8)
    def test_wrong_deploy(harness_run):
        harness_run().assert_passed()

    @pytest.mark.harness(**AT, seed=9)
    def test_other_deploy(harness_run):
        harness_run().assert_passed()
"""


@pytest.fixture
def inner(pytester, monkeypatch):
    """Runs pytest on a test file and a conftest."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(test, *arguments, conftest=""):
        pytester.makeconftest(conftest)
        pytester.makepyfile(test)
        return pytester.runpytest_inprocess(*QUIET, "--strict-markers", *arguments)

    return run


def test_a_marker_sets_what_the_fixtures_of_its_test_take(inner, pytester):
    pytester.makepyprojecttoml("[tool.harness]\nrate = 40\nswaps = 2\n")
    inner(
        """
        import pytest

        @pytest.mark.harness(rate=60, swap="recreate")
        def test_marked(harness_settings, harness_traffic, harness_run, planned):
            assert (harness_settings.rate, harness_settings.swaps) == (60, 2)
            assert round(harness_traffic.rate_hz) == 60
            harness_run(swaps=3)
            [todo] = planned
            assert round(todo.scenario.traffic.rate_hz) == 60
            assert (todo.scenario.swap, todo.scenario.swaps) == ("recreate", 3)

        def test_unmarked(harness_settings):
            assert (harness_settings.rate, harness_settings.swap) == (50, "drain")
        """,
        "--harness-rate=50",
        conftest=PLANNED,
    ).assert_outcomes(passed=2)


def test_the_nearest_of_several_markers_wins(inner):
    inner(
        """
        import pytest

        pytestmark = pytest.mark.harness(rate=20, swaps=2, seed=3)

        @pytest.mark.harness(rate=30, replicas=4)
        class TestIt:
            @pytest.mark.harness(rate=40)
            def test_near(self, harness_settings):
                found = harness_settings
                assert (found.rate, found.swaps, found.seed, found.replicas) == (40, 2, 3, 4)

            def test_of_the_class(self, harness_settings):
                assert harness_settings.rate == 30

        def test_of_the_module(harness_settings):
            assert harness_settings.rate == 20
        """
    ).assert_outcomes(passed=3)


def test_a_stack_is_the_marked_tests(inner):
    inner(
        """
        import pytest

        @pytest.mark.harness(replicas=5)
        def test_it(harness_stack):
            assert harness_stack[0].replicas == 5
        """,
        conftest="""
    import pytest
    from types import SimpleNamespace

    @pytest.fixture(autouse=True)
    def on_paper(monkeypatch):
        def new_stack(run, settings):
            up_and_down = {"up": lambda _: None, "down": lambda: None}
            return SimpleNamespace(replicas=settings.replicas, **up_and_down)
        monkeypatch.setattr("harness.ways.bundled.new_stack", new_stack)
    """,
    ).assert_outcomes(passed=1)


def test_one_seed_is_drawn_for_all_tests_of_a_session(inner):
    inner(
        """
        import pytest
        seeds = set()

        @pytest.mark.harness(rate=30)
        def test_a(harness_settings): seeds.add(harness_settings.seed)

        def test_b(harness_settings): seeds.add(harness_settings.seed)

        def test_c(harness_settings):
            seeds.add(harness_settings.seed)
            assert len(seeds) == 1
        """
    ).assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ("swapz='drain'", "harness: settings: no such key 'swapz'; did you mean 'swap*"),
        ("rate=0", "harness: settings: rate = 0 (requests a second*"),
        ("'drain'", "harness: marker: harness('drain') names no setting; say each by its keyword*"),
    ],
)
def test_a_wrong_marker_is_one_message_and_no_traceback(inner, marker, said):
    result = inner(
        f"""
        import pytest

        @pytest.mark.harness({marker})
        def test_it(harness_settings): pass
        """
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([said])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*plugin.py*")


def test_the_marker_is_listed_with_what_it_means(inner):
    result = inner("", "--markers")
    result.stdout.fnmatch_lines(
        ["@pytest.mark.harness(?*settings): settings of the zero-downtime*"]
    )


def test_streams_are_dicts_as_in_toml_or_lines(inner):
    inner(
        """
        import pytest

        STREAMS = [
            {"name": "home", "weight": 3},
            {
                "name": "order",
                "url": "https://api.test/orders",
                "method": "POST",
                "json": {"n": 1},
                "expect_json": {"app": {"status": "ok"}},
            },
            "health GET /health expect_json.status=ok",
        ]

        def of(todo):
            return {s.name: (s.method, s.origin, s.path, round(s.rate_hz)) for s in
                    todo.scenario.traffic.streams}

        SENT = {
            "home": ("GET", "http://a.test", "/shop", 60),
            "order": ("POST", "https://api.test", "/orders", 20),
            "health": ("GET", "http://a.test", "/health", 20),
        }

        def test_by_keyword(harness_run, planned):
            harness_run(url="http://a.test/shop", deploy="true", rate=100, streams=STREAMS)
            [todo] = planned
            assert of(todo) == SENT
            assert todo.scenario.traffic.streams[1].expect_json == {"app.status": "ok"}
            assert todo.scenario.traffic.streams[1].body == '{"n": 1}'

        @pytest.mark.harness(url="http://a.test/shop", deploy="true", streams=STREAMS)
        def test_by_marker(harness_run, planned):
            harness_run(rate=100)
            assert of(planned[0]) == SENT

        def test_wrong(harness_run):
            harness_run(url="http://a.test/", deploy="true", streams=[{"name": "a", "wait": 2}])
        """,
        conftest=PLANNED,
    ).assert_outcomes(passed=2, failed=1)


def test_a_failing_gate_is_a_failing_test_that_names_the_cause_and_shows_no_line_of_ours(inner):
    result = inner(GATES, conftest=JUDGED)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            ">       harness_run().assert_passed()",
            "E       AssertionError: fail: what was found",
            "E         fail: no_failed_request: 3 turned away",
            "E         run folder: reports/s/r",
        ]
    )
    result.stdout.fnmatch_lines(["FAILED *::test_wrong_deploy*"])
    result.stdout.no_fnmatch_line("*verify.py*")
    result.stdout.no_fnmatch_line("*plugin.py*")


def test_quiet_says_what_anybody_expects_of_it(inner):
    result = inner(GATES, "-q", conftest=JUDGED)
    result.stdout.fnmatch_lines([".FF*", "*2 failed, 1 passed in *"])


def test_the_first_failing_gate_ends_the_session_where_that_was_asked_for(inner):
    inner(GATES, "-x", conftest=JUDGED).assert_outcomes(passed=1, failed=1)


def test_gates_are_chosen_by_name_and_by_marker(inner):
    inner(GATES, "-k", "right", conftest=JUDGED).assert_outcomes(passed=1, deselected=2)
    inner(GATES, "-m", "not harness", conftest=JUDGED).assert_outcomes(deselected=3)


def test_the_gates_that_failed_last_are_the_ones_that_run_again(inner):
    inner(GATES, conftest=JUDGED).assert_outcomes(passed=1, failed=2)
    inner(GATES, "--lf", conftest=JUDGED).assert_outcomes(failed=2)
    # Another length, too: Python keeps what it compiled by size and second.
    mended = GATES.replace("seed=8", "seed = 7")
    inner(mended, "--lf", conftest=JUDGED).assert_outcomes(passed=1, failed=1)


def test_pytests_own_junit_has_a_case_a_gate_with_the_cause(inner, pytester):
    inner(GATES, "--junit-xml=junit.xml", conftest=JUDGED)
    suite = ET.parse(pytester.path / "junit.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "2", "0")
    cases = {case.get("name"): case.find("failure") for case in suite.iter("testcase")}
    assert cases["test_right_deploy"] is None
    message = cases["test_wrong_deploy"].get("message")
    assert "fail: what was found" in message
    assert "3 turned away" in message
