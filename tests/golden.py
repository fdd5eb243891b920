"""Reports as they are committed, beside the tests that make them."""

import os
from collections.abc import Callable
from pathlib import Path


def comparing(folder: Path) -> Callable[[str, str], None]:
    """Compares a text with the golden file of that name in the folder, or with
    HARNESS_UPDATE_GOLDEN=1 writes it anew: read the difference before committing it.
    """

    def compare(name: str, text: str) -> None:
        path = folder / name
        if os.environ.get("HARNESS_UPDATE_GOLDEN"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return compare
