"""A client and the scripted server that it talks to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from scripted import Scripted

from harness.model.arrivals import Arrival
from harness.model.outcome import Outcome
from harness.model.row import Sample
from harness.model.traffic import Connection, Stream
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


@dataclass
class Talk:
    """A client and the server it talks to."""

    server: Scripted
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


class Place(NamedTuple):
    """Where a request stands on its connection."""

    connection: Connection
    before: int
    """Requests that the connection has carried before it."""


Start = Callable[..., Talk]
