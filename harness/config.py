"""What a user may set: a settings file (`[tool.harness]` in pyproject.toml, or harness.toml), the
command line, pytest's options.
"""

import random
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from harness.app_settings import APP_ONLY, WITH_APP, Page, contradictions, variables
from harness.contradictions import COMPOSE_ONLY, of_compose
from harness.limits import LimitSettings, flattened, in_ms, nearest, shown
from harness.model.errors import NotJudgedError
from harness.model.scenario import Limits, Timing
from harness.model.traffic import ArrivalKind, release_source
from harness.streams import MISTAKE, Spec

__all__ = ["FINISH_SPARE_S", "LEAST_RATE", "LEAST_SEEN_S", "OWN_FILE", "Settings", "load"]

OWN_FILE = "harness.toml"
"""The same keys as of `[tool.harness]`, without that head."""

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
        "streams",
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
        "edge_port",
        "host",
        "images",
        "smoke",
    }
)


_SCHEDULE_ONLY = frozenset({"rate", "arrivals", "mix", "traffic", "streams"})


def _often_enough(rate: float) -> float:
    if 0 < rate < _LEAST_STREAM_RATE:
        raise ValueError(
            f"too rare; give it {_LEAST_STREAM_RATE:g} or more, or 0, which leaves it out"
        )
    return rate


StreamRate = Annotated[float, Field(ge=0, le=100_000), AfterValidator(_often_enough)]


def _one_or_several(value: Any) -> Any:
    if isinstance(value, str):
        return (value,) if value else ()
    return value


def _named_once(urls: tuple[str, ...]) -> tuple[str, ...]:
    for url in urls:
        if not url or urls.count(url) > 1:
            raise ValueError(f"{url!r} is named twice; leave one out" if url else "one is empty")
    return urls


Urls = Annotated[tuple[str, ...], BeforeValidator(_one_or_several), AfterValidator(_named_once)]


class Settings(LimitSettings):
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
    host: str = Field(
        "", description="where the engine's published ports are: default DOCKER_HOST's, or loopback"
    )
    edge_port: int = Field(0, ge=0, le=65_535, description="the edge's loopback port; 0 is any")
    old_image: str = Field("", description="image of your app's old release")
    new_image: str = Field("", description="image of your app's new release")
    port: int = Field(8000, ge=1, le=65_535, description="where your app listens in its container")
    health: Page = Field("/ready", description="what your app answers with 2xx once it is ready")
    page: tuple[Page, ...] = Field(("/",), description="path that visitors of your app ask for")
    app_env: dict[str, str] = Field(
        default_factory=dict,
        description="NAME=VALUE in your app's containers, or NAME as it is here",
    )
    url: Urls = Field((), description="what to send load to instead of the bundled stack")
    streams: tuple[Spec, ...] = Field(
        (),
        description="'NAME METHOD URL [KEY=VALUE …]' sent instead of GETs of the url; keys: "
        "headers.NAME, body, json, expect_status, expect_text, expect_headers.NAME, "
        "expect_json.PATH, release, weight, connection, tls, timeout_s, write, slow, cached_s",
    )
    deploy: str = Field("", description="the shell command that replaces the release at that URL")
    compose: str = Field("", description="Compose files of the project to bring up, `:` between")
    service: str = Field("", description="the service of that project that is swapped")
    front: str = Field(
        "", description="SERVICE[:PORT] of that project that gets the load, if not the only one"
    )
    tls: bool = Field(default=False, description="the front speaks https")
    deploy_timeout_s: float = Field(600.0, gt=0, le=36_000, description="for that command")
    hard_stop_s: float = Field(
        0.0, ge=0, le=3600, description="after which a proxy that it reloads cuts old connections"
    )
    expect_status: int = Field(200, ge=100, le=599, description="of an answer of that URL, or app")
    expect_text: str = Field("", description="what each of those answers must contain")
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
    locustfile: str = Field(
        "", description="a locustfile whose users send the requests, in a closed loop"
    )
    users: int = Field(10, ge=1, le=10_000, description="of that locustfile")
    annotations: bool = Field(
        default=True, description="tell a GitHub Actions job what was found, and its summary"
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

    @field_validator("page", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        if value in ([], ()):
            raise ValueError("name at least one")
        return (value,) if isinstance(value, str) else value

    @field_validator("app_env", mode="before")
    @classmethod
    def _from_pairs(cls, value: Any) -> Any:
        return variables(value)

    @field_validator("resolve_ms", mode="before")
    @classmethod
    def _with_unit(cls, value: Any) -> Any:
        """`5ms` means 5."""
        return in_ms(value)

    @field_validator("release")
    @classmethod
    def _known_source(cls, release: str) -> str:
        release_source(release)
        return release

    @property
    def is_at_url(self) -> bool:
        """Whether the target is whatever answers at URLs."""
        return bool(self.url) or any("://" in stream.url for stream in self.streams)

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
        if self.compose:
            timing = replace(timing, **_URL_PATIENCE | {"probe_s": self.ready_timeout_s})
        elif self.is_at_url:
            timing = replace(timing, **_URL_PATIENCE)
        elif self.mix == _ALL_FREQUENT:
            return timing
        if "between_s" in self.model_fields_set:
            return timing
        # What is asked once a second must be asked between two swaps, too.
        return replace(timing, between_s=max(timing.between_s, LEAST_SEEN_S))

    def limits(self) -> Limits:
        return self.allowed(
            Limits(
                unobserved_release=self.allow_unobserved_release,
                resolve_ms=self.resolve_ms,
                near_misses=self.near_misses,
            )
        )

    def refuse_contradictions(self) -> None:
        """NotJudgedError with a line for each setting that the target does not have."""
        lines = list(self._contradictions())
        if lines:
            raise NotJudgedError("\n".join(f"settings: {line}" for line in lines))

    def _contradictions(self) -> Iterator[str]:
        yield from self.limits_at_odds(self.resolve_ms)
        given = [name for name in type(self).model_fields if name in self.model_fields_set]
        if self.locustfile:
            for name in given:
                if name in _SCHEDULE_ONLY:
                    yield f"{name} is of a schedule; a locustfile's users ask when they will"
        elif "users" in given:
            yield "users is of a locustfile; name it too"
        if self.compose:
            yield from of_compose(self, given)
            return
        for name in given:
            if (
                name in COMPOSE_ONLY
                and getattr(self, name) != type(self).model_fields[name].default
            ):
                yield f"{name} is of a Compose project; name it with compose too"
        if not self.is_at_url:
            is_set = {
                name: getattr(self, name)
                for name in given
                if getattr(self, name) != type(self).model_fields[name].default
            }
            yield from contradictions(is_set)
            has_app = bool(self.old_image or self.new_image)
            for name in is_set:
                if name in _URL_ONLY and not has_app:
                    yield f"{name} is of another target than the bundled stack; name its url too"
                elif name in _URL_ONLY - WITH_APP:
                    yield f"{name} is of a URL; leave it out where old_image names the target"
            if self.batch > 1 and self.swap != "rolling":
                yield f"batch = {self.batch} is of swap rolling, and swap is {self.swap}"
            return
        if not self.deploy:
            yield "url needs deploy: the command that replaces the release there"
        if len(self.url) > 1 and self.streams:
            yield (
                "url names several, and streams say all that is sent: leave one url, on which "
                "their paths are, and name the others in the streams"
            )
        for name in given:
            if name in _STACK_ONLY | APP_ONLY:
                yield f"{name} is the bundled stack's; leave it out where url names the target"
        timing = self.timing()
        waits = {"after_s": timing.after_s} | (
            {"between_s": timing.between_s} if self.swaps > 1 else {}
        )
        for name, wait_s in waits.items():
            if wait_s < LEAST_SEEN_S:
                yield (
                    f"{name} = {wait_s:g} is too short: the old release may answer "
                    f"for {Timing().settle_s:g} s after a deploy; give it {LEAST_SEEN_S:g} or more"
                )
        asked = (*self.url, *(stream.url for stream in self.streams))
        if self.ca and not any(url.lower().startswith("https:") for url in asked):
            yield "ca is for an https URL; leave it out"


def load(given: Mapping[str, Any] | None = None, *, folder: Path | None = None) -> Settings:
    """Settings from `[tool.harness]` of the pyproject.toml in `folder` (default: here), or from the
    harness.toml there, or those of the nearest folder above that has either; overridden by `given`
    where that is not None.

    NotJudgedError names the key, its value and the remedy.
    """
    merged = flattened(_from_file((folder or Path.cwd()).resolve()))
    merged |= flattened({key: value for key, value in (given or {}).items() if value is not None})
    try:
        return Settings(**merged)
    except ValidationError as error:
        raise NotJudgedError(_explained(error)) from error


def _from_file(folder: Path) -> dict[str, Any]:
    for place in (folder, *folder.parents):
        project, own = place / "pyproject.toml", place / OWN_FILE
        section = _section(project) if project.is_file() else None
        if own.is_file():
            if section is not None:
                raise NotJudgedError(
                    f"settings: both {project} ([tool.harness]) and {own} have them; keep one"
                )
            return _toml(own)
        if project.is_file():
            return section or {}
    return {}


def _section(path: Path) -> dict[str, Any] | None:
    """`[tool.harness]` of a pyproject.toml; None where it has none."""
    tool = _toml(path).get("tool", {})
    section = tool.get("harness") if isinstance(tool, dict) else None
    if section is not None and not isinstance(section, dict):
        raise NotJudgedError(f"settings: {path}: [tool.harness] must be a table")
    return section


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NotJudgedError(f"settings: {path} is not valid TOML: {error}") from error


def _explained(error: ValidationError) -> str:
    """A line for each mistake: the key, its value, what would do."""
    lines = []
    for mistake in error.errors(include_url=False):
        name = ".".join(str(part) for part in mistake["loc"])
        key = shown(name)
        if mistake["type"] == MISTAKE:
            lines += [f"settings: {line}" for line in mistake["msg"].splitlines()]
            continue
        if mistake["type"] == "extra_forbidden":
            near = nearest(name, Settings.model_fields)
            hint = f"did you mean {near!r}?" if near else "see `harness verify --help`"
            lines.append(f"settings: no such key {key!r}; {hint}")
            continue
        what = mistake["msg"].removeprefix("Value error, ")
        field = Settings.model_fields.get(str(mistake["loc"][0]))
        meaning = f" ({field.description})" if field and field.description else ""
        lines.append(f"settings: {key} = {mistake['input']!r}{meaning}: {what}")
    return "\n".join(lines)
