"""For how long the proxies keep idle connections, as their configurations say: for the record."""

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["kept_ms"]

_UNITS_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
_TIME: Final = r"(\d+)(ms|[smh])?"
_BALANCER: Final = re.compile(rf"^\s*timeout http-keep-alive {_TIME}\s*$", re.MULTILINE)
_UPSTREAM: Final = re.compile(r"^\s*upstream \w+ {(.*?)^\s*}", re.MULTILINE | re.DOTALL)
_KEEPS: Final = re.compile(r"^\s*keepalive \d+;", re.MULTILINE)
_EDGE: Final = re.compile(rf"^\s*keepalive_timeout {_TIME};", re.MULTILINE)


def kept_ms(*, balancer: str, edge: str) -> Mapping[str, int]:
    """`balancer_keeps_ms`: HAProxy those of NGINX; `edge_keeps_ms`: NGINX those to HAProxy, 0 where
    it keeps none. Of haproxy.cfg and nginx.conf; what they do not say is left out.
    """
    found = {}
    if match := _BALANCER.search(balancer):
        found["balancer_keeps_ms"] = _ms(match, "ms")
    upstream = _UPSTREAM.search(edge)
    if upstream and not _KEEPS.search(upstream[1]):
        found["edge_keeps_ms"] = 0
    elif upstream and (match := _EDGE.search(upstream[1])):
        found["edge_keeps_ms"] = _ms(match, "s")
    return found


def _ms(match: re.Match[str], unit: str) -> int:
    """A bare number is in each program's own unit."""
    return int(match[1]) * _UNITS_MS[match[2] or unit]
