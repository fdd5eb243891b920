"""The synthetic history is kept with the analysis's tests."""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "analysis"), str(Path(__file__).parent)]


@pytest.fixture(autouse=True)
def plain_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """report.html has tests of its own, and drawing one takes longer than all else here."""
    monkeypatch.setattr("harness.report.html.html", lambda _history, _result: "<!DOCTYPE html>")
