"""Workloads as data: those that are bundled, and those of a user's own file."""

import dataclasses
import difflib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from harness.bench.model import Cache, Change, Swap, Workload
from harness.model.draw import Draw
from harness.model.errors import NotJudgedError
from harness.model.traffic import Burst

__all__ = ["DEFAULT", "chosen", "known"]

DEFAULT = ("exponential", "slow-server")

_WORKLOAD: Final = TypeAdapter(Workload)
_INSIDE: Final[Mapping[str, type]] = {
    "service": Draw,
    "keys": Draw,
    "changes": Change,
    "cache": Cache,
    "burst": Burst,
    "swap": Swap,
}


def known(more: Iterable[Path] = ()) -> dict[str, Workload]:
    """By name: the bundled ones, and those of other files, which must have names of their own.

    NotJudgedError names the file, the workload, the key, its value and what would do.
    """
    bundled = files("harness.bench").joinpath("workloads.toml").read_text("utf-8")
    found = _parsed(bundled, "workloads.toml")
    for path in more:
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise NotJudgedError(f"workloads: {path} cannot be read: {error}") from error
        own = _parsed(text, str(path))
        for name in own:
            if name in found:
                raise NotJudgedError(
                    f"workloads: {path}: there is a workload {name!r} already; name it otherwise"
                )
        found |= own
    return found


def chosen(names: Sequence[str], found: Mapping[str, Workload]) -> tuple[Workload, ...]:
    """Those workloads; `all` is every one. NotJudgedError for a name that is none of them."""
    if list(names) == ["all"]:
        return tuple(found.values())
    for name in names:
        if name not in found:
            near = difflib.get_close_matches(name, found, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise NotJudgedError(
                f"workloads: there is none named {name!r}; {hint}known are: {', '.join(found)}"
            )
    return tuple(found[name] for name in dict.fromkeys(names))


def _parsed(text: str, where: str) -> dict[str, Workload]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotJudgedError(f"workloads: {where} is not valid TOML: {error}") from error
    return {name: _workload(name, table, where) for name, table in tables.items()}


def _workload(name: str, table: Any, where: str) -> Workload:
    place = f"workloads: {where}: [{name}]"
    if not isinstance(table, dict):
        raise NotJudgedError(f"{place} must be a table")
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        # It becomes part of folders' names, of HAProxy's backends and of Host headers.
        raise NotJudgedError(f"{place}: a name has letters, digits, - and _")
    _refuse_unknown(place, Workload, table)
    for key, kind in _INSIDE.items():
        inner = table.get(key, [])
        for each in inner if isinstance(inner, list) else [inner]:
            if isinstance(each, dict):
                _refuse_unknown(f"{place}: {key}", kind, each)
    try:
        return _WORKLOAD.validate_python({"name": name} | table)
    except ValidationError as error:
        mistake = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in mistake["loc"])
        what = mistake["msg"].removeprefix("Value error, ")
        value = mistake["input"] if key and not isinstance(mistake["input"], dict) else ""
        told = f" {key}{f' = {value!r}' if value != '' else ''}:" if key else ""
        raise NotJudgedError(f"{place}:{told} {what}") from error


def _refuse_unknown(place: str, kind: type, table: Mapping[str, Any]) -> None:
    """Pydantic passes over keys that a dataclass does not have."""
    fields = [field.name for field in dataclasses.fields(kind) if field.name != "name"]
    for key in table:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(fields)}"
            raise NotJudgedError(f"{place}: no such key {key!r}; {hint}")
