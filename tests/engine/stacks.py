"""Stacks for tests that need no load, and plain requests to them."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from left import remove

from harness.kept import new_run
from harness.stack.plan import StackPlan
from harness.stack.stack import Stack
from harness.target import Endpoint
from harness.timeline import SystemTime, Timeline


@dataclass
class Up:
    """A stack that serves."""

    stack: Stack
    run: str
    endpoint: Endpoint

    def ask(self, method: str, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
        """(status, body, headers by lower-case name) of one request to the edge."""
        return ask(self.endpoint, method, path, **headers)


def ask(
    endpoint: Endpoint, method: str, path: str, **headers: str
) -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, headers={"Host": "localhost", **named})
        answer = connection.getresponse()
        body = answer.read().decode()
        return answer.status, body, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


@contextmanager
def brought_up(engine: docker.DockerClient, folder: Path, **plan: Any) -> Iterator[Up]:
    run = new_run()
    stack = Stack(StackPlan(run=run, **plan))
    timeline = Timeline(folder / f"{run}.jsonl", SystemTime())
    try:
        yield Up(stack, run, stack.up(timeline))
    finally:
        try:
            stack.down()
        finally:
            remove(engine, run)
            timeline.close()
