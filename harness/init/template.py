"""The settings file: which settings stand where, and what is said of them.

Prose begins with `# `, a setting that is left out with `#` alone: taking that away sets it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.config import Settings
from harness.init.found import Found
from harness.toml_text import default_of, key_of, value_text

__all__ = ["GROUPS", "HEAD", "Group", "rendered"]

HEAD: Final = "[tool.harness]"
_WIDTH: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Settings that belong together. One of a name that Settings does not have is left out."""

    title: str
    names: tuple[str, ...]
    values: Callable[[Found], Mapping[str, Any]] = lambda _: {}
    """What stands for some of them instead of the default."""
    needs: str = ""
    """A setting without which there is no such group."""


def _of_images(found: Found) -> dict[str, Any]:
    values: dict[str, Any] = {"old_image": "my/app:1", "new_image": "my/app:2"}
    if found.port:
        values["port"] = found.port
    if found.health:
        values["health"] = found.health
    return values


def _of_compose(found: Found) -> dict[str, Any]:
    first = found.services[0] if found.services else "website"
    return {"compose": found.compose or "compose.yaml", "service": first, "front": first}


def _of_url(_: Found) -> dict[str, Any]:
    return {
        "url": "http://127.0.0.1:8000/",
        "deploy": "make deploy",
        "release": "header:X-Release",
        "expect_text": "Welcome",
        "ca": "ca.pem",
    }


def _of_traffic(_: Found) -> dict[str, Any]:
    return {
        "traffic": {"slow": 2},
        "streams": [{"name": "home", "url": "http://127.0.0.1:8000/", "weight": 2}],
        "locustfile": "locustfile.py",
    }


def _of_rest(_: Found) -> dict[str, Any]:
    return {
        "seed": 1,
        "images": {"edge": "nginx:1.29"},
        "plugins": ["my_listener"],
        "host": "127.0.0.1",
        "app_env": {"LOG_LEVEL": "info"},
    }


GROUPS: Final = (
    Group(
        title="Your app's images, in the bundled stack",
        names=("old_image", "new_image", "port", "health", "page", "app_env"),
        values=lambda found: {**_of_rest(found), **_of_images(found)},
        needs="old_image",
    ),
    Group(
        title="A Compose project",
        names=("compose", "service", "front", "tls"),
        values=_of_compose,
        needs="compose",
    ),
    Group(
        title="Whatever answers at a URL, and the command that replaces its release",
        names=(
            *("url", "deploy", "release", "expect_status", "expect_text", "ca"),
            *("deploy_timeout_s", "hard_stop_s", "allow_unobserved_release"),
        ),
        values=_of_url,
        needs="url",
    ),
    Group(
        title="What is sent",
        names=("rate", "arrivals", "timeout_s", "mix", "traffic", "streams", "locustfile"),
        values=_of_traffic,
    ),
    Group(
        title="The swap",
        names=(
            *("swap", "swaps", "replicas", "batch", "algorithm", "smoke", "jitter_s"),
            *("ready_timeout_s", "drain_timeout_s", "stop_timeout_s"),
        ),
    ),
    Group(
        title="For how long, in seconds",
        names=("warmup_s", "steady_s", "between_s", "after_s"),
    ),
    Group(
        title="What fails a run",
        names=("resolve_ms", "near_misses", "limit_*", "baseline"),
        values=lambda _: {"baseline": "latest"},
    ),
)
"""In their order in the file. What is in none of them follows."""


def rendered(found: Found) -> str:
    """The settings file without its head: all settings, none of them set."""
    fields = Settings.model_fields
    named: set[str] = set()
    lines: list[str] = []
    for group in GROUPS:
        if group.needs and group.needs not in fields:
            continue
        names = [
            name for pattern in group.names for name in _matching(pattern) if name not in named
        ]
        named.update(names)
        lines += _section(group, names, found)
    rest = Group(title="All else", names=(), values=_of_rest)
    lines += _section(rest, [name for name in fields if name not in named], found)
    return "\n".join((*_PREFACE, *_findings(found), *lines)) + "\n"


_PREFACE: Final = (
    "# Settings of the zero-downtime gate, `harness verify`. Each is an option too: rate is",
    "# --rate, and --harness-rate for pytest. Values are the defaults, or examples where the",
    "# default is nothing. None is set: take the # before a name away to set it.",
)


def _findings(found: Found) -> Iterator[str]:
    if found.compose:
        services = "unknown: `docker compose config --services` lists them"
        yield f"# Found {found.compose}; its services: {', '.join(found.services or [services])}."
    if found.dockerfile:
        told = [f"port {found.port}"] if found.port else []
        told += [f"health check {found.health}"] if found.health else []
        yield f"# Found {found.dockerfile}{'; it says ' * bool(told)}{', '.join(told)}."


def _matching(pattern: str) -> list[str]:
    names = Settings.model_fields
    if pattern.endswith("*"):
        return [name for name in names if name.startswith(pattern[:-1])]
    return [pattern] if pattern in names else []


def _section(group: Group, names: list[str], found: Found) -> Iterator[str]:
    values = group.values(found)
    if not names:
        return
    yield ""
    yield f"# {group.title}."
    for name in names:
        field = Settings.model_fields[name]
        value = values.get(name, default_of(field))
        if value is None:
            continue
        setting = f"#{key_of(name)} = {value_text(value)}"
        yield f"{setting:<{_WIDTH}}  # {field.description}"
