"""What the scenarios share: each run's verdict in the summary at the end of the session."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.verify import Judged

# For the plugin's own tests; pytest takes this in the topmost conftest only.
pytest_plugins = ["pytester"]

_VERDICTS = pytest.StashKey[list[str]]()


@pytest.fixture
def proved(
    request: pytest.FixtureRequest, harness_run: Callable[..., Judged]
) -> Callable[..., Judged]:
    """As `harness_run`, and says in the summary what was found."""

    def run(**settings: Any) -> Judged:
        judged = harness_run(**settings)
        said = request.config.stash.setdefault(_VERDICTS, [])
        said.append(f"{request.node.name}: {judged.result.sentence}\n  {judged.folder}")
        return judged

    return run


@pytest.fixture
def said(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Adds a line to that summary."""

    def add(line: str) -> None:
        request.config.stash.setdefault(_VERDICTS, []).append(f"  {line}")

    return add


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    said = config.stash.get(_VERDICTS, [])
    if said:
        terminalreporter.section("verdicts")
        for line in said:
            terminalreporter.write_line(line)
