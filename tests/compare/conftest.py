"""The golden reports are compared as tests/report's are."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from golden import comparing  # noqa: E402 (the paths come first)


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    return comparing(HERE / "golden")
