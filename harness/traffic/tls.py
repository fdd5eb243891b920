"""TLS over a socket that waits through gevent, with nothing forgiven.

The protocol runs in memory (OpenSSL between two buffers) and the socket carries what it says:
so each wait has the request's own deadline, and an end of the stream that TLS did not announce is
told from one that it did.
"""

import contextlib
import ssl
from collections.abc import Callable, Iterator
from typing import Final

from harness.model.outcome import Handshake
from harness.traffic.channel import Channel
from harness.traffic.connection import receive, transmit

__all__ = ["Secured", "Trust"]

_READ_BYTES: Final = 65_536
_HTTP2: Final = "h2"


class Trust:
    """Whom to trust, and for which name: one a run, as a context takes 30 ms to make.

    `ca` are certificates in PEM that stand for the system's. Raises ssl.SSLError or ValueError
    where they cannot be read.
    """

    def __init__(self, name: str, ca: str = "") -> None:
        self._name = name
        self._ca = ca
        self._context = _context(ca, "http/1.1")
        self._others: dict[str, ssl.SSLContext] = {}

    def of(self, name: str) -> "Trust":
        """The same trust, expecting another name."""
        return self._like(name, self._context)

    def over_http2(self) -> "Trust":
        """The same trust, whose connections ask for HTTP/2 and for nothing else (ALPN `h2`)."""
        if _HTTP2 not in self._others:
            self._others[_HTTP2] = _context(self._ca, _HTTP2)
        return self._like(self._name, self._others[_HTTP2])

    def _like(self, name: str, context: ssl.SSLContext) -> "Trust":
        other = object.__new__(Trust)
        other._name, other._ca = name, self._ca
        other._context, other._others = context, self._others
        return other

    def secure(self, sock: Channel, session: ssl.SSLSession | None = None) -> "Secured":
        """TLS over a connected socket, the handshake still to be made."""
        return Secured(sock, self._context, self._name, session)


class Secured:
    """Implements connection.Wire."""

    __slots__ = ("_ahead", "_incoming", "_outgoing", "_sock", "_tls")

    def __init__(
        self,
        sock: Channel,
        context: ssl.SSLContext,
        name: str,
        session: ssl.SSLSession | None,
    ) -> None:
        self._sock = sock
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._ahead = b""
        """What the last look for a byte found: still to be received."""
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=name, session=session
        )

    @property
    def session(self) -> ssl.SSLSession | None:
        """To be resumed by a later connection; what the server gave by now."""
        return self._tls.session

    @property
    def protocol(self) -> str:
        """What the peer has chosen of those that were asked for (ALPN); empty: nothing."""
        return self._tls.selected_alpn_protocol() or ""

    @property
    def handshake(self) -> Handshake:
        return Handshake.resumed if self._tls.session_reused else Handshake.full

    def shake_hands(self, deadline_ns: int, clock_ns: Callable[[], int]) -> None:
        """Raises TimeoutError at the deadline, ssl.SSLCertVerificationError where the certificate
        does not verify, ssl.SSLEOFError where the peer ended the stream, another ssl.SSLError for
        what is not TLS or an alert of the peer, else the kernel's OSError.
        """
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush(deadline_ns, clock_ns)
                self._more(deadline_ns, clock_ns)
            except ssl.SSLError:
                # The alert that tells the peer why.
                with contextlib.suppress(OSError):
                    self._flush(deadline_ns, clock_ns)
                raise
            else:
                self._flush(deadline_ns, clock_ns)
                return

    def transmit(self, data: bytes, deadline_ns: int, clock_ns: Callable[[], int]) -> None:
        """Write all of `data`; raises as connection.transmit, and ssl.SSLError."""
        self._tls.write(data)
        self._flush(deadline_ns, clock_ns)

    def receive(self, deadline_ns: int, clock_ns: Callable[[], int]) -> bytes:
        """The next bytes; b"" at an end that TLS announced, ssl.SSLEOFError at one it did not.

        Raises ssl.SSLError for a broken record or an alert, else as connection.receive.
        """
        if self._ahead:
            ahead, self._ahead = self._ahead, b""
            return ahead + (self._tls.read(_READ_BYTES) if self._tls.pending() else b"")
        while True:
            try:
                return self._tls.read(_READ_BYTES)
            except ssl.SSLWantReadError:
                if self._outgoing.pending:
                    # TLS itself answers at times (a new key, say).
                    self._flush(deadline_ns, clock_ns)
                self._more(deadline_ns, clock_ns)

    def sealed(self, data: bytes) -> bytes:
        """The records that carry `data`, behind what TLS has to say of its own; not sent.

        With `opened`, for a connection that somebody else carries; raises ssl.SSLError.
        """
        if data:
            self._tls.write(data)
        return self._outgoing.read()

    def opened(self, records: bytes | None) -> Iterator[bytes]:
        """What the peer says by those bytes, and in the end b"" where it announces the stream's.

        `records` b"" is the stream's end, None what came with the handshake. Raises as `receive`,
        once what came before was given.
        """
        if records is not None:
            self._take(records)
        while True:
            try:
                talk = self._tls.read(_READ_BYTES)
            except ssl.SSLWantReadError:
                return
            yield talk
            if not talk:
                return

    @property
    def heard_ns(self) -> int | None:
        return self._sock.heard_ns

    def quiet(self) -> bool:
        """Whether the peer has neither ended it nor sent a byte of an answer.

        What TLS says of its own, such as a ticket for the next session, is neither.
        """
        try:
            while True:
                with contextlib.suppress(ssl.SSLWantReadError):
                    self._ahead = self._ahead or self._tls.read(1)
                    return False
                if not self._take(self._sock.recv(_READ_BYTES)):
                    return False
        except BlockingIOError:
            return True
        except OSError:
            return False

    def close(self) -> None:
        """Ends it, the peer told as far as it takes that at once."""
        with contextlib.suppress(OSError, ValueError):
            self._tls.unwrap()
        with contextlib.suppress(OSError):
            self._sock.send(self._outgoing.read())
        self._sock.close()

    def _flush(self, deadline_ns: int, clock_ns: Callable[[], int]) -> None:
        data = self._outgoing.read()
        if data:
            transmit(self._sock, data, deadline_ns, clock_ns)

    def _more(self, deadline_ns: int, clock_ns: Callable[[], int]) -> None:
        self._take(receive(self._sock, deadline_ns, clock_ns))

    def _take(self, data: bytes) -> bool:
        """Hands over what came; False where it was the stream's end."""
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        return bool(data)


def _context(ca: str, protocol: str) -> ssl.SSLContext:
    made = ssl.create_default_context(cadata=ca or None)
    made.set_alpn_protocols([protocol])
    return made
