"""Settings as options: the same for the command line and for pytest."""

import enum
import typing
from typing import Any

from harness.config import Settings

__all__ = ["add_settings", "given_settings"]

_TABLES = frozenset({"images", "plugins"})
"""Settings that only pyproject.toml can say."""


def add_settings(parser: Any, *, prefix: str) -> None:
    """An option for each setting but the tables, which belong into pyproject.toml.

    `parser` is argparse's or an option group of pytest's. Values stay text: Settings checks
    them, so that every face says the same of a wrong one.
    """
    for name, field in Settings.model_fields.items():
        if name in _TABLES:
            continue
        kind = field.annotation
        choices = typing.get_args(kind)
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            choices = tuple(member.value for member in kind)
        shown = "" if field.is_required() or name == "seed" else f" (default {field.default})"
        add = getattr(parser, "addoption", None) or parser.add_argument
        add(
            f"{prefix}{name.replace('_', '-')}",
            dest=f"harness_{name}",
            default=None,
            metavar="|".join(map(str, choices)) if choices else name.upper(),
            help=f"{field.description}{shown}",
        )


def given_settings(options: Any) -> dict[str, Any]:
    """What was said on a command line, by setting."""
    found = {name: getattr(options, f"harness_{name}", None) for name in Settings.model_fields}
    return {name: value for name, value in found.items() if value is not None}
