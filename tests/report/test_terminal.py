import io
from pathlib import Path

import pytest
from outcomes import failed, hostile, inconclusive, passed
from rich.console import Console

from harness.report.terminal import verdict_text


def printed(result, width=80, *, colour=False):
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=colour, color_system=None)
    console.print(verdict_text(result, Path("reports/drain/20260102T030405Z")))
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


@pytest.mark.parametrize("make", [passed, failed, inconclusive])
def test_the_printed_verdict_is_the_golden_one(make, golden):
    golden(f"terminal-{make.__name__}.txt", printed(make()))


def test_markup_of_a_server_is_printed_as_it_is():
    assert "[bold]x[/bold]" in printed(failed(), width=200)


def test_escape_sequences_of_a_server_are_not_printed():
    text = printed(hostile())
    assert "\x1b" not in text
    assert "\x00" not in text
    assert "\u202e" not in text
    assert len(text) < 200_000


def test_outages_are_bounded_and_the_rest_is_counted():
    text = printed(hostile(), width=200)
    assert "190 more outages are in result.json" in text


def test_the_published_path_is_said():
    assert "connection_lost" in printed(inconclusive(), width=200)
    assert "connection_lost" not in printed(passed(), width=200)
