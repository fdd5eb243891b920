"""The pytest face: options `--harness-…`, and fixtures for settings, traffic, a stack, a run.

    def test_my_swap_drops_nothing(harness_run):
        harness_run(swap="drain").assert_passed()

What a test asks for is imported when it asks: a project that has this plugin installed and does
not use it pays nothing for it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.config import Settings
    from harness.faults import Fault
    from harness.model.traffic import Traffic
    from harness.stack.stack import Stack
    from harness.stack.variation import Variation
    from harness.swap import Swap
    from harness.target import Endpoint
    from harness.verify import Judged

_SITE = {"url", "expect_status", "expect_text", "release"}
TRAFFIC = frozenset({"mix", "traffic", "rate", "arrivals", "timeout_s", *_SITE})
"""Settings that the traffic is made from: where a run changes one, it is made anew."""

_RUNS = pytest.StashKey[list[tuple[str, "Judged"]]]()
"""The runs so far that a job is to be told of, each with its test's id."""

__all__ = ["TRAFFIC", "harness_run", "harness_settings", "harness_stack", "harness_traffic"]


def pytest_addoption(parser: pytest.Parser) -> None:
    from harness.options import add_settings  # noqa: PLC0415 (see above)

    add_settings(parser.getgroup("harness", "zero-downtime harness"), prefix="--harness-")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tells a CI job of the runs: of one that did not pass only where its test failed too."""
    runs = terminalreporter.config.stash.get(_RUNS, [])
    if not runs:
        return
    from harness.ci.told import tell  # noqa: PLC0415 (see above)
    from harness.model.finding import Verdict  # noqa: PLC0415

    reports = (terminalreporter.stats.get(kind, ()) for kind in ("failed", "error"))
    failed = {report.nodeid for each in reports for report in each}
    tell(
        [
            judged
            for test, judged in runs
            if test in failed or judged.result.verdict is Verdict.passed
        ],
        terminalreporter.write_line,
    )


@pytest.fixture(scope="session")
def harness_settings(pytestconfig: pytest.Config) -> "Settings":
    """Settings from `[tool.harness]` and from `--harness-…` options, which win."""
    from harness.config import load  # noqa: PLC0415
    from harness.options import given_settings  # noqa: PLC0415

    with _plainly():
        return load(given_settings(pytestconfig.option), folder=pytestconfig.rootpath)


@pytest.fixture
def harness_traffic(harness_settings: "Settings") -> "Traffic":
    """The default mix at the rate of the settings; override it for traffic of your own."""
    from harness.verify import default_traffic  # noqa: PLC0415

    return default_traffic(harness_settings)


@pytest.fixture
def harness_stack(
    request: pytest.FixtureRequest, harness_settings: "Settings", tmp_path_factory: Any
) -> "Iterator[tuple[Stack, Endpoint]]":
    """The bundled stack, up and serving v1, and where it answers; gone after the test."""
    from harness.kept import new_run  # noqa: PLC0415
    from harness.timeline import SystemTime, Timeline  # noqa: PLC0415
    from harness.ways.bundled import new_stack  # noqa: PLC0415

    _refuse_xdist(request.config)
    with _plainly():
        stack = new_stack(new_run(), harness_settings)
        timeline = Timeline(tmp_path_factory.mktemp("harness") / "marks.jsonl", SystemTime())
        try:
            yield stack, stack.up(timeline)
        finally:
            try:
                stack.down()
            finally:
                timeline.close()


@pytest.fixture
def harness_run(
    request: pytest.FixtureRequest, harness_settings: "Settings", harness_traffic: "Traffic"
) -> "Callable[..., Judged]":
    """`harness_run(**settings)` carries out one run and returns it judged.

    Keywords override settings for that run; `name` names its folder (default: the test's name)
    and `traffic` replaces the fixture's; `faults` (harness.faults) are put in instead of a swap;
    a `strategy` (harness.swap) of your own on a stack with a `variation` (harness.stack.variation).
    Where nothing could be judged the test fails with the message of the command line.
    """
    from harness.model.errors import NotJudgedError  # noqa: PLC0415
    from harness.verify import carry_out, default_traffic, plan  # noqa: PLC0415

    _refuse_xdist(request.config)

    def run(
        *,
        name: str = "",
        traffic: "Traffic | None" = None,
        faults: "Sequence[Fault]" = (),
        strategy: "Swap | None" = None,
        variation: "Variation | None" = None,
        **changes: Any,
    ) -> "Judged":
        from harness.ci.told import is_a_job  # noqa: PLC0415
        from harness.config import load  # noqa: PLC0415

        with _plainly():
            # What was not set stays so: a URL contradicts what only the stack has.
            base = harness_settings.model_dump(exclude_unset=True) | {"seed": harness_settings.seed}
            settings = load(base | changes, folder=request.config.rootpath)
            changed = sorted(TRAFFIC & set(changes))
            if changed and traffic is None and harness_traffic != default_traffic(harness_settings):
                raise NotJudgedError(
                    f"{', '.join(changed)}: the traffic is this project's own (the fixture "
                    "harness_traffic); say its rates there, or pass traffic="
                )
            chosen = traffic or (None if changed else harness_traffic)
            named = name or request.node.name
            varied = {} if variation is None else {"variation": variation}
            judged = carry_out(
                plan(
                    settings, traffic=chosen, name=named, faults=faults, strategy=strategy, **varied
                )
            )
            if settings.annotations and is_a_job():
                told = request.config.stash.setdefault(_RUNS, [])
                told.append((request.node.nodeid, judged))
            return judged

    return run


def _refuse_xdist(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        pytest.fail(
            "harness: load is not sent under pytest-xdist: several stacks and senders at once "
            "would take the machine from each other, and each would measure the others; "
            "run these tests with `-n 0`",
            pytrace=False,
        )


@contextmanager
def _plainly() -> Iterator[None]:
    """What the harness raises on purpose is a message, not a traceback."""
    from harness.ci.commands import harmless  # noqa: PLC0415
    from harness.model.errors import HarnessError, Interrupted  # noqa: PLC0415

    try:
        yield
    except Interrupted as error:
        raise KeyboardInterrupt(str(error)) from error
    except HarnessError as error:
        # `from None`: pytest would print the chain of what led to it.
        raise pytest.fail.Exception(harmless(f"harness: {error}"), pytrace=False) from None
