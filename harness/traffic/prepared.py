"""A stream made ready: its request as bytes with gaps, its connections, what it expects."""

import re
import ssl
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from harness.model.made import expanded
from harness.model.traffic import Connection, Stream
from harness.traffic.allowed import refuse
from harness.traffic.answer import Heads
from harness.traffic.connection import Pool
from harness.traffic.expected import GAP, Expected
from harness.traffic.tls import Trust

if TYPE_CHECKING:
    from harness.traffic.http2.endings import Tally
    from harness.traffic.http2.multiplexed import Multiplexed

__all__ = ["Prepared", "Reached"]

_MARK: Final = b"\0"  # stands for the request id in the bytes; no valid request contains it

_RUN: Final = re.compile(r"[!-~]+")


class Reached(NamedTuple):
    """Where a stream's requests go."""

    authority: str
    """The Host header."""
    family: int
    address: Any
    trust: Trust | None
    """None: without TLS."""


class Prepared:
    """A stream with all that can be computed once. Raises ValueError for what HTTP forbids."""

    def __init__(
        self,
        stream: Stream,
        *,
        reached: Reached,
        run: str,
        headers: Mapping[str, str],
        max_idle_s: float,
        release_from: tuple[str, str] = ("header", "X-Release"),
        seed: int = 0,
    ) -> None:
        if not _RUN.fullmatch(run):
            raise ValueError(
                f"run {run!r} is part of headers and paths: printable ASCII, no spaces"
            )
        self.timeout_ns = int(stream.timeout_s * 1e9)
        self.upload_ns = int(stream.upload_s * 1e9)
        self.bodiless = stream.method == "HEAD"
        self.visit = stream.visit
        self.then: Prepared | None = None
        """A visit's later requests, where they are not like its first."""
        self._keeps = stream.connection == Connection.reuse
        is_pooled = self._keeps and stream.visit is None and not stream.http2
        self.pool = Pool(max_idle_s=max_idle_s) if is_pooled else None
        """None: a connection for each request, or for each visit; or HTTP/2."""
        self.http2: Multiplexed | None = None
        """Carries its requests instead; None: they are said in HTTP/1.1."""
        self.asks_again = stream.asks_again
        self._max_idle_s = max_idle_s
        self.reached = reached
        self.tls = stream.tls
        self.session: ssl.SSLSession | None = None
        """The TLS session to resume, where the stream does that."""
        self.expected = Expected(stream, release_from=release_from, run=run)
        self.heads = Heads()
        self._head = _head(stream, reached.authority, {**headers, **stream.headers}).split(_MARK)
        self._seed = seed
        self._drawn = [(_drawn_mark(n), *drawn) for n, drawn in enumerate(stream.drawn.items())]
        self._body = [part.encode() for part in expanded(stream.body).split(GAP)]
        self._has_body = bool(stream.body) or stream.method not in {"GET", "HEAD", "DELETE"}

    def speak_http2(self, count: Callable[[], int], clock_ns: Callable[[], int]) -> None:
        """From now on; `count` numbers connections. Imports what no other stream needs."""
        from harness.traffic.http2.multiplexed import Multiplexed  # noqa: PLC0415 (see above)

        self.http2 = Multiplexed(
            self,
            keeps=self._keeps,
            count=count,
            clock_ns=clock_ns,
            max_idle_s=self._max_idle_s,
        )

    def tallies(self) -> "list[Pool | Tally]":
        """What counts what servers did to its idle connections."""
        if self.http2 is not None:
            return [self.http2.tally]
        return [] if self.pool is None else [self.pool]

    def request(self, identity: bytes, seq: int = 0) -> bytes:
        """The whole request, with the id, and what is drawn for `seq`, in every gap."""
        head = identity.join(self._head)
        for mark, name, draw in self._drawn:
            head = head.replace(mark, draw.text(name, self._seed, seq).encode())
        if not self._has_body:
            return head + b"\r\n"
        body = identity.join(self._body)
        return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)


def _drawn_mark(number: int) -> bytes:
    """Stands for what is drawn by that name, as _MARK for the id."""
    return b"\1%d\1" % number


def _head(stream: Stream, authority: str, headers: Mapping[str, str]) -> bytes:
    """The header section up to Content-Length, its last header, with a mark for each id."""
    refuse(stream, authority, headers)
    mark = _MARK.decode()

    def gapped(text: str) -> str:
        for number, each in enumerate(stream.drawn):
            text = text.replace(f"{{{each}}}", _drawn_mark(number).decode())
        return text

    lines = [
        f"{stream.method} {gapped(stream.path.replace(GAP, mark))} HTTP/1.1",
        f"Host: {authority}",
        f"X-Request-Id: {mark}",
    ]
    if stream.write:
        lines.append(f"X-Operation-Id: {mark}")
    if stream.connection == Connection.new:
        lines.append("Connection: close")
    lines += [f"{header}: {gapped(value)}" for header, value in headers.items()]
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")
