"""Locust's FastHttpUser, without a wait between requests: `URL SECONDS USERS`, prints JSON."""

# First: importing locust patches the standard library, which must not be in use by then.
import locust  # isort: skip
import json
import sys
import time

import gevent
from locust.contrib.fasthttp import FastHttpUser
from locust.env import Environment


class Visitor(FastHttpUser):
    """One after another, and nothing else."""

    network_timeout = 10.0
    connection_timeout = 10.0

    @locust.task
    def page(self) -> None:
        self.client.get("/", name="page")


def main() -> None:
    url, for_s, users = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    Visitor.host = url.rstrip("/")
    environment = Environment(user_classes=[Visitor], events=locust.events)
    runner = environment.create_local_runner()
    runner.start(users, spawn_rate=users)
    gevent.sleep(0.5)
    total = environment.stats.total
    before, cpu, began = total.num_requests, time.process_time(), time.monotonic()
    gevent.sleep(for_s)
    spent, cpu_s = time.monotonic() - began, time.process_time() - cpu
    requests, failed = total.num_requests - before, total.num_failures
    runner.quit()
    figures = {"requests": requests, "failed": failed, "seconds": spent, "cpu_s": cpu_s}
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
