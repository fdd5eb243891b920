"""geventhttpclient by itself, one greenlet a connection: `URL SECONDS CONNECTIONS`, prints JSON."""

import json
import sys
import time
from urllib.parse import urlsplit

import gevent
from geventhttpclient import HTTPClient


class Visits:
    """Counts; each connection's greenlet asks again as soon as it was answered."""

    def __init__(self, url: str, connections: int) -> None:
        parts = urlsplit(url)
        self.requests = self.failed = 0
        self._client = HTTPClient(
            parts.hostname, parts.port, concurrency=connections, network_timeout=10.0
        )

    def ask(self) -> None:
        while True:
            answer = self._client.get("/")
            body = answer.read()
            self.requests += 1
            if answer.status_code != 200 or not body:
                self.failed += 1


def main() -> None:
    url, for_s, connections = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    visits = Visits(url, connections)
    greenlets = [gevent.spawn(visits.ask) for _ in range(connections)]
    gevent.sleep(0.3)
    before, cpu, began = visits.requests, time.process_time(), time.monotonic()
    gevent.sleep(for_s)
    spent, cpu_s = time.monotonic() - began, time.process_time() - cpu
    requests = visits.requests - before
    gevent.killall(greenlets)
    figures = {"requests": requests, "failed": visits.failed, "seconds": spent, "cpu_s": cpu_s}
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
