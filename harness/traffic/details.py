"""What the child writes beside the request log: why samples failed, what became of visits."""

import json
from dataclasses import asdict
from pathlib import Path

from harness.model.outcome import Outcome
from harness.model.visit import Visited

__all__ = ["Details", "Visits"]

_MAX_DETAILS = 1_000


class Details:
    """Explanations of failed samples, the first thousand, a JSON line each."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._count = 0
        self.last = ""
        self.errors: dict[str, int] = {}

    def add(self, seq: int, outcome: Outcome, text: str) -> None:
        self.last = text
        self._count += 1
        if self._count > _MAX_DETAILS:
            return
        try:
            self._file.write(json.dumps({"seq": seq, "outcome": outcome.name, "text": text}) + "\n")
            self._file.flush()
        except OSError as error:
            self.errors[f"details.jsonl: {error}"] = 1

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            self.errors[f"details.jsonl: {error}"] = 1


class Visits:
    """What became of visits, a JSON line each."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._errors: dict[str, int] = {}

    def add(self, visited: Visited) -> None:
        try:
            self._file.write(json.dumps(asdict(visited)) + "\n")
            self._file.flush()
        except OSError as error:
            self._errors[f"visits.jsonl: {error}"] = 1

    def close(self) -> list[str]:
        """What went wrong: a visit without its line is one of which too little is known."""
        try:
            self._file.close()
        except OSError as error:
            self._errors[f"visits.jsonl: {error}"] = 1
        return list(self._errors)
