"""A client and the scripted server that it talks to."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import gevent
from scripted import Scripted
from scripted_http2 import ScriptedHttp2

from harness.model.arrivals import Arrival
from harness.model.outcome import Outcome
from harness.model.row import Sample
from harness.model.traffic import Connection, Stream, Tls
from harness.traffic.client import Client

BODY = {"v1": "hello"}


def stream(**settings: object) -> Stream:
    """A stream, with time enough for a busy machine unless a test is about the time."""
    values: dict[str, object] = {
        "name": "page",
        "path": "/page",
        "rate_hz": 1.0,
        "expect_body": BODY,
        "timeout_s": 5.0,
    }
    return Stream(**(values | settings))  # type: ignore[arg-type]


def short_s(tls: Tls) -> float:
    """A timeout to wait for, which leaves time for a handshake on a busy machine."""
    return 0.3 if tls is Tls.off else 0.5


@dataclass
class Talk:
    """A client and the server it talks to."""

    server: "Scripted | ScriptedHttp2"
    client: Client
    details: list[tuple[int, Outcome, str]] = field(default_factory=list)
    seq: int = 0

    def send(self, other: Stream | None = None, index: int = 0) -> Sample:
        sample = self.client.send(Arrival(self.seq, index, 123), other)
        assert type(sample) is Sample
        assert (sample.seq, sample.stream, sample.due_ns) == (self.seq, index, 123)
        assert sample.finished_ns >= max(sample.sent_ns, sample.first_byte_ns) > 0
        assert not sample.first_byte_ns or sample.first_byte_ns >= sample.sent_ns
        self.seq += 1
        return sample

    def spawn(self) -> "gevent.Greenlet[..., Sample]":
        """One more request, which nobody waits for yet."""
        self.seq += 1
        return gevent.spawn(self.client.send, Arrival(self.seq - 1, 0, 123))

    def together(self, count: int) -> list[Sample]:
        """So many requests at once, in the order of their numbers."""
        sending = [self.spawn() for _ in range(count)]
        gevent.joinall(sending, timeout=20)
        return [each.get(block=False) for each in sending]

    def until(self, condition: Callable[[], object]) -> None:
        deadline_s = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline_s
            gevent.sleep(0.002)

    def until_served(self, requests: int) -> None:
        """Until the server has done all that it does for so many: what it sent has arrived."""
        self.until(lambda: self.server.served >= requests)


class Place(NamedTuple):
    """Where a request stands on its connection."""

    connection: Connection
    before: int
    """Requests that the connection has carried before it."""


Start = Callable[..., Talk]
