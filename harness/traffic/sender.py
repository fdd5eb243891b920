"""The parent's side of the sending child: starts it, gives orders, notices its death."""

import contextlib
import os
import queue
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Protocol

from harness.model.errors import MissingEvidenceError, SilentError
from harness.model.scenario import Scenario, Sent, Timing
from harness.model.traffic import Stream
from harness.model.visit import Until
from harness.target import Endpoint
from harness.traffic.orders import Brief, Order, Said, said_from, to_line
from harness.traffic.probing import patience_s, questions

__all__ = ["ChildSender", "Sender", "base_url"]

_START_S = 30.0
_GRACE_S = 5.0


class Sender(Protocol):
    """Sends a scenario's traffic to an endpoint and records every request."""

    def start(self, run: str, scenario: Scenario, endpoint: Endpoint, folder: Path) -> None:
        """Gets ready; nothing is sent yet."""

    def probe(self, timeout_s: float) -> None:
        """Asks each question of the traffic (probing.questions) until its answer is right, at most
        so long each. SilentError where none is in time.
        """

    def go(self, start_ns: int) -> None:
        """The schedule begins at that monotonic moment, which should lie ahead."""

    def hold(self) -> None:
        """A swap begins: visits that are open go on until they are let go."""

    def let_go(self, until: Until) -> None:
        """What those visits wait for has come. It may be said again."""

    def check(self) -> None:
        """MissingEvidenceError where sending has ended by itself."""

    def finish(self, stop_ns: int, finish_s: float) -> None:
        """Ends the schedule and returns once nothing is in flight and all is on disk."""

    def sent(self) -> Sent:
        """What was sent, as far as is known; after an early end too."""

    def close(self) -> None:
        """Ends whatever still runs. Idempotent."""


class ChildSender:
    """Implements Sender by a child process (child.py)."""

    def __init__(self, plugins: tuple[str, ...] = ()) -> None:
        self._plugins = plugins
        self._child: subprocess.Popen[bytes] | None = None
        self._said: queue.SimpleQueue[Said | None] = queue.SimpleQueue()
        self._complaints: Path | None = None
        self._timing = Timing()
        self._questions: tuple[Stream, ...] = ()
        self._start_ns = 0
        self._stop_ns = 0
        self._probes = 0
        self._done: Said | None = None
        self._death = ""

    def start(self, run: str, scenario: Scenario, endpoint: Endpoint, folder: Path) -> None:
        self._timing = scenario.timing
        self._questions = questions(scenario.traffic)
        logs = folder / "logs"
        logs.mkdir(exist_ok=True)
        self._complaints = logs / "sender.printed.txt"
        with self._complaints.open("wb") as complaints:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", "harness.traffic.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env=_environment(),
            )
        threading.Thread(target=self._listen, name="sender", daemon=True).start()
        brief = Brief(
            run=run,
            host=endpoint.host,
            port=endpoint.port,
            authority=endpoint.authority,
            tls_port=endpoint.tls_port,
            tls_name=endpoint.tls_name,
            ca=endpoint.ca,
            traffic=scenario.traffic,
            seed=scenario.seed,
            log=str(folder / "requests.bin"),
            details=str(folder / "details.jsonl"),
            visits=str(folder / "visits.jsonl") if scenario.traffic.has_visits else "",
            plugins=self._plugins,
            places=endpoint.places,
            **_of_locustfile(scenario, endpoint, folder),
        )
        self._tell(to_line(brief))
        self._hear(_START_S, "listening")

    def probe(self, timeout_s: float) -> None:
        order = Order(
            do="probe",
            timeout_s=timeout_s,
            every_s=self._timing.probe_every_s,
            answer_s=self._timing.probe_answer_s,
        )
        self._tell(to_line(order))
        bound_s = sum(timeout_s + patience_s(each, order.answer_s) for each in self._questions)
        said = self._hear(bound_s + _GRACE_S, "answering", "silent")
        self._probes = said.probes
        if said.say == "silent":
            raise SilentError(
                f"target: no right answer within {timeout_s:g} s of {said.probes} requests; "
                f"the last one: {said.text}",
                outcome=said.outcome,
                status=said.status,
            )

    def go(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._tell(to_line(Order(do="go", start_ns=start_ns)))

    def hold(self) -> None:
        self._tell(to_line(Order(do="hold")))

    def let_go(self, until: Until) -> None:
        self._tell(to_line(Order(do="let_go", until=until)))

    def check(self) -> None:
        if self._child is None or self._done is not None:
            return
        if self._child.poll() is not None:
            raise self._died()

    def finish(self, stop_ns: int, finish_s: float) -> None:
        self._stop_ns = stop_ns
        self._tell(to_line(Order(do="stop", stop_ns=stop_ns, finish_s=finish_s)))
        ahead_s = max(0.0, (stop_ns - time.monotonic_ns()) / 1e9)
        # Twice the grace: killing what is left in flight has a bound of its own in the child.
        self._done = self._hear(ahead_s + finish_s + 2 * _GRACE_S, "done")

    def sent(self) -> Sent:
        if self._done is not None:
            return Sent(
                probes=self._done.probes,
                start_ns=self._start_ns,
                stop_ns=self._stop_ns,
                errors=self._done.errors,
                closed_idle=self._done.closed_idle,
                unasked=self._done.unasked,
                unasked_text=self._done.unasked_text,
                started=self._done.started,
                left_out=self._done.left_out,
            )
        return Sent(
            probes=self._probes,
            start_ns=self._start_ns,
            stop_ns=self._stop_ns or time.monotonic_ns(),
            ended=self._death or "ended early",
        )

    def close(self) -> None:
        """Closing its input tells it to end; it is killed where it does not."""
        child = self._child
        if child is None:
            return
        if child.stdin is not None and not child.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                child.stdin.close()
        try:
            child.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _tell(self, line: bytes) -> None:
        if self._child is None or self._child.stdin is None:
            raise MissingEvidenceError("sender: not started")
        try:
            is_taken = _write(self._child.stdin.fileno(), line, _START_S)
        except OSError as error:
            raise self._died() from error
        if not is_taken:
            self._death = f"took no order for {_START_S:g} s"
            raise MissingEvidenceError(f"sender: the child process {self._death}")

    def _hear(self, timeout_s: float, *expected: str) -> Said:
        try:
            said = self._said.get(timeout=timeout_s)
        except queue.Empty:
            self._death = f"silent for {timeout_s:g} s"
            raise MissingEvidenceError(
                f"sender: the child process did not say {' or '.join(expected)} "
                f"within {timeout_s:g} s"
            ) from None
        if said is None:
            raise self._died()
        if said.say not in expected:
            raise MissingEvidenceError(f"sender: said {said.say!r}, expected {expected}")
        return said

    def _died(self) -> MissingEvidenceError:
        code = self._child.wait(_GRACE_S) if self._child is not None else None
        how = f"killed by signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        self._death = f"died: {how}"
        printed = self._complaints.read_text("utf-8", "replace") if self._complaints else ""
        tail = "\n  ".join(printed.strip().splitlines()[-5:])
        return MissingEvidenceError(
            f"sender: the child process died ({how})" + (f":\n  {tail}" if tail else "")
        )

    def _listen(self) -> None:
        """Until the child's output ends, which is said as None."""
        if self._child is not None and self._child.stdout is not None:
            for line in self._child.stdout:
                self._said.put(said_from(line))
            self._child.stdout.close()
        self._said.put(None)


def _environment() -> dict[str, str]:
    """Locust's optional extras read some variables, and its clients ask proxies that others name:
    the sender's behaviour is ours alone, and the measured path has no proxy of the machine's.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    return kept | {"no_proxy": "*", "NO_PROXY": "*"}


def _of_locustfile(scenario: Scenario, endpoint: Endpoint, folder: Path) -> dict[str, Any]:
    """What a brief says of a locustfile's users; nothing where there are none."""
    loop = scenario.closed_loop
    if loop is None:
        return {}
    return {
        "locustfile": loop.locustfile,
        "users": loop.users,
        "base_url": base_url(endpoint),
        "streams": str(folder / "streams.jsonl"),
    }


def base_url(endpoint: Endpoint) -> str:
    """For clients that take a URL. By name where that is a user's own, by address in a stack."""
    is_secure = bool(endpoint.tls_port) and not endpoint.port
    if endpoint.path == "direct":
        return f"{'https' if is_secure else 'http'}://{endpoint.authority}"
    return f"http://{endpoint.host}:{endpoint.port}"


def _write(pipe: int, line: bytes, within_s: float) -> bool:
    """Whether the reader took all of it in time: a line can be longer than what a pipe holds.

    Raises OSError where there is no reader any more.
    """
    os.set_blocking(pipe, False)
    until_s = time.monotonic() + within_s
    room = select.poll()
    room.register(pipe, select.POLLOUT)
    while line:
        if not room.poll(max(0.0, until_s - time.monotonic()) * 1000):
            return False
        with contextlib.suppress(BlockingIOError):
            line = line[os.write(pipe, line) :]
    return True
