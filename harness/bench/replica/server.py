"""A replica: `slots` requests are served at once, the others wait, first come first served.

It does no work. Each request says in X-Service-Us how long it takes, and the replica sleeps for
so long, so that two cores carry many of them. Standard library alone: it runs in a bare image,
where it is told its name by INSTANCE and its port by PORT.

`PUT /_round` begins a round with a JSON object (`Settings`), and drops whatever is left of the last
one. `GET /_round` answers with what was served since, as JSON lines: first how long the queue was
at most, then [seq, served_us, queued_us, hit] of each request.
"""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

__all__ = ["Replica", "Settings", "main"]

_MOST_HEAD_BYTES = 65_536
_US = 1_000


@dataclass
class Settings:
    """Of a round. Times of changes are nanoseconds from `origin_in_s` after it was told."""

    slots: int = 1
    origin_in_s: float = 0.0
    changes: list[tuple[int, int, float, int]] = field(default_factory=list)
    """(begins, ends, factor, at least so many microseconds)."""
    cache_keys: int = 0
    """0: no cache."""
    hit_factor: float = 1.0


@dataclass(eq=False)
class Request:
    """One that waits or is served. Times are monotonic nanoseconds."""

    connection: "Connection"
    seq: int
    service_us: int
    key: str
    arrived_ns: int
    begun_ns: int = 0
    due_ns: int = 0
    hit: int = -1


class Replica:
    """Slots and a queue. `at` calls back at a moment, or a little later."""

    def __init__(
        self,
        name: str,
        at: Callable[[int, Callable[[], None]], None],
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.name = name
        self._at = at
        self._clock_ns = clock_ns
        self.begin(Settings())

    def begin(self, settings: Settings) -> None:
        """A new round: what is left of the last one is dropped, its connections too."""
        for request in [*getattr(self, "_waiting", ()), *getattr(self, "_served", ())]:
            request.connection.drop()
        self._settings = settings
        self._origin_ns = self._clock_ns() + int(settings.origin_in_s * 1e9)
        self._waiting: deque[Request] = deque()
        self._served: list[Request] = []
        self._cache: OrderedDict[str, None] = OrderedDict()
        self._longest = 0
        self._done: list[tuple[int, int, int, int]] = []

    def take(self, request: Request) -> None:
        if len(self._served) < self._settings.slots:
            self._serve(request, request.arrived_ns)
            return
        self._waiting.append(request)
        self._longest = max(self._longest, len(self._waiting))

    def forget(self, connection: "Connection") -> None:
        """Its client is gone: what waits is dropped; what is served keeps its slot to its end."""
        self._waiting = deque(each for each in self._waiting if each.connection is not connection)

    def told(self) -> bytes:
        """What the round left so far."""
        lines: list[object] = [{"longest_queue": self._longest}, *self._done]
        return "".join(f"{json.dumps(line)}\n" for line in lines).encode()

    def _serve(self, request: Request, begun_ns: int) -> None:
        request.begun_ns = begun_ns
        request.due_ns = begun_ns + self._service_ns(request)
        self._served.append(request)
        self._at(request.due_ns, lambda: self._end(request))

    def _service_ns(self, request: Request) -> int:
        us: float = request.service_us
        settings = self._settings
        if settings.cache_keys:
            request.hit = int(request.key in self._cache)
            self._cache[request.key] = None
            self._cache.move_to_end(request.key)
            if len(self._cache) > settings.cache_keys:
                self._cache.popitem(last=False)
            us *= settings.hit_factor if request.hit else 1.0
        at_ns = request.begun_ns - self._origin_ns
        for begins, ends, factor, at_least in settings.changes:
            # What comes before a change of the first moment, the warm-up, is as that moment.
            if (begins <= at_ns < ends) or (begins <= 0 and at_ns < 0):
                us = max(us * factor, at_least)
        return int(us * _US)

    def _end(self, request: Request) -> None:
        if request not in self._served:
            return  # of a round that is over
        self._served.remove(request)
        served_us = (request.due_ns - request.begun_ns) // _US
        queued_us = (request.begun_ns - request.arrived_ns) // _US
        self._done.append((request.seq, served_us, queued_us, request.hit))
        cache = {-1: "", 0: "X-Cache: MISS\r\n", 1: "X-Cache: HIT\r\n"}[request.hit]
        request.connection.answer(
            f"X-Instance: {self.name}\r\nX-Service-Us: {served_us}\r\n"
            f"X-Queue-Us: {queued_us}\r\n{cache}"
        )
        if self._waiting:
            # From when the slot was due to be free: a late wake must not shrink the capacity.
            self._serve(waiting := self._waiting.popleft(), max(request.due_ns, waiting.arrived_ns))


class Connection(asyncio.Protocol):
    """HTTP/1.1 as our proxies speak it: one request after another, without transfer codings."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._transport: asyncio.Transport | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # TCP's is one

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None
        self._replica.forget(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            if len(head) > _MOST_HEAD_BYTES:
                self.drop()
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        length = int(fields.get("content-length", "0"))
        if len(rest) < length:
            return
        body, self._buffer = rest[:length], rest[length:]
        try:
            self._ask(first, fields, body)
        except (ValueError, KeyError, TypeError):
            self.answer("", status="400 Bad Request")

    def _ask(self, first: str, fields: dict[str, str], body: bytes) -> None:
        method, path, _ = first.split(" ")
        if path == "/_round":
            if method == "PUT":
                self._replica.begin(Settings(**json.loads(body)))
                self.answer("")
            else:
                self.answer("", body=self._replica.told())
            return
        self._replica.take(
            Request(
                connection=self,
                seq=int(fields["x-request-id"].rpartition("-")[2]),
                service_us=int(fields["x-service-us"]),
                key=fields.get("x-key", ""),
                arrived_ns=time.monotonic_ns(),
            )
        )

    def answer(self, headers: str, *, status: str = "200 OK", body: bytes = b"ok\n") -> None:
        if self._transport is not None:
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
            self._transport.write(head.encode("latin-1") + body)

    def drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class Alarm:
    """Calls back at moments, by the kernel's timer: the loop's own are a millisecond coarse."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        create: Any = getattr(os, "timerfd_create", None)  # Python 3.13 has it
        self._timer: int | None = None
        if create is not None:
            self._timer = create(time.CLOCK_MONOTONIC, flags=os.O_NONBLOCK | os.O_CLOEXEC)
            loop.add_reader(self._timer, self._ring)

    def at(self, due_ns: int, call: Callable[[], None]) -> None:
        if self._timer is None:
            self._loop.call_at(due_ns / 1e9, call)
            return
        self._count += 1
        heappush(self._heap, (due_ns, self._count, call))
        if self._heap[0][1] == self._count:
            self._set()

    def _set(self) -> None:
        set_time: Any = getattr(os, "timerfd_settime_ns", None)
        if self._heap:
            # 0 would stop the timer; a moment that has passed rings at once.
            absolute = getattr(os, "TFD_TIMER_ABSTIME", 1)
            set_time(self._timer, flags=absolute, initial=max(1, self._heap[0][0]))

    def _ring(self) -> None:
        if self._timer is not None:
            with contextlib.suppress(BlockingIOError):
                os.read(self._timer, 8)
        now_ns = time.monotonic_ns()
        while self._heap and self._heap[0][0] <= now_ns:
            heappop(self._heap)[2]()
        self._set()


async def main(name: str, port: int) -> None:
    """Serves until it is told to end, by SIGTERM: as PID 1 it would otherwise not hear of it."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    replica = Replica(name, Alarm(loop).at)
    await loop.create_server(lambda: Connection(replica), "0.0.0.0", port, backlog=4096)  # noqa: S104 (a container's own network)
    await ended.wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(os.environ["INSTANCE"], int(os.environ.get("PORT", "8000"))))
