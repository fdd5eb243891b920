"""Switches off what hides failures in the clients of locustfiles, and tries whether it is off.

Sources: geventhttpclient 2.6 (client.py: `HTTPClient.request` sends again up to its pool's size + 1
times), requests and urllib3 (`Retry`), CPython (http/client.py: a header section that is cut off is
taken for a whole one). The trial holds for whatever versions are installed.
"""

import functools
import http.client
from collections import Counter
from typing import Any, Final

import gevent.server
import requests.adapters
from geventhttpclient import client, connectionpool, useragent
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession
from locust.event import EventHook
from urllib3.util.retry import Retry

__all__ = ["HidesFailuresError", "make_strict", "try_out"]

_TIMEOUT_S: Final = 5.0
_WHOLE: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_SCRIPT: Final = {
    b"/whole": _WHOLE,
    b"/closed": b"",
    b"/cut-head": b"HTTP/1.1 200 OK\r\nContent-Le",
    b"/cut-body": b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok",
    b"/cut-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nok",
}
"""By path what the trial's server says before it closes; after a whole answer it does not."""


class HidesFailuresError(Exception):
    """A client that is installed hides a failure, though it was told not to."""


def make_strict() -> None:
    """To be called once, before a locustfile is imported."""
    _after(connectionpool.ConnectionPool, _sends_once)
    client._may_retry_after_send_error = lambda method: False  # noqa: ARG005, SLF001 (no public switch)
    _after(useragent.UserAgent, lambda agent: setattr(agent, "max_retries", 0))
    send = requests.adapters.HTTPAdapter.send

    @functools.wraps(send)
    def send_once(self: requests.adapters.HTTPAdapter, *given: Any, **named: Any) -> Any:
        # Each time: a locustfile may have mounted an adapter with retries of its own.
        self.max_retries = Retry(0, read=False)
        return send(self, *given, **named)

    requests.adapters.HTTPAdapter.send = send_once  # type: ignore[method-assign]
    lines = http.client._read_headers  # type: ignore[attr-defined]  # noqa: SLF001 (no public one)

    @functools.wraps(lines)
    def whole_lines(*given: Any, **named: Any) -> Any:
        read = lines(*given, **named)
        if read and read[-1] == b"":
            raise http.client.IncompleteRead(b"".join(read))
        return read

    http.client._read_headers = whole_lines  # type: ignore[attr-defined]  # noqa: SLF001


def _after(kind: Any, change: Any) -> None:
    """Each object of that kind is changed once it is made."""
    made = kind.__init__

    @functools.wraps(made)
    def init(self: Any, *given: Any, **named: Any) -> None:
        made(self, *given, **named)
        change(self)

    kind.__init__ = init


def _sends_once(pool: Any) -> None:
    # What it reckons its tries from; how many connections it may have was settled before.
    pool.size = -1


def try_out() -> None:
    """Asks a server on loopback that breaks off in each way, by both clients, over a connection
    that has served before. HidesFailuresError where one asks twice, or calls it a success.
    """
    asked: Counter[bytes] = Counter()

    def serve(peer: Any, _address: object) -> None:
        with peer:
            while (head := _head(peer)) is not None:
                path = head.split(b" ", 2)[1]
                asked[path] += 1
                peer.sendall(_SCRIPT[path])
                if path != b"/whole":
                    return

    server = gevent.server.StreamServer(("127.0.0.1", 0), serve)
    server.start()
    try:
        for kind in (_http, _fast):
            for path in _SCRIPT:
                asked.clear()
                _try(kind, f"http://127.0.0.1:{server.server_port}", path.decode(), asked)
    finally:
        server.stop(timeout=0)


def _try(kind: Any, base: str, path: str, asked: Counter[bytes]) -> None:
    endings: list[Exception | None] = []
    hook = EventHook()  # type: ignore[no-untyped-call]
    hook.add_listener(lambda exception, **_: endings.append(exception))  # type: ignore[no-untyped-call]
    session = kind(base, hook)
    session.get("/whole")
    session.get(path)
    name = type(session).__name__
    times = asked[path.encode()] - (path == "/whole")
    if times != 1:
        raise HidesFailuresError(f"{name} asked {times} times where it was to ask once ({path})")
    if len(endings) != 2 or endings[0] is not None:
        raise HidesFailuresError(f"{name} did not report each request ({path}): {endings!r}")
    if (endings[1] is None) != (path == "/whole"):
        raise HidesFailuresError(f"{name} calls an answer that breaks off a success ({path})")


def _http(base: str, hook: EventHook) -> Any:
    return HttpSession(base, hook, None)


def _fast(base: str, hook: EventHook) -> Any:
    return FastHttpSession(
        base, hook, None, network_timeout=_TIMEOUT_S, connection_timeout=_TIMEOUT_S
    )


def _head(peer: Any) -> bytes | None:
    head = b""
    while b"\r\n\r\n" not in head:
        read = peer.recv(4096)
        if not read:
            return None
        head += read
    return head
