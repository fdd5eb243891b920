"""The reference in docs/, from the code: `python -m harness.reference` writes it anew."""

import argparse
import sys
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic.fields import FieldInfo

from harness.config import Settings
from harness.exits import EXITS
from harness.options import add_settings
from harness.toml_text import default_of, key_of, value_text

__all__ = ["pages"]

_DOCS: Final = Path(__file__).parents[1] / "docs"
_MADE: Final = "<!-- Made by `python -m harness.reference`: change the code, not this file. -->"
_BOUNDS: Final = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
_NONE: Final = "none"


_SETTINGS: Final = """
# Settings

Each is a key of `[tool.harness]` in `pyproject.toml`, or of `harness.toml` without that head. A folder has
them in one of the two; the nearest folder upwards that has either file counts. An option of `harness verify` wins over the
file, and so does pytest's, which has `--harness-` before it (`--harness-rate 50`); keywords of the fixture
`harness_run` win over both. `harness init` writes a file with all of them.

Options in seconds or milliseconds may leave the unit out: `--steady 10`, `--resolve 5`.

| key | default | values | what | option |
|---|---|---|---|---|
"""  # noqa: E501 (as wide as the other pages)

_EXITS: Final = """
# Exit codes

Of `harness verify`, and of `harness report`, which judges a run folder again:

| code | name | when | what to do |
|--:|---|---|---|
{}
The worst finding is the verdict: fail, then inconclusive, then pass. Only 0 lets a deploy through.

In pytest an inconclusive run is a failed test, never a skip, and so is one of which nothing was judged.

| command | 0 | 2 | 3 |
|---|---|---|---|
| `harness doctor` | all that is needed is there | something is missing | |
| `harness init` | written | settings are there already, or have no room | |
| `harness calibrate` | every outage was found | not carried out | one was not, or no evidence |
| `harness bench` | every round counts | nothing was measured | a round is no evidence |
| `harness compare-swaps` | the comparison was made | it was not | |
| `harness history` | listed, or pruned | a run could not be removed | |
| `harness compare` | the comparison was made, whatever it found | the runs are not comparable, or gone | |
| `harness clean` | all was removed | the engine refused some | |
"""  # noqa: E501 (as above)


class _Options:
    """Takes what argparse would: the flags of each setting."""

    def __init__(self) -> None:
        self.flags: dict[str, list[str]] = {}

    def add_argument(self, *flags: str, dest: str, **_: Any) -> None:
        self.flags.setdefault(dest.removeprefix("harness_"), []).extend(flags)


def pages() -> Mapping[str, str]:
    """The text of each page by its name."""
    exits = (f"| {one.code} | {one.name} | {one.when} | {one.then} |\n" for one in EXITS)
    return {
        "settings.md": f"{_MADE}\n{_SETTINGS}{''.join(_rows())}",
        "exit-codes.md": f"{_MADE}\n{_EXITS.format(''.join(exits))}",
    }


def _rows() -> Iterator[str]:
    options = _Options()
    add_settings(options, prefix="--")
    for name, field in Settings.model_fields.items():
        flags = options.flags.get(name, [])
        cells = (
            f"`{key_of(name)}`",
            _default(name, field),
            _values(field),
            _escaped(field.description or ""),
            f"`{flags[0]}`" if flags else "in a file only",
        )
        yield f"| {' | '.join(cells)} |\n"


def _default(name: str, field: FieldInfo) -> str:
    if name == "seed":
        return "drawn"
    default = default_of(field)
    if default is None or default in ("", (), {}):
        return _NONE
    return f"`{_escaped(value_text(default))}`"


def _values(field: FieldInfo) -> str:
    """What may stand there: `number, ≥ 10, ≤ 100,000`."""
    bounds = (
        f"{sign} {bound:,.10g}"
        for each in field.metadata
        for name, sign in _BOUNDS.items()
        if (bound := getattr(each, name, None)) is not None
    )
    return ", ".join(part for part in (_words(field.annotation), *bounds) if part)


def _words(kind: Any) -> str:
    if typing.get_origin(kind) is typing.Literal:
        return " ".join(f"`{each}`" for each in typing.get_args(kind))
    if isinstance(kind, type) and issubclass(kind, str) and hasattr(kind, "__members__"):
        return " ".join(f"`{each.value}`" for each in kind)  # type: ignore[attr-defined]
    if typing.get_origin(kind) is dict:
        return "table"
    if typing.get_origin(kind) is tuple:
        return "list"
    known = {
        bool: "`true` `false`",
        int: "whole number",
        float: "number",
        str: "text",
        Path: "path",
    }
    return known.get(kind, "")


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: list[str] | None = None) -> int:
    """Writes the pages; with --check none, and 1 says that one is stale. 2: this is no checkout."""
    parser = argparse.ArgumentParser(prog="python -m harness.reference")
    parser.add_argument("--check", action="store_true", help="say which are stale; write nothing")
    options = parser.parse_args(arguments)
    if not _DOCS.is_dir():
        print(f"{_DOCS}: there is no such folder; run it in a checkout", file=sys.stderr)
        return 2
    stale = [name for name, text in pages().items() if _now(name) != text]
    for name in stale:
        if options.check:
            print(f"docs/{name} is stale: run `python -m harness.reference`", file=sys.stderr)
        else:
            (_DOCS / name).write_text(pages()[name], "utf-8")
            print(f"docs/{name} written")
    return int(options.check and bool(stale))


def _now(name: str) -> str:
    path = _DOCS / name
    return path.read_text("utf-8") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main())
