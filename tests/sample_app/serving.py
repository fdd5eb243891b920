"""The real launcher with the real gunicorn, on a loopback port of its own."""

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from sample_app import launcher

DEADLINE_S = 15.0


def until(condition, what):
    """Polls `condition` until it is truthy, and returns that."""
    deadline = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {DEADLINE_S} s"
        time.sleep(0.01)
    return value


class Website:
    def __init__(self, process, log):
        self.process = process
        self.log = log
        self.port = until(self._listening, "gunicorn listens")
        until(lambda: self.get("/ready")[0] == 200, "the website is ready")

    def _listening(self):
        assert self.process.poll() is None, self.log.read_text()
        found = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", self.log.read_text())
        return found and int(found[1])

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)

    def get(self, path):
        connection = self.connect()
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def tell(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def exit_code(self):
        return self.process.wait(DEADLINE_S)

    def gunicorn(self):
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())


@contextmanager
def launched(log, **settings):
    env = os.environ | {"BIND": "127.0.0.1", "PORT": "0", "STORE_HOST": "127.0.0.1"}
    env |= {"INSTANCE": "website-1", "RELEASE": "v1", "ACCESS_LOG": "", "LINGER_S": "0"}
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            [sys.executable, launcher.__file__],
            env=env | settings,
            stderr=stderr,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            # The group is the launcher's own: workers that lost their parent are in it too.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
