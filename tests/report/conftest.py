"""The synthetic history is kept with the analysis's tests.

`HARNESS_UPDATE_GOLDEN=1 pytest tests/report` writes the golden reports anew: read the difference
before committing it.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "analysis")]


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compares a text with the golden file of that name, or updates the file."""

    def compare(name: str, text: str) -> None:
        path = HERE / "golden" / name
        if os.environ.get("HARNESS_UPDATE_GOLDEN"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return compare
