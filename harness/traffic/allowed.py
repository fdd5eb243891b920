"""What a stream may ask, as HTTP has it: before any process that sends is started, too."""

import re
from collections.abc import Mapping
from typing import Final

from harness.model.traffic import Stream, Tls

__all__ = ["refuse", "wrong_header"]

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET: Final = re.compile(r"/[!-~]*")
_VALUE: Final = re.compile(r"[\t -~\x80-\xff]*")
_OF_HTTP_1: Final = frozenset({"keep-alive", "proxy-connection"})
"""What HTTP/2 forbids (RFC 9113, 8.2.2), beside what is not to be said at all."""

_OURS: Final = frozenset(
    {
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "te",
        "expect",
        "upgrade",
        "x-request-id",
        "x-operation-id",
    }
)


def refuse(stream: Stream, authority: str, headers: Mapping[str, str]) -> None:
    """ValueError for what HTTP forbids, and for headers that the client sends itself."""
    name = f"stream {stream.name!r}: "
    if not _TOKEN.fullmatch(stream.method) or stream.method == "CONNECT":
        raise ValueError(f"{name}method {stream.method!r} is not supported; use GET, POST, …")
    if not _TARGET.fullmatch(stream.path):
        raise ValueError(
            f"{name}path {stream.path!r} must begin with / and be printable ASCII without "
            f"spaces; percent-encode the rest"
        )
    if not _VALUE.fullmatch(authority) or not authority:
        raise ValueError(f"authority {authority!r} cannot be a Host header; use host or host:port")
    if stream.http2:
        _refuse_over_http2(stream, headers)
    elif stream.asks_again:
        raise ValueError(
            f"{name}asks_again is for HTTP/2, where a server can say that it did not process a "
            "request; say http2=True, or leave it out"
        )
    for header, value in headers.items():
        wrong = wrong_header(header, value)
        if wrong:
            raise ValueError(f"{name}{wrong}")
        if header.lower() in _OURS:
            raise ValueError(f"{name}header {header!r} is the client's own to send; leave it out")


def _refuse_over_http2(stream: Stream, headers: Mapping[str, str]) -> None:
    name = f"stream {stream.name!r}: "
    if stream.tls is Tls.off:
        raise ValueError(f"{name}http2 is over TLS alone; say tls=Tls.resume, or Tls.full")
    if stream.visit is not None or stream.upload_s:
        raise ValueError(
            f"{name}http2 carries single requests alone; leave it, or the visit and upload_s, out"
        )
    for header in headers:
        if header.lower() in _OF_HTTP_1:
            raise ValueError(f"{name}HTTP/2 has no header {header!r}; leave it out")


def wrong_header(name: str, value: str) -> str:
    """What of it HTTP forbids; empty where nothing is wrong."""
    if _TOKEN.fullmatch(name) and _VALUE.fullmatch(value):
        return ""
    return f"header {name!r}: {value!r} is not valid HTTP"
