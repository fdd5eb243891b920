"""A server of known delay: `/MILLISECONDS` is answered so much later. Prints its port.

When its input ends it prints, for each request, its id, when it was read and when its answer
was about to be handed to the kernel: monotonic ns, the clock that the client beside it has too.
"""

import asyncio
import sys
import time
from typing import ClassVar

BODY = b"Hello beautiful world!"
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nX-Release: v1\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b"
    % (len(BODY), BODY)
)


class Peer(asyncio.Protocol):
    """One request at a time, none larger than a read."""

    known: ClassVar[dict[str, tuple[int, int]]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        read_ns = time.monotonic_ns()
        line, *fields = data.decode("latin-1").split("\r\n")
        name = next(f for f in fields if f.startswith("X-Request-Id: ")).partition(": ")[2]
        delay_s = float(line.split(" ")[1][1:] or 0) / 1e3
        if delay_s:
            loop = asyncio.get_running_loop()
            loop.call_later(delay_s, self.answer, name, read_ns)
        else:
            self.answer(name, read_ns)

    def answer(self, name: str, read_ns: int) -> None:
        # Before, not after: a process that is put aside in between would count that as its own.
        self.known[name] = (read_ns, time.monotonic_ns())
        self.transport.write(_ANSWER)  # type: ignore[attr-defined]


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Peer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    for name, (read_ns, answered_ns) in Peer.known.items():
        print(name, read_ns, answered_ns)


if __name__ == "__main__":
    asyncio.run(main())
