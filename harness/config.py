"""What a user may set: `[tool.harness]` in pyproject.toml, the command line, pytest's options."""

import difflib
import random
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from harness.model.errors import NotJudgedError
from harness.model.scenario import Limits, Timing
from harness.model.traffic import ArrivalKind, release_source

__all__ = ["FINISH_SPARE_S", "LEAST_RATE", "LEAST_SEEN_S", "Settings", "load"]

LEAST_RATE = 10.0
"""Below it the streams are too thin to be seen before, during and after each swap."""

_LEAST_STREAM_RATE = 0.001
"""Of a stream that is sent at all: the time until what is rarer may be beyond every clock."""

_ALL_FREQUENT = "default"
"""The mix of which each stream is asked several times a second."""
LEAST_SEEN_S = Timing().settle_s + 1.0
"""After a deploy at a URL, in seconds: what settles, and then a second to see the new release."""

FINISH_SPARE_S = 2.0
"""At the end, beyond the time that a request may take."""

_URL_PATIENCE = {"probe_s": 5.0, "probe_every_s": 0.2, "probe_answer_s": 5.0}
"""What is not ours is there or it is not; it is asked gently, and may be slow by nature."""

_URL_ONLY = frozenset(
    {
        "deploy",
        "deploy_timeout_s",
        "expect_status",
        "expect_text",
        "hard_stop_s",
        "release",
        "allow_unobserved_release",
        "ca",
    }
)
_STACK_ONLY = frozenset(
    {
        "mix",
        "traffic",
        "swap",
        "batch",
        "algorithm",
        "replicas",
        "ready_timeout_s",
        "drain_timeout_s",
        "stop_timeout_s",
        "path",
        "port",
        "images",
        "control",
        "smoke",
    }
)


def _often_enough(rate: float) -> float:
    if 0 < rate < _LEAST_STREAM_RATE:
        raise ValueError(
            f"too rare; give it {_LEAST_STREAM_RATE:g} or more, or 0, which leaves it out"
        )
    return rate


StreamRate = Annotated[float, Field(ge=0, le=100_000), AfterValidator(_often_enough)]


class Settings(BaseModel):
    """Every setting, with its default. Keys are the same everywhere: `rate` here is `--rate`
    on the command line and `--harness-rate` for pytest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rate: float = Field(300.0, ge=LEAST_RATE, le=100_000, description="requests a second, in all")
    arrivals: ArrivalKind = Field(ArrivalKind.even, description="spacing of requests")
    mix: str = Field("default", description="of requests: default, or heavy with what lasts")
    traffic: dict[str, StreamRate] = Field(
        default_factory=dict, description="requests a second by stream of the mix; 0 leaves it out"
    )
    swap: str = Field("drain", description="the swap strategy; README lists them")
    batch: int = Field(1, ge=1, le=32, description="how many replicas `rolling` replaces at once")
    swaps: int = Field(1, ge=1, le=10_000, description="how often, there and back")
    algorithm: str = Field("roundrobin", description="HAProxy's balance algorithm")
    replicas: int = Field(1, ge=1, le=32, description="instances of the website")
    timeout_s: float = Field(10.0, gt=0, le=600, description="for a request")
    seed: int = Field(
        default_factory=lambda: random.randrange(2**31),  # noqa: S311 (a schedule, not a secret)
        ge=0,
        description="of all that is drawn at random; recorded",
    )
    calibrate: bool = Field(
        default=True, description="begin with outages of known length, put in by a server of ours"
    )
    control: bool = Field(
        default=True, description="ask a stub beside the run, which tells when the machine hiccuped"
    )
    smoke: bool = Field(
        default=True, description="ask a new instance for a page before visitors are sent to it"
    )
    warmup_s: float = Field(2.0, ge=0, le=3600, description="before the steady phase")
    steady_s: float = Field(10.0, gt=0, le=36_000, description="before the first swap")
    between_s: float = Field(0.5, ge=0.5, le=3600, description="between two swaps")
    after_s: float = Field(4.0, ge=1, le=3600, description="after the last swap")
    jitter_s: float = Field(
        0.0, ge=0, le=60, description="most by which each step of a swap is delayed at random"
    )
    ready_timeout_s: float = Field(30.0, gt=0, le=3600, description="for a new instance")
    drain_timeout_s: float = Field(30.0, gt=0, le=3600, description="for an old instance")
    stop_timeout_s: float = Field(10.0, ge=1, le=3600, description="from stop signal to kill")
    path: Literal["auto", "edge", "published"] = Field(
        "auto", description="the edge's own address, or its published loopback port"
    )
    port: int = Field(0, ge=0, le=65_535, description="the edge's loopback port; 0 is any")
    url: str = Field("", description="what to send load to instead of the bundled stack")
    deploy: str = Field("", description="the shell command that replaces the release at that URL")
    deploy_timeout_s: float = Field(600.0, gt=0, le=36_000, description="for that command")
    hard_stop_s: float = Field(
        0.0, ge=0, le=3600, description="after which a proxy that it reloads cuts old connections"
    )
    expect_status: int = Field(200, ge=100, le=599, description="of an answer of that URL")
    expect_text: str = Field("", description="what each answer of that URL must contain")
    release: str = Field(
        "", description="what of an answer tells its release: header:NAME, json:PATH or body"
    )
    allow_unobserved_release: bool = Field(
        default=False, description="pass though no answer tells its release"
    )
    ca: str = Field("", description="PEM file of whom to trust at that URL, not the system's")
    resolve_ms: float = Field(
        0.0, ge=0, le=60_000, description="outage that must not have gone unseen; 0 asks for none"
    )
    near_misses: int = Field(
        -1, ge=-1, description="most requests that only a proxy's retry saved; -1 is any number"
    )
    reports: Path = Field(Path("reports"), description="folder for run folders")
    baseline: str = Field(
        "", description="the run to be no worse than: its folder, id, SCENARIO/latest or latest"
    )
    keep_runs: int = Field(
        0, ge=0, description="of a scenario, the newest that are kept; older ones go; 0 keeps all"
    )
    images: dict[str, str] = Field(
        default_factory=dict,
        description="image by component (base, edge, balancer, store, netfilter) or release",
    )
    plugins: tuple[str, ...] = Field(
        (), description="modules for the sending child, which may listen to Locust's events"
    )

    @field_validator("images")
    @classmethod
    def _known_components(cls, images: dict[str, str]) -> dict[str, str]:
        known = ("base", "edge", "balancer", "store", "netfilter", "v1", "v2")
        for name in images:
            if name not in known:
                raise ValueError(f"unknown component {name!r}; known are: {', '.join(known)}")
        return images

    @field_validator("resolve_ms", mode="before")
    @classmethod
    def _with_unit(cls, value: Any) -> Any:
        """`5ms` means 5."""
        return value.strip().removesuffix("ms") if isinstance(value, str) else value

    @field_validator("release")
    @classmethod
    def _known_source(cls, release: str) -> str:
        release_source(release)
        return release

    def timing(self) -> Timing:
        timing = Timing(
            warmup_s=self.warmup_s,
            steady_s=self.steady_s,
            between_s=self.between_s,
            after_s=self.after_s,
            hard_stop_s=self.hard_stop_s,
            jitter_s=self.jitter_s,
            # A request sent last may take its whole time; then it has failed by itself.
            finish_s=self.timeout_s + FINISH_SPARE_S,
        )
        if self.url:
            timing = replace(timing, **_URL_PATIENCE)
        elif self.mix == _ALL_FREQUENT:
            return timing
        if "between_s" in self.model_fields_set:
            return timing
        # What is asked once a second must be asked between two swaps, too.
        return replace(timing, between_s=max(timing.between_s, LEAST_SEEN_S))

    def limits(self) -> Limits:
        return Limits(
            unobserved_release=self.allow_unobserved_release,
            resolve_ms=self.resolve_ms,
            near_misses=self.near_misses,
        )

    def refuse_contradictions(self) -> None:
        """NotJudgedError with a line for each setting that the target does not have."""
        lines = list(self._contradictions())
        if lines:
            raise NotJudgedError("\n".join(f"settings: {line}" for line in lines))

    def _contradictions(self) -> Iterator[str]:
        given = [name for name in type(self).model_fields if name in self.model_fields_set]
        if not self.url:
            for name in given:
                default = type(self).model_fields[name].default
                if name in _URL_ONLY and getattr(self, name) != default:
                    yield f"{name} is of another target than the bundled stack; name its url too"
            if self.batch > 1 and self.swap != "rolling":
                yield f"batch = {self.batch} is of swap rolling, and swap is {self.swap}"
            return
        if not self.deploy:
            yield "url needs deploy: the command that replaces the release there"
        for name in given:
            if name in _STACK_ONLY:
                yield f"{name} is the bundled stack's; leave it out where url names the target"
        for name in ("between_s", "after_s"):
            if getattr(self, name) < LEAST_SEEN_S and (name == "after_s" or self.swaps > 1):
                yield (
                    f"{name} = {getattr(self, name):g} is too short: the old release may answer "
                    f"for {Timing().settle_s:g} s after a deploy; give it {LEAST_SEEN_S:g} or more"
                )
        if self.ca and not self.url.startswith("https:"):
            yield "ca is for an https URL; leave it out"


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
