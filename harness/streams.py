"""Streams as a user says them: tables of the settings file, or lines of the command line."""

import difflib
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from harness.model.traffic import RESERVED, Connection, Tls, release_source
from harness.traffic.allowed import wrong_header

__all__ = ["MISTAKE", "Spec", "StreamSettings", "is_of_body"]

MISTAKE: Final = "stream"
"""The type of the error whose message is whole: a line for each mistake."""

METHODS: Final = (
    *("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "PURGE"),
    *("PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH"),
)
_NAME: Final = re.compile(r"[^\s]([^\x00-\x1f\x7f]{0,58}[^\s])?")
_LINE: Final = "NAME METHOD URL [KEY=VALUE …]"
_TABLES: Final = frozenset({"headers", "expect_headers", "expect_json"})
_JSON: Final = frozenset({"json", "expect_json"})
"""Keys whose values in a line are JSON."""
_PAIR: Final = re.compile(r"""([^\s='"]+)=('[^']*'|"[^"]*"|(?!['"])\S*)(?:\s+|$)""")


def _known_method(method: str) -> str:
    if method in METHODS:
        return method
    near = difflib.get_close_matches(method.upper(), METHODS, n=1)
    raise ValueError(
        f"it is no method; did you mean {near[0]!r}?"
        if near
        else f"it is no method; say one of: {', '.join(METHODS[:7])}"
    )


def _name(name: str) -> str:
    if name in RESERVED:
        raise ValueError(f"{' and '.join(sorted(RESERVED))} are the harness's own; choose another")
    if not _NAME.fullmatch(name):
        raise ValueError("must be 1 to 60 characters, without blanks at its ends or control ones")
    return name


def is_of_body(release: str) -> bool:
    """Whether an answer's body tells the release."""
    return release_source(release)[0] in {"json", "body"}


def _source(release: str) -> str:
    release_source(release)
    return release


class StreamSettings(BaseModel):
    """One of `[[tool.harness.streams]]`. What is None is as the settings have it for all."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: Annotated[str, AfterValidator(_name)] = Field(description="as reports call it")
    url: str = Field("", description="whole, or a path on the first url; else that one's own")
    method: Annotated[str, AfterValidator(_known_method)] = Field("GET", description="of HTTP")
    headers: dict[str, str] = Field(default_factory=dict, description="sent with each request")
    body: str = Field("", description="sent with each request; {operation} becomes its id")
    json_body: Any = Field(None, alias="json", description="a body that is sent as JSON")
    expect_status: int | None = Field(None, ge=200, le=599, description="of an answer")
    expect_text: str | None = Field(None, description="what an answer's body contains")
    expect_headers: dict[str, str] = Field(
        default_factory=dict, description="what an answer's headers are"
    )
    expect_json: dict[str, Any] = Field(
        default_factory=dict, description="what an answer's JSON holds, by path"
    )
    release: Annotated[str, AfterValidator(_source)] | None = Field(
        None, description="as the setting of that name, of this stream; empty: it tells none"
    )
    weight: float = Field(1.0, gt=0, le=1e6, description="its part of the rate")
    connection: Connection = Field(Connection.reuse, description="reuse, or new for each request")
    tls: Tls | None = Field(None, description="resume or full, of an https URL")
    timeout_s: float | None = Field(None, gt=0, le=600, description="for a request")
    write: bool = Field(
        default=False, description="it changes something: an unanswered one is unknown"
    )
    slow: bool = Field(default=False, description="slow on purpose: not judged for latency")
    cached_s: float | None = Field(
        None, ge=0, le=3600, description="how long a cache may serve a copy; 0 is never"
    )

    @field_validator("json_body")
    @classmethod
    def _written(cls, value: Any) -> Any:
        if not isinstance(value, dict | list):
            raise ValueError("must be a table or a list")  # noqa: TRY004 (pydantic's way to refuse)
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"cannot be written as JSON: {error}") from None
        return value

    @field_validator("headers", "expect_headers")
    @classmethod
    def _each_once(cls, headers: dict[str, str]) -> dict[str, str]:
        named = [name.lower() for name in headers]
        for name, value in headers.items():
            wrong = wrong_header(name, value)
            if wrong:
                raise ValueError(wrong)
            if named.count(name.lower()) > 1:
                raise ValueError(f"the header {name!r} is named twice; leave one out")
        return headers

    @field_validator("expect_json", mode="before")
    @classmethod
    def _flat(cls, values: Any) -> Any:
        """Without quotes TOML takes the dots of a path for tables in tables."""
        return dict(_leaves(values)) if isinstance(values, Mapping) else values

    @field_validator("expect_json")
    @classmethod
    def _paths(cls, values: dict[str, Any]) -> dict[str, Any]:
        for path, value in values.items():
            if not all(path.split(".")):
                raise ValueError(
                    f"{path!r} is no path; say keys and indices with dots between them, such as "
                    "app.versions.0"
                )
            is_number = isinstance(value, int | float) and math.isfinite(value)
            if not is_number and not isinstance(value, str):
                raise ValueError(f"{path} = {value!r}: must be text, a number, true or false")
            below = [other for other in values if other.startswith(f"{path}.")]
            if below:
                raise ValueError(f"{below[0]!r} lies below {path!r}, which has a value of its own")
        return values

    @field_validator("tls")
    @classmethod
    def _not_off(cls, tls: Tls | None) -> Tls | None:
        if tls is Tls.off:
            raise ValueError("say resume or full, or an http:// URL")
        return tls

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        is_json = self.json_body is not None
        if self.body and is_json:
            raise ValueError("body and json are two bodies; leave one out")
        if (self.body or is_json) and "method" not in self.model_fields_set:
            raise ValueError(
                "a body needs a method; say method = 'POST', or 'GET' if that is meant"
            )
        if (self.body or is_json) and self.method in {"HEAD", "TRACE"}:
            raise ValueError(f"{self.method} has no body; leave it out, or change the method")
        if self.method == "HEAD" and (self.expect_text or self.expect_json):
            raise ValueError("an answer to HEAD has no body; leave expect_text and expect_json out")
        if self.method == "HEAD" and is_of_body(self.release or ""):
            raise ValueError(
                f"an answer to HEAD has no body; release = {self.release!r} is of one: say "
                "header:NAME, or '' for none"
            )
        return self


def _leaves(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _from_line(line: str) -> dict[str, Any]:
    """`NAME METHOD URL [KEY=VALUE …]` as a table. ValueError says what of it is none.

    A value may stand in quotes, within which blanks are its own; elsewhere quotes are themselves.
    """
    words = line.split(None, 3)
    if len(words) < 3 or any("=" in word for word in words[:2]):
        raise ValueError(f"say {_LINE}, such as 'order POST /orders json={{}} expect_status=201'")
    table: dict[str, Any] = dict(zip(("name", "method", "url"), words, strict=False))
    rest = "".join(words[3:]).rstrip()
    while rest:
        pair = _PAIR.match(rest)
        if pair is None:
            raise ValueError(
                f"{rest.split()[0]!r} is no KEY=VALUE; quote a value with blanks in it"
            )
        rest = rest[pair.end() :]
        key, value = pair.groups()
        table_name, dot, inner = key.partition(".")
        is_inner = bool(dot) and table_name in _TABLES
        place = table.setdefault(table_name, {}) if is_inner else table
        at = inner if is_inner else key
        if at in place:
            raise ValueError(f"{key} is said twice; leave one out")
        place[at] = _read(value, is_json=table_name in _JSON)
    return table


def _read(value: str, *, is_json: bool) -> object:
    if value[:1] == "'" or (value[:1] == '"' and not is_json):
        value = value[1:-1]
    if not is_json:
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _each(value: Any, handler: ValidatorFunctionWrapHandler) -> StreamSettings:
    """A stream; one error with a line for each mistake, which names the stream."""
    named = repr(_called(value))
    try:
        made = handler(_from_line(value) if isinstance(value, str) else value)
    except ValidationError as error:
        lines = [_told(mistake) for mistake in error.errors(include_url=False)]
    except ValueError as error:
        lines = [str(error)]
    else:
        if isinstance(made, StreamSettings):
            return made
        lines = ["is no stream"]
    raise PydanticCustomError(
        MISTAKE, "{lines}", {"lines": "\n".join(f"stream {named}: {line}" for line in lines)}
    )


def _called(value: object) -> object:
    if isinstance(value, str):
        return value.split(None, 1)[0] if value.strip() else value
    return value.get("name", value) if isinstance(value, Mapping) else value


def _told(mistake: Mapping[str, Any]) -> str:
    place = [str(part) for part in mistake["loc"]]
    key = ".".join(place)
    what = str(mistake["msg"]).removeprefix("Value error, ")
    if mistake["type"] == "extra_forbidden":
        known = [field.alias or name for name, field in StreamSettings.model_fields.items()]
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(known)}"
        return f"no such key {key!r}; {hint}"
    if mistake["type"] == "missing":
        return f"it has no {key}; give it one"
    if not place:
        return what if isinstance(mistake["input"], Mapping) else "must be a table, or a line"
    return f"{key} = {mistake['input']!r}: {what}"


Spec = Annotated[StreamSettings, WrapValidator(_each)]
"""A stream of the settings: a table, or a line."""
