"""A server that stalls once, in a process of its own, with a record of what it wrote and when.

One thread and one poll. It takes its time over each answer, so that it answers 3,000 a second at
most: twice what the bundled stack does, and slower than the child can read, so that after a stall
what waits is the server's to catch up with and not the child's. Run as a program it says
its port, is told the stall in one line (monotonic begin and end, ns), and when its input ends
prints its record: the stall as it really was, then for each request its number and the moments
right before and right after its answer was handed to the kernel.
"""

import contextlib
import json
import select
import socket
import subprocess
import sys
import time
from types import TracebackType
from typing import NamedTuple, Self

ANSWER = b"HTTP/1.1 200 OK\r\nX-Release: v1\r\nX-Instance: i1\r\nContent-Length: 5\r\n\r\nhello"
WORK_S = 0.00025
NEVER_NS = 2**63


class Record(NamedTuple):
    """Monotonic nanoseconds."""

    begin_ns: int
    end_ns: int
    written_ns: dict[int, tuple[int, int]]
    """By sequence number: before and after it was written."""


class Stalling:
    """The process, from the test's side."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = int(self._process.stdout.readline())  # type: ignore[union-attr]

    def stall(self, begin_ns: int, end_ns: int) -> None:
        print(begin_ns, end_ns, file=self._process.stdin, flush=True)

    def record(self) -> Record:
        """Ends it."""
        said, _ = self._process.communicate(timeout=20)
        begin_ns, end_ns, written = json.loads(said)
        return Record(begin_ns, end_ns, {seq: (before, after) for seq, before, after in written})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        with self._process:
            self._process.kill()


def serve() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    print(listener.getsockname()[1], flush=True)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    poll.register(sys.stdin, select.EPOLLIN)
    socks: dict[int, socket.socket] = {}
    written: list[tuple[int, int, int]] = []
    begin_ns, end_ns = NEVER_NS, NEVER_NS
    was = (0, 0)
    while True:
        left_ns = begin_ns - time.monotonic_ns()
        if left_ns <= 0:
            began_ns = time.monotonic_ns()
            time.sleep(max(0, end_ns - began_ns) / 1e9)
            was, begin_ns = (began_ns, time.monotonic_ns()), NEVER_NS
        for number, _ in poll.poll(min(1.0, max(0, left_ns) / 1e9)):
            if number == listener.fileno():
                sock, _ = listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                socks[sock.fileno()] = sock
                poll.register(sock, select.EPOLLIN)
            elif number == sys.stdin.fileno():
                line = sys.stdin.readline()
                if not line:
                    print(json.dumps([*was, written]))
                    return
                begin_ns, end_ns = map(int, line.split())
            else:
                answer(socks, number, written)


def answer(
    socks: dict[int, socket.socket], number: int, written: list[tuple[int, int, int]]
) -> None:
    """Requests here are small enough to come whole."""
    with contextlib.suppress(ConnectionError):
        request = socks[number].recv(65536)
        if request:
            identity = request.partition(b"X-Request-Id: ")[2].partition(b"\r\n")[0]
            time.sleep(WORK_S)
            before_ns = time.monotonic_ns()
            socks[number].send(ANSWER)
            seq = int(identity.rpartition(b"-")[2])
            written.append((seq, before_ns, time.monotonic_ns()))
            return
    socks.pop(number).close()


if __name__ == "__main__":
    serve()
