"""HAProxy's configuration: what the settings say, and the servers as of now.

It is written again with each change that HAProxy was told of by its Runtime API, so that a reload
or a restart begins with the same servers. (A server-state file would not do: HAProxy takes no
address from it for a server that is declared by one.)
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from harness.follower.model import FollowerError
from harness.follower.settings import PoolSettings, Settings

__all__ = ["BIND", "base_of", "marker", "rendered", "replace_file", "servers", "template"]

BIND: Final = ":8080"
_BASE: Final = "# base "
_NOBODY: Final = "0.0.0.0"  # noqa: S104 (no address: a slot that reaches nobody)


def marker(service: str) -> str:
    """The line of a template that a service's servers stand below."""
    return f"    # Servers of {service}, as of now."


def template(settings: Settings) -> str:
    """The configuration without its servers. FollowerError where a service has no place in it."""
    text = settings.template or _made(settings)
    for pool in settings.pools:
        if marker(pool.service) not in text.splitlines():
            raise FollowerError(f"TEMPLATE: it has no line {marker(pool.service)!r}")
    return text


def rendered(text: str, lines: Mapping[str, Sequence[str]]) -> str:
    """The template `text` with each service's server lines."""
    base = hashlib.sha256(text.encode()).hexdigest()[:16]
    out = [f"{_BASE}{base}"]
    by_marker = {marker(service): those for service, those in lines.items()}
    for line in text.splitlines():
        out.append(line)
        out += by_marker.get(line, ())
    return "\n".join(out) + "\n"


def base_of(configuration: str) -> str:
    """Names the template that it was made from; empty for one that is not ours."""
    first = configuration.partition("\n")[0]
    return first.removeprefix(_BASE) if first.startswith(_BASE) else ""


def servers(pool: PoolSettings, ready: Mapping[str, str]) -> list[str]:
    """Server lines: `ready` has the `address:port` of those that get requests, by slot. All are
    checked, whatever the template says: nobody is admitted without.
    """
    lines = []
    for number in range(1, pool.slots + 1):
        slot = f"slot{number}"
        cookie = f" cookie {slot}" if pool.cookie else ""
        where = ready.get(slot)
        lines.append(
            f"    server {slot} {where} check{cookie}"
            if where
            else f"    server {slot} {_NOBODY}:{pool.port or 8000} check{cookie} disabled"
        )
    return lines


def replace_file(path: Path, text: str) -> None:
    """Wholly or not at all: who reads it meanwhile reads the former one."""
    beside = path.with_name(f"{path.name}.next")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _made(settings: Settings) -> str:
    plain = [pool for pool in settings.pools if not pool.virtual_hosts]
    if len(plain) > 1:
        names = ", ".join(pool.service for pool in plain)
        raise FollowerError(
            f"VIRTUAL_HOST: {names} have none, and requests can go to one of them alone; "
            "give the others one each"
        )
    return "\n".join([*_head(settings), *_frontend(settings), *_pools(settings), *_stats(settings)])


def _head(settings: Settings) -> list[str]:
    return [
        "global",
        "    # What becomes of servers; a line for each request costs more than the request.",
        "    log stdout format raw daemon notice",
        f"    stats socket {settings.folder}/admin.sock mode 600 level admin expose-fd listeners",
        "    stats timeout 1h",
        f"    maxconn {settings.maxconn}",
        "    # Without it HAProxy sizes its tables by the engine's limit, which can be a billion.",
        f"    fd-hard-limit {2 * settings.maxconn + 4000}",
        "    hard-stop-after 30s",
        *_indented(settings.extra.get("global", ())),
        "defaults",
        "    mode http",
        "    log global",
        *(f"    timeout {each}" for each in settings.timeouts),
        "    timeout http-keep-alive 60s",
        "    timeout http-request 10s",
        "    timeout queue 5s",
        "    timeout check 1s",
        "    # Repeats only what surely never reached a website: safe for writes too.",
        "    retries 3",
        "    retry-on conn-failure",
        *(f"    option {each}" for each in settings.options),
        "    http-reuse safe",
        "    # A reload ends no visitor's connection before it has answered there.",
        "    option idle-close-on-response",
        *_indented(settings.extra.get("default", ())),
    ]


def _frontend(settings: Settings) -> list[str]:
    lines = ["frontend edge", f"    bind {BIND}", *_indented(settings.extra.get("frontend", ()))]
    hosted = sorted(
        (pool for pool in settings.pools if pool.virtual_hosts),
        key=lambda pool: -pool.virtual_host_weight,
    )
    for pool in hosted:
        lines += [
            f"    use_backend {pool.service} if {_condition(each)}" for each in pool.virtual_hosts
        ]
    lines += [f"    default_backend {p.service}" for p in settings.pools if not p.virtual_hosts]
    return lines


def _condition(virtual_host: str) -> str:
    """Of `[scheme://]host[:port][/path]`, where `*` stands for anything."""
    found = re.fullmatch(r"(?:(https?)://)?([^/:\s]*)(?::(\d+))?(/\S*)?", virtual_host)
    if not found:
        raise FollowerError(f"VIRTUAL_HOST: {virtual_host!r} is no host, with a path or without")
    scheme, host, _, path = found.groups()
    parts = []
    if host and host != "*":
        parts.append(f"{{ req.hdr(host),field(1,:),lower -m reg {_pattern(host.lower())} }}")
    if path and path != "/*":
        parts.append(f"{{ path -m reg {_pattern(path)} }}")
    if scheme:
        is_tls = "{ req.hdr(X-Forwarded-Proto) -i https }"
        parts.append(is_tls if scheme == "https" else f"!{is_tls}")
    return " ".join(parts) or "TRUE"


def _pattern(text: str) -> str:
    return "^" + ".*".join(re.escape(part) for part in text.split("*")) + "$"


def _pools(settings: Settings) -> list[str]:
    lines: list[str] = []
    for pool in settings.pools:
        slow = f" slowstart {pool.slowstart}" if pool.slowstart else ""
        lines += [f"backend {pool.service}", f"    balance {pool.balance}", *_check(pool)]
        if pool.cookie:
            lines.append(f"    cookie {pool.cookie}")
        if pool.force_ssl:
            lines.append(
                "    http-request redirect scheme https code 301 "
                "unless { req.hdr(X-Forwarded-Proto) -i https }"
            )
        if pool.health_check or slow:
            lines.append(f"    default-server {pool.health_check}{slow}")
        lines += [*_indented(pool.extra), marker(pool.service)]
    return lines


def _check(pool: PoolSettings) -> list[str]:
    r"""Of `GET /ready`, or in the old image's way `HEAD / HTTP/1.1\r\nHost:\ www.example.com`."""
    if not pool.http_check:
        return []
    first, *headers = pool.http_check.split("\\r\\n")
    words = first.split()
    if len(words) not in {2, 3} or not words[1].startswith("/"):
        raise FollowerError(f"HTTP_CHECK: {pool.http_check!r} is no method and path: GET /ready")
    sent = f"    http-check send meth {words[0]} uri {words[1]}"
    sent += f" ver {words[2]}" if len(words) == 3 else ""
    for header in filter(None, headers):
        name, _, value = header.replace("\\ ", " ").partition(":")
        sent += f' hdr {name.strip()} "{value.strip()}"'
    return ["    option httpchk", sent]


def _stats(settings: Settings) -> list[str]:
    if not settings.stats_auth:
        return []
    return [
        "listen stats",
        f"    bind :{settings.stats_port}",
        "    stats enable",
        "    stats uri /",
        f"    stats auth {settings.stats_auth}",
    ]


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]
