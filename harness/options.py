"""Settings as options: the same for the command line and for pytest."""

import enum
import typing
from collections.abc import Collection, Mapping
from typing import Any

from harness.config import Settings
from harness.limits import PREFIX, TWINS

__all__ = ["add_settings", "given_settings"]

_TABLES = frozenset({"images", "plugins", "traffic"})
"""Settings that only pyproject.toml can say."""
_REPEATED = {
    "streams": ("stream", "STREAM"),
    "url": ("url", "URL"),
    "page": ("page", "PATH"),
    "app_env": ("app-env", "NAME=VALUE"),
}
"""Settings of which an option says one: the option, which may be given several times, and what it
takes.
"""
_ALSO = {"app_env": "env"}
"""Shorter names of options."""


def add_settings(
    parser: Any,
    *,
    prefix: str,
    only: Collection[str] = (),
    defaults: Mapping[str, Any] | None = None,
) -> None:
    """An option for each setting (or for `only` those named) but the tables, which belong into
    pyproject.toml. Where `defaults` says another one than Settings, the help does too.

    `parser` is argparse's or an option group of pytest's. Values stay text: Settings checks
    them, so that every face says the same of a wrong one.
    """
    add = getattr(parser, "addoption", None) or parser.add_argument
    # The limits, which are many, stand last.
    fields = sorted(Settings.model_fields.items(), key=lambda item: item[0].startswith(PREFIX))
    for name, field in fields:
        if name in _TABLES or (only and name not in only):
            continue
        if name in _REPEATED:
            option, metavar = _REPEATED[name]
            flags = [f"{prefix}{each}" for each in (option, _ALSO.get(name)) if each]
            add(
                *flags,
                dest=f"harness_{name}",
                default=None,
                action="append",
                metavar=metavar,
                help=f"{field.description}; may be given several times",
            )
            continue
        kind = field.annotation
        default = (defaults or {}).get(name, field.default)
        flags = [f"{prefix}{name.replace('_', '-')}"]
        if name.endswith(("_s", "_ms")):
            # The unit is what anybody means.
            flags.append(flags[0].rpartition("-")[0])
        dest, text = f"harness_{name}", str(field.description)
        if kind is bool:
            if default:
                # What is on is only ever turned off.
                flags, text = [f"{prefix}no-{name.replace('_', '-')}"], f"do not {text}"
            action = "store_false" if default else "store_true"
            add(*flags, dest=dest, default=None, action=action, help=text)
            continue
        choices = typing.get_args(kind)
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            choices = tuple(member.value for member in kind)
        has_none = field.is_required() or name == "seed" or default == ""
        add(
            *flags,
            dest=dest,
            default=None,
            metavar="|".join(map(str, choices)) if choices else name.upper(),
            help=text if has_none else f"{text} (default {default})",
        )
    for twin, name in TWINS.items():
        if not only or name in only:
            flag = f"{prefix}{twin.replace('_', '-')}"
            short = [flag.removesuffix("-ms")] if twin.endswith("_ms") else []
            add(flag, *short, dest=f"harness_{twin}", default=None, metavar=twin.upper(),
                help=f"the same as {prefix}{name.replace('_', '-')}")  # fmt: skip


def given_settings(options: Any) -> dict[str, Any]:
    """What was said on a command line, by setting."""
    names = (*Settings.model_fields, *TWINS)
    found = {name: getattr(options, f"harness_{name}", None) for name in names}
    return {name: value for name, value in found.items() if value is not None}
