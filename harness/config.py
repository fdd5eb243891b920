"""What a user may set: `[tool.harness]` in pyproject.toml, the command line, pytest's options."""

import difflib
import random
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from harness.model.errors import NotJudgedError
from harness.model.scenario import Limits, Timing
from harness.model.traffic import ArrivalKind

__all__ = ["LEAST_RATE", "Settings", "load"]

LEAST_RATE = 10.0
"""Below it the streams are too thin to be seen before, during and after each swap."""


class Settings(BaseModel):
    """Every setting, with its default. Keys are the same everywhere: `rate` here is `--rate`
    on the command line and `--harness-rate` for pytest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rate: float = Field(300.0, ge=LEAST_RATE, le=100_000, description="requests a second, in all")
    arrivals: ArrivalKind = Field(ArrivalKind.even, description="spacing of requests")
    swap: str = Field("drain", description="the swap strategy: drain, recreate or scale-then-stop")
    swaps: int = Field(1, ge=1, le=10_000, description="how often, there and back")
    algorithm: str = Field("roundrobin", description="HAProxy's balance algorithm")
    replicas: int = Field(1, ge=1, le=32, description="instances of the website")
    timeout_s: float = Field(10.0, gt=0, le=600, description="for a request")
    seed: int = Field(
        default_factory=lambda: random.randrange(2**31),  # noqa: S311 (a schedule, not a secret)
        ge=0,
        description="of all that is drawn at random; recorded",
    )
    warmup_s: float = Field(2.0, ge=0, le=3600, description="before the steady phase")
    steady_s: float = Field(10.0, gt=0, le=36_000, description="before the first swap")
    between_s: float = Field(1.0, ge=0.5, le=3600, description="between two swaps")
    after_s: float = Field(4.0, ge=1, le=3600, description="after the last swap")
    ready_timeout_s: float = Field(30.0, gt=0, le=3600, description="for a new instance")
    drain_timeout_s: float = Field(30.0, gt=0, le=3600, description="for an old instance")
    stop_timeout_s: float = Field(10.0, ge=1, le=3600, description="from stop signal to kill")
    path: Literal["auto", "edge", "published"] = Field(
        "auto", description="the edge's own address, or its published loopback port"
    )
    port: int = Field(0, ge=0, le=65_535, description="the edge's loopback port; 0 is any")
    reports: Path = Field(Path("reports"), description="folder for run folders")
    images: dict[str, str] = Field(
        default_factory=dict,
        description="image by component (base, edge, balancer, store) or release (v1, v2)",
    )
    plugins: tuple[str, ...] = Field(
        (), description="modules for the sending child, which may listen to Locust's events"
    )

    @field_validator("images")
    @classmethod
    def _known_components(cls, images: dict[str, str]) -> dict[str, str]:
        known = ("base", "edge", "balancer", "store", "v1", "v2")
        for name in images:
            if name not in known:
                raise ValueError(f"unknown component {name!r}; known are: {', '.join(known)}")
        return images

    def timing(self) -> Timing:
        return Timing(
            warmup_s=self.warmup_s,
            steady_s=self.steady_s,
            between_s=self.between_s,
            after_s=self.after_s,
            # A request sent last may take its whole time; then it has failed by itself.
            finish_s=self.timeout_s + 2.0,
        )

    def limits(self) -> Limits:
        return Limits()


def load(given: Mapping[str, Any] | None = None, *, folder: Path | None = None) -> Settings:
    """Settings from `[tool.harness]` of the pyproject.toml in `folder` (default: here) or the
    nearest one above it, overridden by `given` where that is not None.

    NotJudgedError names the key, its value and the remedy.
    """
    merged = _from_file((folder or Path.cwd()).resolve())
    merged |= {key: value for key, value in (given or {}).items() if value is not None}
    try:
        return Settings(**merged)
    except ValidationError as error:
        raise NotJudgedError(_explained(error)) from error


def _from_file(folder: Path) -> dict[str, Any]:
    for place in (folder, *folder.parents):
        path = place / "pyproject.toml"
        if path.is_file():
            try:
                content = tomllib.loads(path.read_text("utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise NotJudgedError(f"settings: {path} is not valid TOML: {error}") from error
            tool = content.get("tool", {})
            section = tool.get("harness", {}) if isinstance(tool, dict) else {}
            if not isinstance(section, dict):
                raise NotJudgedError(f"settings: {path}: [tool.harness] must be a table")
            return dict(section)
    return {}


def _explained(error: ValidationError) -> str:
    """A line for each mistake: the key, its value, what would do."""
    lines = []
    for mistake in error.errors(include_url=False):
        key = ".".join(str(part) for part in mistake["loc"])
        if mistake["type"] == "extra_forbidden":
            near = difflib.get_close_matches(key, Settings.model_fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "see `harness verify --help`"
            lines.append(f"settings: no such key {key!r}; {hint}")
            continue
        what = mistake["msg"].removeprefix("Value error, ")
        field = Settings.model_fields.get(str(mistake["loc"][0]))
        meaning = f" ({field.description})" if field and field.description else ""
        lines.append(f"settings: {key} = {mistake['input']!r}{meaning}: {what}")
    return "\n".join(lines)
