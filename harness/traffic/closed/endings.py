"""What a client's exception says of how a request ended."""

import errno
import http.client
import socket
import ssl
import zlib
from collections.abc import Iterator
from typing import Any, Final

import gevent
import requests
import urllib3.exceptions
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError
from geventhttpclient.useragent import BadStatusCode
from locust.contrib.fasthttp import LocustBadStatusCode
from locust.exception import ResponseError

from harness.model.outcome import Outcome

__all__ = ["ending_of"]

_MOST_CHARS: Final = 300
_UNREACHABLE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.EPERM})
_FIRST: Final[tuple[tuple[tuple[type[BaseException], ...], Outcome], ...]] = (
    ((ResponseError,), Outcome.rejected),
    ((requests.HTTPError, LocustBadStatusCode, BadStatusCode), Outcome.wrong_status),
    ((ssl.SSLCertVerificationError,), Outcome.untrusted),
    ((ssl.SSLError,), Outcome.handshake_failed),
    ((requests.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError), Outcome.connect_timeout),
    ((http.client.RemoteDisconnected, HTTPConnectionClosed), Outcome.closed_before_answer),
    ((ConnectionRefusedError,), Outcome.refused),
    ((ConnectionResetError, BrokenPipeError), Outcome.reset),
    (
        (http.client.IncompleteRead, urllib3.exceptions.IncompleteRead),
        Outcome.truncated,
    ),
    (
        (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError, TimeoutError, gevent.Timeout),
        Outcome.answer_timeout,
    ),
)
"""The first of them that an exception is, or that it came from, tells."""
_LAST: Final[tuple[tuple[tuple[type[BaseException], ...], Outcome], ...]] = (
    (
        (
            requests.exceptions.ChunkedEncodingError,
            urllib3.exceptions.ProtocolError,
        ),
        Outcome.truncated,
    ),
    ((HTTPParseError, http.client.HTTPException, zlib.error), Outcome.malformed),
    ((requests.exceptions.ContentDecodingError,), Outcome.malformed),
    ((socket.gaierror,), Outcome.unreachable),
)


def ending_of(error: BaseException) -> tuple[Outcome, str]:
    """The outcome, and the exception in a line of at most 300 characters. What no client of
    Locust's raises is `rejected`: the locustfile's own word for a failure.
    """
    text = " ".join(f"{type(error).__name__}: {error}".split())[:_MOST_CHARS]
    chain = list(_chain(error))
    for kinds, outcome in _FIRST:
        if any(isinstance(each, kinds) for each in chain):
            return outcome, text
    if any(isinstance(each, OSError) and each.errno in _UNREACHABLE for each in chain):
        return Outcome.unreachable, text
    if any(isinstance(each, HTTPParseError) and _is_cut(each) for each in chain):
        return Outcome.truncated, text
    for kinds, outcome in _LAST:
        if any(isinstance(each, kinds) for each in chain):
            return outcome, text
    return Outcome.rejected, text


def _is_cut(error: HTTPParseError) -> bool:
    """By its words: it has no other names for it."""
    return any(word in str(error) for word in ("connection closed", "EOF", "Incomplete response"))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """It and what it came from, each once: clients wrap exceptions in several ways."""
    left: list[Any] = [error]
    seen: set[int] = set()
    while left:
        each = left.pop(0)
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        left += [*each.args, each.__cause__, each.__context__, getattr(each, "reason", None)]
        left.append(getattr(each, "original", None))
