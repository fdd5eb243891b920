"""Limits as settings: `[tool.harness.limits]`, `--limit-…` and `--harness-limit-…`.

A key of the table, as `failed_share`, is the setting `limit_failed_share`. Two limits are older
than the table and keep their names beside it: `resolve_ms` and `near_misses`.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.functional_validators import BeforeValidator

from harness.model.errors import NotJudgedError
from harness.model.scenario import Limits

__all__ = ["PREFIX", "TABLE", "TWINS", "LimitSettings", "flattened", "nearest", "shown"]

TABLE: Final = "limits"
PREFIX: Final = "limit_"
TWINS: Final[Mapping[str, str]] = {
    f"{PREFIX}resolve_ms": "resolve_ms",
    f"{PREFIX}near_misses": "near_misses",
}
"""Keys of the table that are settings under another name."""
_LONGEST_MS: Final = 3_600_000


def in_ms(value: Any) -> Any:
    """`5ms` means 5."""
    return value.strip().removesuffix("ms") if isinstance(value, str) else value


def _as_share(value: Any) -> Any:
    """`0.1%` means 0.001."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(Decimal(value.strip().removesuffix("%").strip()) / 100)
        except InvalidOperation:
            return value
    return value


def _none_or_more(factor: float) -> float:
    if 0 < factor < 1:
        raise ValueError(
            "less than the steady state itself; give it 1 or more, or 0, which is none"
        )
    return factor


_Length = Annotated[float, Field(ge=0, le=_LONGEST_MS), BeforeValidator(in_ms)]
_Factor = Annotated[float, Field(ge=0, le=1_000), AfterValidator(_none_or_more)]


class LimitSettings(BaseModel):
    """What a run may show and still pass. The defaults allow nothing to be dropped."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit_failed_share: Annotated[float, Field(ge=0, lt=1), BeforeValidator(_as_share)] = Field(
        0.0, description="share of the run's requests that may fail; 0.001 is one in a thousand"
    )
    limit_p99_ms: _Length = Field(
        0.0, description="most that the p99 in the swap may be, by stream; 0 sets none"
    )
    limit_p99_factor: _Factor = Field(
        Limits().latency_factor,
        description="times the steady p99 that it may be, if that is more than the margin; 0: "
        "the steady state sets no limit",
    )
    limit_p99_margin_ms: _Length = Field(
        Limits().latency_margin_ms, description="above the steady p99 that it may be"
    )
    limit_max_ms: _Length = Field(
        0.0, description="most that any answer in the swap may take; 0 sets none"
    )
    limit_max_factor: _Factor = Field(
        0.0, description="times the steady p99 that any answer in the swap may take; 0 sets none"
    )
    limit_outage_ms: _Length = Field(
        0.0, description="longest outage allowed, which must have been sure to be seen; 0 sets none"
    )
    limit_lost_writes: int = Field(
        0, ge=0, le=1_000_000, description="most acknowledged writes that may be lost"
    )
    limit_doubled_writes: int = Field(
        0, ge=0, le=1_000_000, description="most writes that may be applied more than once"
    )
    limit_reconnect_ms: Annotated[float, Field(gt=0, le=_LONGEST_MS), BeforeValidator(in_ms)] = (
        Field(
            Limits().reconnect_ms,
            description="from a visit's orderly close to the answer on its next connection",
        )
    )

    def allowed(self, limits: Limits) -> Limits:
        """`limits` with those of the table."""
        return replace(
            limits,
            failed_share=self.limit_failed_share,
            p99_ms=self.limit_p99_ms,
            latency_factor=self.limit_p99_factor,
            latency_margin_ms=self.limit_p99_margin_ms,
            max_ms=self.limit_max_ms,
            max_factor=self.limit_max_factor,
            outage_ms=self.limit_outage_ms,
            lost_writes=self.limit_lost_writes,
            doubled_writes=self.limit_doubled_writes,
            reconnect_ms=self.limit_reconnect_ms,
        )

    def limits_at_odds(self, resolve_ms: float) -> Iterator[str]:
        """A line for each limit that another one leaves without a meaning."""
        said = self.model_fields_set
        p99_ms, max_ms, outage_ms = self.limit_p99_ms, self.limit_max_ms, self.limit_outage_ms
        if not self.limit_p99_factor and not p99_ms:
            yield (
                "limits.p99_factor = 0 leaves latency without a limit; give limits.p99_ms, or "
                "leave it out"
            )
        if not self.limit_p99_factor and "limit_p99_margin_ms" in said:
            yield (
                f"limits.p99_margin_ms = {self.limit_p99_margin_ms:g} counts from the steady p99, "
                "which limits.p99_factor = 0 leaves out; leave one of them out"
            )
        if 0 < max_ms < p99_ms:
            yield (
                f"limits.max_ms = {max_ms:g} is below limits.p99_ms = {p99_ms:g}, and no p99 is "
                "above its longest; raise the one or lower the other"
            )
        if 0 < outage_ms < resolve_ms:
            yield (
                f"limits.outage_ms = {outage_ms:g} asks that such an outage be seen, and "
                f"resolve_ms = {resolve_ms:g} is content with less; leave resolve_ms out"
            )


KEYS: Final = (
    *(name.removeprefix(PREFIX) for name in LimitSettings.model_fields),
    *TWINS.values(),
)


def flattened(given: Mapping[str, Any]) -> dict[str, Any]:
    """What one place says, with each key of its table `limits` as a setting.

    NotJudgedError where that is no table, or a limit is said twice and not alike.
    """
    found = {key: value for key, value in given.items() if key != TABLE and key not in TWINS}
    table = given.get(TABLE, {})
    if not isinstance(table, Mapping):
        raise NotJudgedError(
            f"settings: {TABLE} = {table!r}: expected the table [tool.harness.{TABLE}]"
        )
    again = {f"{PREFIX}{key}": value for key, value in table.items()}
    again |= {key: given[key] for key in TWINS if key in given and key not in again}
    for key, value in again.items():
        name = TWINS.get(key, key)
        if name in found and _plain(found[name]) != _plain(value):
            raise NotJudgedError(
                f"settings: {shown(key)} = {value!r} and {name} = {found[name]!r} are one limit, "
                "said twice and not alike; leave one of them out"
            )
        found[name] = value
    return found


def _plain(value: Any) -> Any:
    """For comparison: `5ms`, `5` and 5.0 are alike."""
    try:
        return float(_as_share(in_ms(value)))
    except (TypeError, ValueError):
        return value


def shown(name: str) -> str:
    """A setting as a user writes it: `limits.failed_share`, `rate`."""
    return f"{TABLE}.{name.removeprefix(PREFIX)}" if name.startswith(PREFIX) else name


def nearest(key: str, known: Mapping[str, Any]) -> str:
    """The setting that was meant by a key that is none; empty where none is near."""
    if key in KEYS:
        return f"{TABLE}.{key}"
    if key.startswith(PREFIX):
        near = difflib.get_close_matches(key.removeprefix(PREFIX), KEYS, n=1)
        return f"{TABLE}.{near[0]}" if near else ""
    return next(iter(difflib.get_close_matches(key, [TABLE, *map(shown, known)], n=1)), "")
