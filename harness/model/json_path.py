"""Paths into JSON: keys and indices with dots between them, such as `app.versions.0`."""

import json
from collections.abc import Sequence
from typing import Final

__all__ = ["NOT_FOUND", "found_at", "keys_of", "same", "shown"]

NOT_FOUND: Final = object()


def keys_of(path: str) -> tuple[str, ...]:
    """The keys from the outside in. A key with a dot in it cannot be said."""
    return tuple(path.split("."))


def found_at(value: object, keys: Sequence[str]) -> object:
    """What is there; NOT_FOUND where nothing is. In a list a key is an index, from 0."""
    for key in keys:
        if isinstance(value, dict):
            value = value.get(key, NOT_FOUND)
        elif isinstance(value, list):
            try:
                value = value[int(key)]
            except (ValueError, IndexError):
                return NOT_FOUND
        else:
            return NOT_FOUND
    return value


def same(one: object, other: object) -> bool:
    """As JSON has it: 1 is 1.0 and is neither true nor "1"."""
    return isinstance(one, bool) is isinstance(other, bool) and one == other


def shown(value: object) -> str:
    """As JSON in ASCII; `nothing` where there is none."""
    return "nothing" if value is NOT_FOUND else json.dumps(value)
