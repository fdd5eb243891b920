"""A `docker` command that does as a test says, first on PATH."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "stack"), str(TESTS / "analysis")]

Docker = Callable[..., Path]


@pytest.fixture
def docker(tmp_path, monkeypatch) -> Docker:
    """`docker(version=…, config=…, up=…)` puts it there; the file returned lists its calls.

    Each is (exit code, standard output, standard error), or the output alone.
    """

    def put(**answers: Any) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        calls = tmp_path / "calls"
        calls.touch()
        lines = ["#!/bin/sh", f'echo "$PWD $*" >> {calls}', 'case "$*" in']
        for verb, answer in ({"version": "2.26.1-4"} | answers).items():
            code, out, err = answer if isinstance(answer, tuple) else (0, answer, "")
            for name, text in (("out", out), ("err", err)):
                (folder / f"{verb}.{name}").write_text(
                    text if isinstance(text, str) else json.dumps(text)
                )
            lines.append(
                f"*' {verb} '*) cat {folder}/{verb}.out; cat {folder}/{verb}.err >&2; exit {code};;"
            )
        lines += ["*) echo 'not foreseen' >&2; exit 99;;", "esac"]
        script = folder / "docker"
        script.write_text("\n".join(lines) + "\n")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        return calls

    return put
