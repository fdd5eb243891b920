"""A small website of several origins: a shop, and an API that takes orders and speaks JSON.

Plain or over TLS; each drops connections while a file says so. What is asked of it is kept.
"""

import json
import socket
import ssl
import struct
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Self

import trustme


class Origin:
    """Serves http://127.0.0.1:<port>; https with `authority`. It drops while a file is there."""

    def __init__(
        self,
        release: Path,
        *,
        authority: trustme.CA | None = None,
        dropping: Path | None = None,
    ) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        """Method, path, headers by lower-case name, body."""

        class Handler(_Handler):
            origin: ClassVar[Origin] = self

        self.dropped: Counter[str] = Counter()
        """Requests by path whose connection was reset instead of an answer."""
        self.release = release
        self.dropping = dropping
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if authority is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        scheme = "https" if authority else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def told(self) -> str:
        return self.release.read_text().strip()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    origin: ClassVar[Origin]

    def log_message(self, *_: Any) -> None:
        """Nothing: the tests' output is theirs."""

    def handle(self) -> None:
        # A client that ends its connection is no mistake here.
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        length = int(self.headers.get("Content-Length", 0))
        sent = self.rfile.read(length)
        named = {name.lower(): value for name, value in self.headers.items()}
        self.origin.asked.append((self.command, self.path, named, sent))
        dropping = self.origin.dropping
        if dropping is not None and dropping.exists():
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.origin.dropped[self.path.partition("?")[0]] += 1
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        told = self.origin.told()
        if self.path == "/health":
            body = json.dumps({"app": {"status": "ok", "version": told, "up": True}}).encode()
            self._answer(200, body, Content_Type="application/json")
        elif self.path == "/broken":
            self._answer(200, b'{"app": {"status": "ok"')
        else:
            self._answer(200, b"Welcome to the shop", X_Release=told, Cache_Control="no-store")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self._answer(201, b"", X_Release=self.origin.told(), X_Kind="order")
