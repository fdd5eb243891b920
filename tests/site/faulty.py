"""A website that serves one page, plain or over TLS, and goes wrong as often as it is told to.

It counts each fault by the name that the harness must give it, apart for requests on reused and on
new connections. The release that it serves is what a file says.
"""

import contextlib
import itertools
import socket
import ssl
import struct
import threading
from collections import Counter
from pathlib import Path
from typing import Self

import trustme

EVERY = 50
FAULTS = ("close", "reset", "cut header", "cut body", "503", "wrong text")
WRONG_TEXT = b"under construction"


class Faulty:
    """Serves http://127.0.0.1:<port>/ in threads; https with `authority`.

    `faults`: every 50th request of each kind gets the next of FAULTS, in turn. `answer` makes a
    whole answer from the release's name.
    """

    def __init__(
        self, release: Path, *, authority: trustme.CA | None = None, faults: bool = False
    ) -> None:
        self.counted: Counter[tuple[str, str]] = Counter()
        """By stream and outcome."""
        self.answer = page
        self._release = release
        self._has_faults = faults
        self.asked: Counter[str] = Counter()
        """Requests by stream."""
        self._lock = threading.Lock()
        self._context = None
        if authority is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("127.0.0.1").configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._socks: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        scheme = "https" if authority else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}/"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(5)
        for sock in list(self._socks):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            self._threads = [*(known for known in self._threads if known.is_alive()), thread]
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        # An OSError is the client's end of the connection, as it wished.
        with contextlib.suppress(OSError), contextlib.closing(sock):
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True)
            with contextlib.closing(sock):
                self._socks.add(sock)
                self._talk(sock)
        self._socks.discard(sock)

    def _talk(self, sock: socket.socket) -> None:
        for nth in itertools.count():
            request = b""
            while b"\r\n\r\n" not in request:
                more = sock.recv(65536)
                if not more:
                    return
                request += more
            is_new = b"\r\nConnection: close\r\n" in request
            stream = "get-new" if is_new else "get-reused"
            fault = self._fault(stream)
            if fault:
                self.counted[stream, outcome_of(fault, nth)] += 1
                if self._goes_wrong(sock, fault):
                    return
            else:
                sock.sendall(self.answer(self._release.read_text().strip()))
            if is_new:
                return

    def _fault(self, stream: str) -> str:
        with self._lock:
            self.asked[stream] += 1
            if not self._has_faults:
                return ""
            turn, left = divmod(self.asked[stream], EVERY)
        return "" if left else FAULTS[(turn - 1) % len(FAULTS)]

    def _goes_wrong(self, sock: socket.socket, fault: str) -> bool:
        """Whether the connection has ended by it."""
        whole = self.answer(self._release.read_text().strip())
        if fault == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif fault == "cut header":
            sock.sendall(whole[: whole.index(b"\r\n\r\n") - 3])
        elif fault == "cut body":
            sock.sendall(whole[:-1])
        elif fault == "503":
            sock.sendall(whole.replace(b"200 OK", b"503 Service Unavailable"))
            return False
        elif fault == "wrong text":
            sock.sendall(answer(WRONG_TEXT, b"X-Release: v1\r\n"))
            return False
        return True


def outcome_of(fault: str, nth: int) -> str:
    """What the harness must call it, on a connection that has carried `nth` requests before."""
    closed = "closed_on_reuse" if nth else "closed_before_answer"
    return {
        "close": closed,
        "reset": "reset",
        "cut header": "truncated",
        "cut body": "truncated",
        "503": "wrong_status",
        "wrong text": "wrong_body",
    }[fault]


def answer(body: bytes, headers: bytes = b"", status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, headers, len(body), body)


def page(release: str) -> bytes:
    """A page that tells its release in a header."""
    return answer(b"Welcome to the shop", b"X-Release: %b\r\n" % release.encode())
