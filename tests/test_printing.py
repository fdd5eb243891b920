"""What cannot be printed ends nothing, and changes no exit code."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.printing import unfailing


def closed_pipe():
    """The writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return os.fdopen(writing, "w", encoding="utf-8")


def full_disk():
    return Path("/dev/full").open("w", encoding="utf-8")


@pytest.mark.parametrize(
    ("stream", "why"),
    [(closed_pipe, "Broken pipe"), (full_disk, "No space left on device")],
)
def test_what_cannot_be_printed_is_said_once_and_raises_nothing(monkeypatch, stream, why):
    said = io.StringIO()
    with stream() as out:
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", said)
        with unfailing():
            print("one", flush=True)
            print("two", flush=True)
        assert sys.stdout is out
    assert said.getvalue() == f"harness: standard output: {why}: what follows is not shown\n"


def test_where_nothing_at_all_can_be_printed_nothing_raises(monkeypatch):
    with closed_pipe() as out, full_disk() as err:
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        with unfailing():
            print("one", flush=True)
            print("two", file=sys.stderr, flush=True)


def test_closed_streams_are_left_closed(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with unfailing():
        print("one", flush=True)
    assert sys.stdout is None


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", "? ? 5 ms"), ("latin-1", "? ± 5 ms"), ("utf-8", "✓ ± 5 ms")]
)
def test_signs_that_an_encoding_does_not_have_are_replaced(monkeypatch, tmp_path, encoding, shown):
    file = tmp_path / "out"
    with file.open("w", encoding=encoding) as out:
        monkeypatch.setattr(sys, "stdout", out)
        with unfailing():
            print("✓ ± 5 ms")
    assert file.read_text(encoding) == f"{shown}\n"


@pytest.mark.parametrize("stream", [closed_pipe, full_disk])
def test_the_real_command_keeps_its_exit_code_to_its_very_end(tmp_path: Path, stream):
    """What is held back until then is none of what fails."""
    with stream() as out:
        done = subprocess.run(
            [sys.executable, "-m", "harness.cli", "--help"],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 0
    [line] = done.stderr.splitlines()
    assert line.startswith("harness: standard output: ")
