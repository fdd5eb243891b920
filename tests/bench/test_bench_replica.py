"""The replica by hand, with a clock of the test's own."""

import json
import subprocess
import sys
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

from harness.bench.replica.server import Replica, Request, Settings

MS = 1_000_000


class Client:
    """In place of a connection."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.dropped = False

    def answer(self, headers: str) -> None:
        self.answers.append(headers)

    def drop(self) -> None:
        self.dropped = True


class Bench:
    """A replica whose time goes on when told, and whose wakes come `late_ns` late."""

    def __init__(self, late_ns: int = 0, **settings: Any) -> None:
        self.now_ns = 0
        self.late_ns = late_ns
        self._count = count()
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self.replica = Replica("r", self._at, lambda: self.now_ns)
        self.replica.begin(Settings(**settings))

    def _at(self, due_ns: int, call: Callable[[], None]) -> None:
        heappush(self._due, (due_ns + self.late_ns, next(self._count), call))

    def ask(self, seq: int, ms: float, key: str = "k") -> Client:
        client = Client()
        self.replica.take(
            Request(
                connection=client,  # type: ignore[arg-type]
                seq=seq,
                service_us=int(ms * 1000),
                key=key,
                arrived_ns=self.now_ns,
            )
        )
        return client

    def until(self, ms: float) -> None:
        while self._due and self._due[0][0] <= ms * MS:
            self.now_ns, _, call = heappop(self._due)
            call()
        self.now_ns = int(ms * MS)

    def told(self) -> list[Any]:
        """[longest queue, [seq, served_us, queued_us, hit] …]."""
        first, *rows = (json.loads(line) for line in self.replica.told().splitlines())
        return [first["longest_queue"], *rows]


def test_slots_are_served_at_once_and_the_rest_in_the_order_of_arrival() -> None:
    bench = Bench(slots=2)
    for seq in range(4):
        bench.ask(seq, 10)
    bench.until(100)
    assert bench.told() == [
        2,
        [0, 10_000, 0, -1],
        [1, 10_000, 0, -1],
        [2, 10_000, 10_000, -1],
        [3, 10_000, 10_000, -1],
    ]


def test_an_answer_says_who_served_how_long_it_took_and_how_long_it_waited() -> None:
    bench = Bench(slots=1)
    bench.ask(0, 10)
    second = bench.ask(1, 5)
    bench.until(20)
    assert second.answers == ["X-Instance: r\r\nX-Service-Us: 5000\r\nX-Queue-Us: 10000\r\n"]


def test_a_late_wake_does_not_shrink_the_capacity() -> None:
    bench = Bench(slots=1, late_ns=2 * MS)
    for seq in range(3):
        bench.ask(seq, 10)
    bench.until(100)
    assert [row[2] for row in bench.told()[1:]] == [0, 10_000, 20_000]


def test_a_change_holds_between_its_moments_and_the_first_one_in_the_warmup_too() -> None:
    changes = [(0, 20 * MS, 5.0, 0), (40 * MS, 60 * MS, 1.0, 7000)]
    bench = Bench(slots=9, origin_in_s=0.01, changes=changes)
    for seq, ms in enumerate((5, 15, 32, 55, 75)):
        bench.until(ms)
        bench.ask(seq, 2)
    bench.until(200)
    served = {row[0]: row[1] for row in bench.told()[1:]}
    assert served == {0: 10_000, 1: 10_000, 2: 2_000, 3: 7_000, 4: 2_000}


def test_a_cache_holds_the_keys_used_last_and_is_empty_in_each_round() -> None:
    bench = Bench(slots=9, cache_keys=2, hit_factor=0.5)
    for seq, key in enumerate("abacb"):
        bench.ask(seq, 10, key)
        bench.until(20 * (seq + 1))
    assert [row[1:2] + row[3:] for row in bench.told()[1:]] == [
        [10_000, 0],
        [10_000, 0],
        [5_000, 1],
        [10_000, 0],
        [10_000, 0],
    ]
    bench.replica.begin(Settings(slots=9, cache_keys=2, hit_factor=0.5))
    client = bench.ask(9, 10, "b")
    bench.until(200)
    assert "X-Cache: MISS" in client.answers[0]


def test_what_a_round_left_is_dropped_by_the_next_and_takes_none_of_its_slots() -> None:
    bench = Bench(slots=1)
    served, waiting = bench.ask(0, 10), bench.ask(1, 10)
    bench.replica.begin(Settings(slots=1))
    assert served.dropped
    assert waiting.dropped
    bench.ask(2, 10)
    bench.until(50)
    assert bench.told() == [0, [2, 10_000, 0, -1]]
    assert not served.answers


def test_who_is_gone_does_not_wait_any_longer() -> None:
    bench = Bench(slots=1)
    bench.ask(0, 10)
    gone = bench.ask(1, 10)
    bench.replica.forget(gone)  # type: ignore[arg-type]
    bench.ask(2, 10)
    bench.until(50)
    assert [row[:3] for row in bench.told()[1:]] == [[0, 10_000, 0], [2, 10_000, 10_000]]


ENDED = """
import asyncio, os, signal
from harness.bench.replica import server

async def told_to_end(*_, **__):
    os.kill(os.getpid(), signal.SIGTERM)

asyncio.base_events.BaseEventLoop.create_server = told_to_end
asyncio.run(server.main("replica-1", 0))
"""


def test_it_ends_by_its_stop_signal_and_with_success() -> None:
    """As PID 1 of a container it would not hear of a signal that it does not handle."""
    assert subprocess.run([sys.executable, "-c", ENDED], timeout=60, check=False).returncode == 0
