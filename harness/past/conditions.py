"""What must be alike for two runs to be compared."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from harness.model.past import Past
from harness.model.scenario import Record
from harness.model.traffic import Stream

__all__ = ["conditions", "unlike"]

_STREAM: Final = TypeAdapter(Stream)
_OF_STREAM: Final = (
    "method", "path", "connection", "tls", "http2", "asks_again", "write", "slow", "upload_s",
    "visit",
)  # fmt: skip
"""What of a stream is how it asks, beside its name and rate; what it expects may change with the
release."""
_SETTINGS: Final = ("algorithm", "replicas", "batch", "variation")
_HASH: Final = re.compile(r"[0-9a-f]{8,}")
"""In a path: an asset's name changes with its content, and so with the release."""
_UNKNOWN: Final = "not recorded"
_MOST_STREAMS: Final = 3
_MOST_TEXT: Final = 80
_STREAM_OF: Final = "stream "


def conditions(record: Record) -> Mapping[str, str]:
    """By name, in words: `rate`: `300/s`, `stream get-new`: `12 % …`."""
    scenario, environment = record.scenario, record.environment
    traffic = scenario.traffic
    url = str(environment.get("url", ""))
    found = {
        "target": f"{scenario.target} {_site(url)}".strip(),
        "swap": scenario.swap,
        "rate": f"{traffic.rate_hz:g}/s",
        "arrivals": traffic.arrivals.value + (" in bursts" if traffic.burst else ""),
        "cores": str(environment.get("cores", _UNKNOWN)),
        "machine": str(environment.get("system", _UNKNOWN)),
        "processor": str(environment.get("cpu", _UNKNOWN)),
        "measured path": record.path,
        "control beside it": "yes" if scenario.control else "no",
        **{name: str(scenario.settings[name]) for name in _SETTINGS if name in scenario.settings},
        **{
            f"{_STREAM_OF}{stream.name}": _asking(stream, traffic.rate_hz)
            for stream in traffic.streams
        },
    }
    return {name: value[: _MOST_TEXT * 4] for name, value in found.items()}


def unlike(before: Past, after: Past) -> tuple[str, ...]:
    """What is not alike, each with both its values; none where the two can be compared.

    Example: `rate: 300/s and 200/s`. A processor that one of the two did not record is no
    difference, as older runs record none. Of more than 3 streams the first ones stand for all,
    those that one of the two has not before others.
    """
    one, other = before.conditions, after.conditions
    found, streams = [], []
    for name in dict.fromkeys((*one, *other)):
        values = one.get(name, ""), other.get(name, "")
        if values[0] == values[1] or (name == "processor" and {"", _UNKNOWN} & set(values)):
            continue
        shown = [_shown(name, value) for value in values]
        told = f"{name}: {shown[0]} and {shown[1]}"
        if name.startswith(_STREAM_OF):
            streams.append(("" not in values, told))
        else:
            found.append(told)
    streams.sort(key=lambda stream: stream[0])
    named = [told for _, told in streams[:_MOST_STREAMS]]
    more = len(streams) - len(named)
    return (*found, *named, *([f"and {more} more of the streams"] if more else []))


def _shown(name: str, value: str) -> str:
    if not value:
        return "none" if name.startswith(_STREAM_OF) else _UNKNOWN
    return value if len(value) <= _MOST_TEXT else f"{value[: _MOST_TEXT - 1]}…"


def _asking(stream: Stream, rate_hz: float) -> str:
    """Its share first, then what is not as in a plain GET over kept connections."""
    plain = Stream(name="", path="", rate_hz=1.0)
    values: dict[str, Any] = _STREAM.dump_python(stream, mode="json")
    usual: dict[str, Any] = _STREAM.dump_python(plain, mode="json")
    told = [f"{100 * stream.rate_hz / rate_hz:.3g} %", stream.method, _HASH.sub("…", stream.path)]
    told += [
        f"{name}={_word(values[name])}"
        for name in _OF_STREAM
        if name not in {"method", "path"} and values[name] != usual[name]
    ]
    return " ".join(told)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _site(url: str) -> str:
    """Scheme and host: ports of a test environment change from run to run."""
    if not url:
        return ""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}"
