"""The child process that sends; no other process imports what it imports, locust and gevent.

`python -m harness.traffic.child`, told what to do on its standard input (orders.py), saying on
its standard output what it did. Locust runs one user, whose task holds the schedule.
"""

# First: importing locust patches the standard library, which must not be in use by then.
import locust  # isort: skip
import contextlib
import gc
import importlib
import os
import resource
import signal
import sys
import traceback
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
import gevent.os
from locust.env import Environment

from harness.traffic.dispatcher import Dispatcher
from harness.traffic.orders import Brief, Order, Said, brief_from, order_from, to_line

if TYPE_CHECKING:
    from harness.traffic.closed.crowd import Crowd

__all__ = ["main"]

_STDIN, _STDOUT, _STDERR = 0, 1, 2


class OpenLoopUser(locust.User):
    """The one Locust user: its task is the whole schedule. Requests do not wait for it."""

    dispatcher: Dispatcher
    start_ns: int

    @locust.task
    def drive(self) -> None:
        try:
            self.dispatcher.drive(self.start_ns)
        except Exception:  # noqa: BLE001 (a defect of ours)
            # Locust would log it and run the task, the whole schedule, once more.
            traceback.print_exc()
            self.dispatcher.over.set()
        raise locust.exception.StopUser


class _Parent:
    """The parent: its orders are lines from standard input, its ear is standard output."""

    def __init__(self) -> None:
        # Plugins may print: that goes to the errors, for the parent would take it for an answer.
        self._ear = os.dup(_STDOUT)
        os.dup2(_STDERR, _STDOUT)
        os.set_blocking(_STDIN, False)
        self._buffer = b""
        self._lines: deque[bytes] = deque()

    def next(self) -> bytes | None:
        """An order; None once there are no more."""
        while not self._lines:
            chunk = gevent.os.nb_read(_STDIN, 65536)
            if not chunk:
                return None
            *whole, self._buffer = (self._buffer + chunk).split(b"\n")
            self._lines.extend(whole)
        return self._lines.popleft()

    def say(self, said: Said) -> None:
        os.write(self._ear, to_line(said))


def main() -> int:
    """0 once the schedule is finished; 1 where the parent went away before."""
    # Ctrl-C reaches the whole process group: the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _raise_limit_of_files()
    parent = _Parent()
    line = parent.next()
    if line is None:
        return 1
    brief = brief_from(line)
    sending = _crowd(brief) if brief.locustfile else _open_loop(brief)
    # What was imported lives as long as the process: collecting it again only costs pauses.
    gc.collect()
    gc.freeze()
    parent.say(Said(say="listening"))
    listening = gevent.spawn(_follow, parent, sending)
    # Orders end when the parent goes away; the event when the schedule is finished.
    listening.rawlink(lambda _: sending.over.set())
    sending.over.wait()
    if not sending.is_finished:
        return 1
    parent.say(sending.close())
    return 0


def _raise_limit_of_files() -> None:
    """To the most that is allowed: in a stall each request that is due holds a socket."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _open_loop(brief: Brief) -> "_OpenLoop":
    environment = Environment(user_classes=[OpenLoopUser], events=locust.events)
    runner = environment.create_local_runner()
    dispatcher = OpenLoopUser.dispatcher = _OpenLoop(brief, environment)
    dispatcher.runner = runner
    dispatcher.count_own_listeners()
    _import(brief.plugins)
    return dispatcher


def _crowd(brief: Brief) -> "Crowd":
    # Its clients take longer to import than all else here.
    from harness.traffic.closed.crowd import Crowd  # noqa: PLC0415

    crowd = Crowd(brief)
    _import(brief.plugins)
    return crowd


def _import(plugins: tuple[str, ...]) -> None:
    # Last, and only for them: a module of the current folder must shadow none of ours.
    sys.path.append(str(Path.cwd()))
    for plugin in plugins:
        importlib.import_module(plugin)


class _OpenLoop(Dispatcher):
    """Driven by a user of Locust's, who is started with the schedule."""

    runner: Any

    def go(self, start_ns: int) -> None:
        OpenLoopUser.start_ns = start_ns
        self.runner.start(1, spawn_rate=1)


def _follow(parent: _Parent, sending: "_OpenLoop | Crowd") -> None:
    """Carries out orders until there are no more: the parent went away, or was answered."""

    def probe(order: Order) -> None:
        parent.say(sending.probe(order))

    while (line := parent.next()) is not None:
        order: Order = order_from(line)
        if order.do == "probe":
            # Not waited for here: a parent that goes away meanwhile must be noticed.
            probing = gevent.spawn(probe, order)
            probing.link_exception(lambda _: sending.over.set())
        elif order.do == "go":
            sending.go(order.start_ns)
        elif order.do == "stop":
            sending.stop(order.stop_ns, order.finish_s)
        elif order.do == "hold":
            sending.holding.hold()
        elif order.do == "let_go" and order.until is not None:
            sending.holding.let_go(order.until)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Not sys.exit: Locust's and gevent's own endings wait for greenlets that no longer matter.
    os._exit(code)
