"""The pytest face, in pytest runs of its own."""

import subprocess
import sys

import pytest

from harness.config import load
from harness.plugin import TRAFFIC
from harness.verify import default_traffic

QUIET = ("-p", "no:locust", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")

NO_ENGINE = """
    import docker, docker.errors, pytest

    @pytest.fixture(autouse=True)
    def no_engine(monkeypatch):
        def silent():
            raise docker.errors.DockerException("nobody")
        monkeypatch.delenv("DOCKER_HOST", raising=False)
        monkeypatch.setattr(docker, "from_env", silent)
"""

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


@pytest.fixture
def inner(pytester, monkeypatch):
    """Runs pytest on a test file and a conftest."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(test, *arguments, conftest=""):
        pytester.makeconftest(conftest)
        pytester.makepyfile(test)
        return pytester.runpytest_inprocess(*QUIET, *arguments, no_reraise_ctrlc=True)

    return run


def test_options_are_in_pytests_help(inner):
    result = inner("", "--help")
    result.stdout.fnmatch_lines(
        [
            "zero-downtime harness:",
            "  --harness-rate=RATE*requests a second, in all (default 300.0)",
        ]
    )


def test_options_beat_the_file_and_the_file_beats_the_defaults(inner, pytester):
    pytester.makepyprojecttoml("[tool.harness]\nrate = 40\nswaps = 2\n")
    inner(
        """
        def test_it(harness_settings, harness_traffic):
            assert (harness_settings.rate, harness_settings.swaps) == (50, 2)
            assert round(harness_traffic.rate_hz) == 50
        """,
        "--harness-rate=50",
    ).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("file", "option", "said"),
    [
        ("", "--harness-rate=fast", "*harness: settings: rate = 'fast' (requests a second*"),
        ("rat = 5", "--harness-rate=50", "*no such key 'rat'; did you mean 'rate'?*"),
    ],
)
def test_a_wrong_setting_is_the_command_lines_message_and_no_traceback(
    inner, pytester, file, option, said
):
    pytester.makepyprojecttoml(f"[tool.harness]\n{file}\n")
    result = inner("def test_it(harness_settings): pass", option)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([said])
    result.stdout.no_fnmatch_line("*pydantic*")
    result.stdout.no_fnmatch_line("*exception*")


def test_a_run_is_named_after_its_test_and_takes_settings_by_keyword(inner):
    inner(
        """
        def test_my_swap(harness_run, planned):
            harness_run(swap="recreate", swaps=3, rate=40)
            [todo] = planned
            assert todo.scenario.name == "test_my_swap"
            assert (todo.scenario.swap, todo.scenario.swaps) == ("recreate", 3)
            assert round(todo.scenario.traffic.rate_hz) == 40
            assert todo.folder.parent.name == "test_my_swap"

        def test_another(harness_run, planned):
            harness_run(name="mine", timeout_s=3)
            [todo] = planned
            assert todo.scenario.name == "mine"
            assert {s.timeout_s for s in todo.scenario.traffic.streams} == {3}
            assert round(todo.scenario.traffic.rate_hz) == 300
        """,
        conftest=PLANNED,
    ).assert_outcomes(passed=2)


def test_limits_are_options_and_a_run_takes_its_own_which_change_no_other(inner, pytester):
    pytester.makepyprojecttoml("[tool.harness.limits]\nnear_misses = 5\nlost_writes = 1\n")
    inner(
        """
        def test_by_table(harness_run, planned):
            harness_run(limits={"near_misses": 0})
            limits = planned[0].scenario.limits
            assert (limits.near_misses, limits.lost_writes, limits.p99_ms) == (0, 1, 250)

        def test_by_key(harness_run, planned):
            harness_run(limit_failed_share=0.01, limit_p99_ms="90ms")
            limits = planned[0].scenario.limits
            assert (limits.near_misses, limits.failed_share, limits.p99_ms) == (5, 0.01, 90)
        """,
        "--harness-limit-p99=250ms",
        conftest=PLANNED,
    ).assert_outcomes(passed=2)


def test_traffic_of_ones_own_is_sent_from_a_fixture_or_an_argument(inner):
    inner(
        """
        import pytest
        from harness.model.traffic import Stream, Traffic

        OWN = Traffic(streams=(Stream(name="own", path="/own", rate_hz=30),))
        OTHER = Traffic(streams=(Stream(name="other", path="/", rate_hz=30),))

        @pytest.fixture
        def harness_traffic():
            return OWN

        def test_fixture(harness_run, planned):
            harness_run()
            assert planned[0].scenario.traffic == OWN

        def test_argument(harness_run, planned):
            harness_run(traffic=OTHER)
            assert planned[0].scenario.traffic == OTHER
        """,
        conftest=PLANNED,
    ).assert_outcomes(passed=2)


def test_a_run_takes_the_mix_that_it_asks_for(inner):
    inner(
        """
        def test_it(harness_run, planned):
            harness_run(mix="heavy")
            assert "websocket" in {s.name for s in planned[0].scenario.traffic.streams}
        """,
        conftest=PLANNED,
    ).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "given", [{}, {"url": "http://a.test/"}, {"compose": "c", "health": "/up", "tls": True}]
)
def test_no_setting_that_traffic_is_made_from_is_passed_over(given):
    """Where one were, a run would send another load than it was asked for, and nobody would see."""
    asked = set()

    class Recorder:
        def __getattr__(self, name):
            asked.add(name)
            return getattr(load(given), name)

    default_traffic(Recorder())
    # The first is told by two of them, and the second tells of those that it names.
    assert asked - {"is_at_url", "model_fields_set"} <= TRAFFIC


def test_a_run_at_a_url_takes_the_traffic_of_that_url(inner):
    inner(
        """
        def test_it(harness_run, planned):
            harness_run(url="http://a.test/shop", deploy="true", release="body", rate=30)
            [todo] = planned
            assert todo.scenario.target == "url"
            assert todo.scenario.name == "test_it"
            assert [s.path for s in todo.scenario.traffic.streams] == ["/shop", "/shop"]
            assert todo.scenario.traffic.release_from == "body"

        def test_seeds(harness_run, harness_settings, planned):
            harness_run(swaps=2)
            assert planned[0].scenario.seed == harness_settings.seed
        """,
        conftest=PLANNED,
    ).assert_outcomes(passed=2)


def test_a_wrong_keyword_is_refused_with_its_nearest(inner):
    result = inner("def test_it(harness_run): harness_run(swapz='drain')", conftest=PLANNED)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*no such key 'swapz'; did you mean 'swap*"])


def test_without_an_engine_a_run_is_a_failed_test_with_one_message_and_no_skip(inner, pytester):
    result = inner("def test_it(harness_run): harness_run()", conftest=NO_ENGINE)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["harness: engine: no Docker engine answers; run `make setup`*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*exception*")
    assert not list(pytester.path.glob("reports/*"))


def test_without_an_engine_a_stack_is_an_error_with_one_message(inner):
    result = inner("def test_it(harness_stack): pass", conftest=NO_ENGINE)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["harness: engine: no Docker engine answers*"])


STACK = """
    import pytest
    from harness.target import Endpoint

    calls = []

    class Stack:
        def up(self, timeline):
            calls.append("up")
            return Endpoint(host="h", port=1)

        def down(self):
            calls.append("down")

    @pytest.fixture(autouse=True)
    def on_paper(monkeypatch):
        monkeypatch.setattr("harness.ways.bundled.new_stack", lambda run, settings: Stack())

    def pytest_unconfigure():
        print("calls:", *calls)
"""


def test_a_stack_is_up_in_the_test_and_down_after_it_even_when_it_failed(inner):
    result = inner(
        """
        def test_it(harness_stack):
            stack, endpoint = harness_stack
            assert endpoint.port == 2
        """,
        conftest=STACK,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["calls: up down"])


def test_an_inconclusive_run_is_a_failed_test_that_says_why(inner):
    result = inner(
        """
        from pathlib import Path
        from harness.model.finding import Finding, Verdict
        from harness.model.result import Requests, Result
        from harness.verify import Judged

        def judged(verdict, **more):
            result = Result(
                schema=1, harness="0", run="r", scenario="s", verdict=verdict,
                sentence="what was found", environment={}, drop_bound=None,
                findings=(Finding(check="recorded", verdict=verdict, message="a row is missing"),),
                requests=Requests(planned=0, sent=0, ok=0, failed=0, unknown=0, by_outcome={}),
                latency_ms={}, outages=(), marks=(),
            )
            return Judged(result=result, folder=Path("reports/s/r"), **more)

        def test_inconclusive():
            judged(Verdict.inconclusive).assert_passed()

        def test_failed():
            judged(Verdict.failed).assert_passed()

        def test_unwritten():
            judged(Verdict.passed, unwritten="disk full").assert_passed()

        def test_passed():
            judged(Verdict.passed).assert_passed()
        """
    )
    result.assert_outcomes(failed=3, passed=1)
    result.stdout.fnmatch_lines(
        ["*what was found", "*inconclusive: recorded: a row is missing", "*folder: reports/s/r"]
    )
    result.stdout.fnmatch_lines(["*disk full"])


def test_an_interrupted_run_ends_the_session(inner):
    result = inner(
        """
        def test_it(harness_run): harness_run()

        def test_later(): pass
        """,
        conftest="""
    import pytest
    from harness.model.errors import Interrupted

    @pytest.fixture(autouse=True)
    def interrupted(monkeypatch):
        def carry_out(_):
            raise Interrupted("interrupted: nothing was judged")
        monkeypatch.setattr("harness.verify.carry_out", carry_out)
    """,
    )
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes()


def test_load_is_not_sent_under_xdist(pytester, monkeypatch):
    pytest.importorskip("xdist")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makepyfile("def test_it(harness_run): harness_run()")
    result = pytester.runpytest_subprocess(*QUIET, "-n", "1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["*load is not sent under pytest-xdist*run these tests with `-n 0`*"]
    )


def test_a_project_that_does_not_use_the_plugin_does_not_load_engine_sender_or_tables():
    """Importing locust patches the standard library; the others are slow."""
    script = (
        "import sys, pytest, harness.plugin\n"
        "harness.plugin.pytest_addoption(pytest.Parser(_ispytest=True))\n"
        "print({'docker', 'testcontainers', 'locust', 'gevent', 'pandas', 'numpy', 'rich'}\n"
        "      & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
