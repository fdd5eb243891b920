"""A server's side of TLS between two buffers, so that a test holds the very bytes that go out."""

import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Any

__all__ = ["Sealed"]


class Sealed:
    """Reads and writes as a blocking socket does. Errors are OSErrors, ssl.SSLError among them."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        self._sock = sock
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def shake_hands(self) -> None:
        self._carry(self._tls.do_handshake)

    def first_flight(self) -> bytes:
        """Waits for the client's hello; what the server says to it."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                if flight := self._outgoing.read():
                    return flight
                self._take()

    def recv(self, size: int) -> bytes:
        data: bytes = self._carry(self._tls.read, size)
        return data

    def sendall(self, data: bytes) -> None:
        if data:
            self._sock.sendall(self.sealed(data))

    def sealed(self, data: bytes) -> bytes:
        """The records that carry `data`; not sent."""
        self._tls.write(data)
        return self._outgoing.read()

    def farewell(self) -> bytes:
        """The record that announces the end of the stream; not sent. Empty where there is none."""
        with contextlib.suppress(OSError, ValueError):  # it waits for the peer's, or never met it
            self._tls.unwrap()
        return self._outgoing.read()

    def _carry(self, call: Callable[..., Any], *args: Any) -> Any:
        while True:
            try:
                value = call(*args)
            except ssl.SSLWantReadError:
                self._flush()
                self._take()
            except ssl.SSLError:
                self._flush()  # the alert that says why
                raise
            else:
                self._flush()
                return value

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._sock.sendall(self._outgoing.read())

    def _take(self) -> None:
        if data := self._sock.recv(65536):
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
