"""Visitors of a stack without a run's load: they ask for the home page all the time, and count."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from harness.mix import HOME
from harness.target import Endpoint

_COUNT = 8
_PAUSE_S = 0.02


@dataclass
class Visits:
    """What they met since `since_ns`; nothing is tried again."""

    asked: int = 0
    failed: list[str] = field(default_factory=list)
    """Why, of each that was not answered with status 200 and a release's own page."""
    by_release: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, why: str, release: str) -> None:
        with self.lock:
            self.asked += 1
            self.by_release[release] = self.by_release.get(release, 0) + 1
            if why:
                self.failed.append(why)


@contextmanager
def visiting(endpoint: Endpoint) -> Iterator[Visits]:
    """Some 250 requests a second, each on a connection of its own; all are over at the end."""
    visits, is_over = Visits(), threading.Event()

    def visit() -> None:
        while not is_over.is_set():
            visits.note(*_asked(endpoint))
            time.sleep(_PAUSE_S)

    threads = [threading.Thread(target=visit, daemon=True) for _ in range(_COUNT)]
    for thread in threads:
        thread.start()
    try:
        yield visits
    finally:
        is_over.set()
        for thread in threads:
            thread.join(15)


def _asked(endpoint: Endpoint) -> tuple[str, str]:
    """Why the answer is wrong, empty where it is right; the release that it tells."""
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": endpoint.authority})
        answer = connection.getresponse()
        body = answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        return repr(error), ""
    finally:
        connection.close()
    release = answer.headers.get("X-Release", "")
    if (answer.status, body) != (200, HOME.get(release)):
        return f"{answer.status} {body[:60]!r}", release
    return "", release
