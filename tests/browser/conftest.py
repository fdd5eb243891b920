"""What the tests in a browser share: histories from the other tests, and one Chromium."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
sys.path[:0] = [
    str(place)
    for place in (
        Path(__file__).parent,
        TESTS / "analysis",
        TESTS / "report",
        TESTS / "bench",
        TESTS / "compare",
    )
]

from chromium import Page, page  # noqa: E402 (the paths come first)


@pytest.fixture(scope="session")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with page(tmp_path_factory.mktemp("chromium")) as found:
        yield found
