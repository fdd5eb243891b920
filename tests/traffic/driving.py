"""The real child process at work on a scenario, and the server it talks to."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from certificates import NAME, authority_pem

from harness.analysis.requestlog import decode
from harness.model.arrivals import arrivals_until
from harness.model.scenario import Scenario
from harness.model.traffic import Stream
from harness.target import Endpoint
from harness.traffic.sender import ChildSender

S = 1_000_000_000
DEADLINE_S = 20.0


def until(condition, what):
    """Polls `condition` until it is truthy, and returns that."""
    deadline = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {DEADLINE_S} s"
        time.sleep(0.01)
    return value


def json_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def stream(name="page", rate_hz=200.0, **settings):
    more = {"path": "/", "expect_body": {"v1": "hello"}, "timeout_s": 10.0} | settings
    return Stream(name=name, rate_hz=rate_hz, **more)


class Serves(Protocol):
    port: int


@dataclass
class Drive:
    """A sender with its server, scenario and folder. The server's port is for TLS streams too."""

    server: Serves
    folder: Path
    scenario: Scenario
    sender: ChildSender
    start_ns: int = 0
    stop_ns: int = 0

    def start(self):
        endpoint = Endpoint(
            host="127.0.0.1",
            port=self.server.port,
            authority=NAME,
            tls_port=self.server.port,
            tls_name=NAME,
            ca=authority_pem(),
        )
        self.sender.start("r1", self.scenario, endpoint, self.folder)

    def go(self):
        self.start_ns = time.monotonic_ns() + S // 10
        self.sender.go(self.start_ns)

    def finish(self, for_s, finish_s=15.0):
        self.stop_ns = self.start_ns + int(for_s * S)
        self.sender.finish(self.stop_ns, finish_s)

    def run(self, for_s, finish_s=15.0):
        self.start()
        self.sender.probe(10)
        self.go()
        self.finish(for_s, finish_s)
        return self.recorded()

    def decoded(self):
        log = (self.folder / "requests.bin").read_bytes()
        return decode(log, self.scenario.traffic.stream_names())

    def recorded(self):
        """Samples of the schedule, without probes."""
        decoded = self.decoded()
        assert decoded.damaged == 0
        return decoded.samples[decoded.samples["stream"] != "probe"]

    def plan(self):
        return list(
            arrivals_until(
                self.stop_ns,
                self.scenario.traffic,
                start_ns=self.start_ns,
                seed=self.scenario.seed,
                first_seq=self.sender.sent().probes,
            )
        )
