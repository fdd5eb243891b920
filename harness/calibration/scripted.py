"""The parent's side of the scripted server: starts it, gives it its outages, notices its death."""

import contextlib
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from harness.calibration.script import (
    HOST,
    NAME,
    Listening,
    Script,
    Show,
    Shown,
    from_line,
    to_line,
)
from harness.model.calibration import PlannedOutage
from harness.model.errors import MissingEvidenceError
from harness.model.traffic import Traffic
from harness.target import Endpoint

__all__ = ["ScriptedServer"]

_START_S = 30.0
_GRACE_S = 5.0
T = TypeVar("T")


class ScriptedServer:
    """A process of server.py. Each call raises MissingEvidenceError where it does not answer."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._said: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._complaints: Path | None = None

    def start(self, traffic: Traffic, release: str, folder: Path) -> Endpoint:
        """Where it listens; what it complains of is kept in the folder's logs."""
        logs = folder / "logs"
        logs.mkdir(exist_ok=True)
        self._complaints = logs / "server.printed.txt"
        with self._complaints.open("wb") as complaints:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "harness.calibration.server"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
            )
        threading.Thread(target=self._listen, name="calibration server", daemon=True).start()
        self._tell(to_line(Script(traffic=traffic, release=release)))
        found = self._hear(Listening, _START_S)
        return Endpoint(
            host=HOST,
            port=found.port,
            path="direct",
            tls_port=found.tls_port,
            tls_name=NAME,
            ca=found.ca,
        )

    def show(self, outages: Sequence[PlannedOutage]) -> None:
        """Their moments are monotonic, and lie ahead."""
        self._tell(to_line(Show(outages=tuple(outages))))

    def shown(self, timeout_s: float) -> Shown:
        """What was put in, once the last of it is over."""
        return self._hear(Shown, timeout_s)

    def close(self) -> None:
        """Closing its input tells it to end; it is killed where it does not. Idempotent."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None and not process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _tell(self, line: bytes) -> None:
        if self._process is None or self._process.stdin is None:
            raise MissingEvidenceError("calibration: the scripted server was not started")
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise self._ended() from error

    def _hear(self, kind: type[T], timeout_s: float) -> T:
        try:
            line = self._said.get(timeout=timeout_s)
        except queue.Empty:
            raise MissingEvidenceError(
                f"calibration: the scripted server said nothing within {timeout_s:.0f} s"
            ) from None
        if not line:
            raise self._ended()
        return from_line(kind, line)

    def _ended(self) -> MissingEvidenceError:
        printed = self._complaints.read_text("utf-8", "replace") if self._complaints else ""
        tail = "\n  ".join(printed.strip().splitlines()[-5:])
        return MissingEvidenceError(
            "calibration: the scripted server ended" + (f":\n  {tail}" if tail else "")
        )

    def _listen(self) -> None:
        """Until its output ends, which is said as an empty line."""
        if self._process is not None and self._process.stdout is not None:
            for line in self._process.stdout:
                self._said.put(line)
            self._process.stdout.close()
        self._said.put(b"")
