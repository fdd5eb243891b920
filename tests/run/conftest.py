"""The fakes are a package of their own, for other tests to use too."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from rig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """A run on fakes, about to begin."""
    return Rig(tmp_path / "run")


@pytest.fixture
def own_signals() -> Iterator[None]:
    """The command installs handlers for the rest of its process: here, for the test."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def plain_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """report.html has tests of its own; drawing one takes as long as fifty runs on fakes."""
    monkeypatch.setattr("harness.report.html.html", lambda _history, _result: "<!DOCTYPE html>")
