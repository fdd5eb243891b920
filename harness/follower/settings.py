"""What the follower is told by its environment, and by labels of the containers that it follows.

Names and meanings are those of dockercloud/haproxy where there is one (its README, "Global and
default settings of HAProxy" and "Settings in linked application services"); docs/follower.md says
of each what became of it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.follower.model import FollowerError

__all__ = ["LABEL", "PoolSettings", "Settings", "settings_of"]

LABEL: Final = "harness.follow"
"""Names a container's service; with a dot and a setting's name behind it, sets that."""

_ALGORITHMS: Final = (
    "roundrobin", "static-rr", "leastconn", "first", "hash", "source", "uri", "url_param",
    "hdr", "random", "rdp-cookie",
)  # fmt: skip
_SERVICE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_OF_A_POOL: Final = (
    "BALANCE", "HEALTH_CHECK", "HTTP_CHECK", "COOKIE", "VIRTUAL_HOST", "VIRTUAL_HOST_WEIGHT",
    "FORCE_SSL", "EXTRA_SETTINGS", "SLOWSTART", "PORT", "SLOTS",
)  # fmt: skip
_YES: Final = ("true", "yes", "on", "1")
_NO: Final = ("", "false", "no", "off", "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """Of one service's servers."""

    service: str
    port: int = 0
    """0: the only one that a container's image exposes, or 8000."""
    slots: int = 8
    balance: str = "roundrobin"
    health_check: str = "check inter 200ms fastinter 50ms downinter 50ms fall 2 rise 1"
    http_check: str = "GET /ready"
    """Empty: a connection is enough."""
    cookie: str = ""
    virtual_hosts: tuple[str, ...] = ()
    virtual_host_weight: int = 0
    force_ssl: bool = False
    extra: tuple[str, ...] = ()
    slowstart: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    pools: tuple[PoolSettings, ...]
    network: str = ""
    """Name or id; empty: the only one that the follower itself is in."""
    engine: str = "/run/engine/engine.sock"
    folder: Path = Path("/run/harness")
    """HAProxy's configuration, its Runtime API's socket and its master's."""
    maxconn: int = 8000
    timeouts: tuple[str, ...] = ("connect 250ms", "client 60s", "server 55s")
    options: tuple[str, ...] = ("redispatch 1",)
    stats_auth: str = ""
    stats_port: int = 1936
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By section: global, defaults, frontend."""
    template: str = ""
    """HAProxy's whole configuration but for the servers; empty: made of the settings above."""


def settings_of(
    environment: Mapping[str, str], labels: Mapping[str, Mapping[str, str]]
) -> Settings:
    """`labels` by service, as its containers have them. A pool's setting is looked for as
    `WEBSITE_BALANCE`, then as the label `harness.follow.BALANCE`, then as `BALANCE`.

    FollowerError names what cannot be, and what can.
    """
    plain = Settings(pools=())
    services = _listed(environment.get("SERVICES", "website"))
    if not services:
        raise FollowerError("SERVICES: it names none; name those to follow, such as website")
    return Settings(
        pools=tuple(_pool(service, environment, labels.get(service, {})) for service in services),
        network=environment.get("NETWORK", ""),
        engine=environment.get("ENGINE", plain.engine),
        folder=Path(environment.get("FOLDER", str(plain.folder))),
        maxconn=_number("MAXCONN", environment.get("MAXCONN", ""), plain.maxconn, 1, 1_000_000),
        timeouts=_pairs("TIMEOUT", environment.get("TIMEOUT", ""), plain.timeouts),
        options=_listed(environment["OPTION"]) if "OPTION" in environment else plain.options,
        stats_auth=_login(environment.get("STATS_AUTH", "")),
        stats_port=_number("STATS_PORT", environment.get("STATS_PORT", ""), 1936, 1, 65535),
        extra={
            section: _listed(environment.get(f"EXTRA_{section.upper()}_SETTINGS", ""))
            for section in ("global", "default", "frontend")
        },
        template=environment.get("TEMPLATE", ""),
    )


def _pool(service: str, environment: Mapping[str, str], labels: Mapping[str, str]) -> PoolSettings:
    if not _SERVICE.fullmatch(service):
        raise FollowerError(f"SERVICES: {service!r} is no service's name")
    own = re.sub(r"[^A-Z0-9]", "_", service.upper())
    told: dict[str, str] = {}
    for name in _OF_A_POOL:
        for source, key in (
            (environment, f"{own}_{name}"), (labels, f"{LABEL}.{name}"), (environment, name),
        ):  # fmt: skip
            if key in source:
                told[name] = _one_line(key, source[key])
                break
    plain = PoolSettings(service=service)
    return PoolSettings(
        service=service,
        port=_number("PORT", told.get("PORT", ""), plain.port, 1, 65535),
        slots=_number("SLOTS", told.get("SLOTS", ""), plain.slots, 2, 1000),
        balance=_algorithm(told.get("BALANCE", plain.balance)),
        health_check=told.get("HEALTH_CHECK", plain.health_check).strip(),
        http_check=told.get("HTTP_CHECK", plain.http_check).strip(),
        cookie=told.get("COOKIE", "").strip(),
        virtual_hosts=_listed(told.get("VIRTUAL_HOST", "")),
        virtual_host_weight=_number(
            "VIRTUAL_HOST_WEIGHT", told.get("VIRTUAL_HOST_WEIGHT", ""), 0, -1_000_000, 1_000_000
        ),
        force_ssl=_switch("FORCE_SSL", told.get("FORCE_SSL", "")),
        extra=_listed(told.get("EXTRA_SETTINGS", "")),
        slowstart=told.get("SLOWSTART", "").strip(),
    )


def _listed(text: str) -> tuple[str, ...]:
    r"""Parts between commas; `\,` is a comma within one."""
    parts = re.split(r"(?<!\\),", text)
    return tuple(part.replace("\\,", ",").strip() for part in parts if part.strip())


def _pairs(name: str, text: str, plain: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `plain` whose first word is not set anew, and those set."""
    own = _listed(text)
    for each in own:
        if len(each.split()) != 2:
            raise FollowerError(f"{name}: {each!r} is no name and a time, such as `server 55s`")
    named = {each.split()[0] for each in own}
    return (*(each for each in plain if each.split()[0] not in named), *own)


def _algorithm(text: str) -> str:
    word = re.split(r"[\s(]", text.strip(), maxsplit=1)[0]
    if word not in _ALGORITHMS:
        raise FollowerError(
            f"BALANCE: {text!r} is not one of HAProxy's; choose one of: {', '.join(_ALGORITHMS)}"
        )
    return text.strip()


def _number(name: str, text: str, plain: int, least: int, most: int) -> int:
    if not text.strip():
        return plain
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise FollowerError(f"{name}: {text!r} is no whole number from {least} to {most}")
    return number


def _switch(name: str, text: str) -> bool:
    word = text.strip().lower()
    if word not in (*_YES, *_NO):
        raise FollowerError(f"{name}: {text!r} is neither true nor false")
    return word in _YES


def _login(text: str) -> str:
    if text and not re.fullmatch(r"[^:\s]+:\S+", text):
        raise FollowerError("STATS_AUTH: it is no `user:password`")
    return text


def _one_line(name: str, text: str) -> str:
    if any(ord(sign) < 32 for sign in text.strip()):
        raise FollowerError(f"{name}: it has more than one line; parts are divided by commas")
    return text
