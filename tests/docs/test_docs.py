"""What README and docs say can be done: links lead somewhere, commands are understood."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import cli
from harness.config import load
from harness.options import given_settings

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
OURS = ("harness", ".venv/bin/harness")


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(path: Path) -> set[str]:
    """As a browser of repositories makes them: lower case, no marks, hyphens for blanks."""
    heads = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_each_link_leads_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def blocks(page: Path) -> Iterator[str]:
    """Lines of blocks of code, indented or fenced, continued ones joined."""
    text = page.read_text().replace("\\\n", " ")
    fenced = re.sub(
        r"^```[^\n]*\n(.*?)^```",
        lambda block: re.sub("^", "    ", block[1], flags=re.MULTILINE),
        text,
        flags=re.MULTILINE | re.DOTALL,
    )
    return (line.strip() for line in fenced.splitlines() if line.startswith("    "))


def commands() -> list[tuple[str, str]]:
    """(page, command) of each one that is the harness's, of tables too."""
    found = []
    for page in PAGES:
        lines = list(blocks(page)) + re.findall(r"`(harness [a-z][^`]*)`", page.read_text())
        found += [
            (shown(page), line) for line in lines if line.startswith(tuple(f"{x} " for x in OURS))
        ]
    return found


COMMANDS = commands()


def test_there_are_commands():
    assert len(COMMANDS) > 50


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=lambda value: value[:70])
def test_each_command_is_understood(page, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command, comments=True)[1:]
    # `harness report` alone names a command, `--help` ends it, and … goes on as it may.
    is_whole = not any("…" in word for word in words)
    words = [word for word in words if "…" not in word]
    if words in (["report"], ["compare"]) or "--help" in words:
        return
    options = cli._parser().parse_args(words)
    if words[0] == "verify" and is_whole:
        load(given_settings(options)).refuse_contradictions()


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_each_target_of_make_is_there(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    lines = [*blocks(page), *re.findall(r"`(make [^`]*)`", page.read_text())]
    for line in lines:
        if match := re.match(r"make ([a-z-]+)", line):
            assert match[1] in targets, line
