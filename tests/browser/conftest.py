"""What the tests in a browser share: histories from the other tests, and one Chromium."""

import sys
from collections.abc import Callable, Iterator
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


@pytest.fixture
def opened(tab: Page, pages: Path) -> Callable[..., Page]:
    """Opens one of the module's `pages` by its name, without the ending."""

    def open_(name: str, *, width: int = 1280, dark: bool = False) -> Page:
        tab.look(width=width, dark=dark)
        tab.requests.clear()
        tab.said.clear()
        tab.open(pages / f"{name}.html")
        return tab

    return open_
