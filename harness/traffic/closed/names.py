"""The streams of a locustfile: names of requests, numbered as they come, and written down first."""

import json
from pathlib import Path
from typing import Final

from harness.model.closed import MOST_NAMES, OTHER

__all__ = ["Names"]

_MOST_CHARS: Final = 100


class Names:
    """Numbers from 0 to 249, a JSON line each in a file; 250 stands for every name beyond."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._numbers: dict[tuple[str, str], int] = {}
        self.errors: dict[str, int] = {}

    def number(self, method: str, name: str) -> int:
        key = (method, name)
        found = self._numbers.get(key)
        if found is not None:
            return found
        if len(self._numbers) >= MOST_NAMES:
            number = MOST_NAMES
            if number not in self._numbers.values():
                self._write("", OTHER)
            self._numbers[key] = number
            return number
        number = self._numbers[key] = len(self._numbers)
        self._write(method, name)
        return number

    def _write(self, method: str, name: str) -> None:
        shown = "".join(char if char.isprintable() else "?" for char in f"{method} {name}".strip())
        try:
            self._file.write(json.dumps({"name": shown[:_MOST_CHARS], "method": method}) + "\n")
            self._file.flush()
        except OSError as error:
            self.errors[f"streams.jsonl: {error}"] = 1

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            self.errors[f"streams.jsonl: {error}"] = 1
