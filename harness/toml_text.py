"""Settings as TOML: a key and its value as they stand in a settings file."""

import enum
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic.fields import FieldInfo

__all__ = ["default_of", "key_of", "value_text"]

_LIMIT: Final = "limit_"
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def key_of(name: str) -> str:
    """The key of the setting with that name: those of a table are dotted."""
    return f"limits.{name.removeprefix(_LIMIT)}" if name.startswith(_LIMIT) else name


def default_of(field: FieldInfo) -> Any:
    """None where there is none."""
    return None if field.is_required() else field.get_default(call_default_factory=True)


def value_text(value: Any) -> str:
    """On one line. TypeError for what TOML has no value of."""
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str | Path):
        return _string(str(value))
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(value_text, value))}]"
    if isinstance(value, Mapping):
        pairs = (f"{_key(str(key))} = {value_text(each)}" for key, each in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    raise TypeError(f"{value!r} has no value in TOML")


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _string(key)


def _string(text: str) -> str:
    """A basic string of TOML takes all escapes of JSON's, and wants one more."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
