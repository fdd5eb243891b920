"""The pytest face: options `--harness-…`, and fixtures for settings, traffic, a stack, a run.

    def test_my_swap_drops_nothing(harness_run):
        harness_run(swap="drain").assert_passed()

    @pytest.mark.harness(url="https://shop.test/", deploy="make deploy")
    def test_our_deploy_drops_nothing(harness_run):
        harness_run().assert_passed()

A marker's keywords are settings for the fixtures of what it is on: a test, a class, a module.

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
    from harness.stack.own import OwnApp
    from harness.stack.stack import Stack
    from harness.stack.variation import Variation
    from harness.swap import Swap
    from harness.target import Endpoint
    from harness.verify import Judged

_OWN = {"compose", "tls", "health", "old_image", "page"}
_SITE = {"url", "streams", "expect_status", "expect_text", "release", *_OWN}
TRAFFIC = frozenset({"mix", "traffic", "rate", "arrivals", "timeout_s", "locustfile", *_SITE})
"""Settings that the traffic is made from: where a run changes one, it is made anew."""

_RUNS = pytest.StashKey[list[tuple[str, "Judged"]]]()
"""The runs so far that a job is to be told of, each with its test's id."""

__all__ = ["TRAFFIC", "harness_run", "harness_settings", "harness_stack", "harness_traffic"]


def pytest_addoption(parser: pytest.Parser) -> None:
    from harness.options import add_settings  # noqa: PLC0415 (see above)

    add_settings(parser.getgroup("harness", "zero-downtime harness"), prefix="--harness-")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "harness(**settings): settings of the zero-downtime harness for the fixtures of this test; "
        "they win over [tool.harness] and --harness-… options",
    )


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


@pytest.fixture
def harness_settings(request: pytest.FixtureRequest) -> "Settings":
    """Settings from `[tool.harness]`, from `--harness-…` options, which win, and from the test's
    markers `harness`, which win over both; of several markers the nearest to the test.
    """
    with _plainly():
        base = _of_session(request.config)
        marks = list(request.node.iter_markers("harness"))
        if not marks:
            return base
        changes: dict[str, Any] = {}
        for mark in reversed(marks):
            changes |= _keywords(mark)
        return _changed(base, changes, request.config)


_SETTINGS = pytest.StashKey["Settings"]()


def _of_session(config: pytest.Config) -> "Settings":
    """The same for the whole session, so that one seed is drawn for it."""
    from harness.config import load  # noqa: PLC0415
    from harness.options import given_settings  # noqa: PLC0415

    if _SETTINGS not in config.stash:
        config.stash[_SETTINGS] = load(given_settings(config.option), folder=config.rootpath)
    return config.stash[_SETTINGS]


def _keywords(mark: pytest.Mark) -> dict[str, Any]:
    from harness.model.errors import NotJudgedError  # noqa: PLC0415

    if mark.args:
        raise NotJudgedError(
            f"marker: harness({', '.join(map(repr, mark.args))}) names no setting; say each by its "
            "keyword, such as harness(rate=100)"
        )
    return dict(mark.kwargs)


def _changed(settings: "Settings", changes: dict[str, Any], config: pytest.Config) -> "Settings":
    from harness.config import load  # noqa: PLC0415
    from harness.limits import flattened  # noqa: PLC0415

    # What was not set stays so: a URL contradicts what only the stack has.
    base = settings.model_dump(exclude_unset=True) | {"seed": settings.seed}
    return load(base | flattened(changes), folder=config.rootpath)


@pytest.fixture
def harness_traffic(harness_settings: "Settings") -> "Traffic":
    """The default mix at the rate of the settings; override it for traffic of your own."""
    from harness.verify import default_traffic  # noqa: PLC0415

    return default_traffic(harness_settings)


@pytest.fixture
def harness_stack(
    request: pytest.FixtureRequest, harness_settings: "Settings", tmp_path_factory: Any
) -> "Iterator[tuple[Stack | OwnApp, Endpoint]]":
    """The bundled stack, up with the old release, and where it answers; gone after the test."""
    from harness.kept import new_run  # noqa: PLC0415
    from harness.timeline import SystemTime, Timeline  # noqa: PLC0415
    from harness.ways import bundled, images  # noqa: PLC0415

    _refuse_xdist(request.config)
    with _plainly():
        way = images if harness_settings.old_image else bundled
        stack = way.new_stack(new_run(), harness_settings)
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

        with _plainly():
            settings = _changed(harness_settings, changes, request.config)
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
