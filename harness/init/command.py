"""`harness init`: writes the settings file, beside or into what is there."""

import argparse
import tomllib
from pathlib import Path
from typing import Final

from harness.config import OWN_FILE, Settings
from harness.init.found import look
from harness.init.template import HEAD, rendered
from harness.model.errors import NotJudgedError

__all__ = ["init"]

_PROJECT: Final = "pyproject.toml"


def init(options: argparse.Namespace) -> int:
    """Into pyproject.toml where there is one, which keeps each of its bytes; else harness.toml.

    NotJudgedError where there are settings already, or where the file cannot take them.
    """
    folder = Path.cwd()
    text = rendered(look(folder))
    project, own = folder / _PROJECT, folder / OWN_FILE
    if options.stdout:
        print(f"{HEAD}\n{text}" if project.is_file() else text, end="")
        return 0
    if own.is_file() and not options.force:
        raise NotJudgedError(
            f"init: {OWN_FILE} is there already; write over it with --force, or see the text with "
            "--stdout"
        )
    if project.is_file() and not own.is_file():
        _append(project, text)
        print(f"{HEAD} added to {_PROJECT}: all settings, none of them set")
    else:
        own.write_text(text, encoding="utf-8", newline="\n")
        print(f"{OWN_FILE} written: all settings, none of them set")
    print("next: choose a target in it, then `harness doctor`, then `harness verify`")
    return 0


def _append(project: Path, text: str) -> None:
    before = project.read_bytes()
    end = "\r\n" if b"\r\n" in before else "\n"
    gap = "\n" * bool(before) + "\n" * (not before.endswith(b"\n"))
    added = f"{gap if before else ''}{HEAD}\n{text}".replace("\n", end)
    after = before + added.encode()
    if "harness" in _tool(before, project):
        raise NotJudgedError(
            f"init: {_PROJECT} has {HEAD} already; see the whole text with --stdout"
        )
    try:
        section = tomllib.loads(after.decode())["tool"]["harness"]
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise NotJudgedError(
            f"init: {_PROJECT} cannot take {HEAD} at its end ({error}); see the text with --stdout"
        ) from error
    Settings(**section)
    project.write_bytes(after)


def _tool(content: bytes, path: Path) -> dict[str, object]:
    try:
        tool = tomllib.loads(content.decode()).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NotJudgedError(f"init: {path} is not valid TOML: {error}") from error
    return tool if isinstance(tool, dict) else {}
