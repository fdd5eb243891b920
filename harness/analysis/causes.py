"""Causes: from the facts of a request to the first cause of the table that holds."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from harness.analysis.facts import Fact

__all__ = ["Cause", "cause_of", "causes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """An entry of causes.toml, which documents them."""

    name: str
    component: str
    says: str
    remedy: str
    when: Mapping[str, Any] = field(default_factory=dict)


@cache
def causes() -> tuple[Cause, ...]:
    text = files("harness.analysis").joinpath("causes.toml").read_text("utf-8")
    return tuple(Cause(**entry) for entry in tomllib.loads(text)["cause"])


def cause_of(facts: Mapping[str, Fact]) -> Cause | None:
    """The first that holds; None where none does."""
    return next(
        (
            cause
            for cause in causes()
            if all(_holds(facts.get(name), wanted) for name, wanted in cause.when.items())
        ),
        None,
    )


def _holds(value: Fact | None, wanted: Any) -> bool:
    if value is None:
        return False
    if isinstance(wanted, dict):
        return not isinstance(value, str) and value >= wanted["min"]
    return value in wanted if isinstance(wanted, list) else value == wanted
