"""The synthetic history is kept with the analysis's tests.

`HARNESS_UPDATE_GOLDEN=1 pytest tests/report` writes the golden reports anew: read the difference
before committing it.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "analysis")]

from golden import comparing  # noqa: E402 (the paths come first)


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    return comparing(HERE / "golden")
