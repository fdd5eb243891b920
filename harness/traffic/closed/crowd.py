"""A locustfile's users, from the run's first moment to its last."""

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import gevent
import locust
from locust import argument_parser
from locust.env import Environment

from harness.traffic.closed.loaded import users_of
from harness.traffic.closed.names import Names
from harness.traffic.closed.pace import Pace
from harness.traffic.closed.strict import make_strict, try_out
from harness.traffic.closed.watched import Watch
from harness.traffic.dispatcher import Dispatcher
from harness.traffic.orders import Brief, Order, Said

__all__ = ["Crowd"]

_SECOND_NS: Final = 1_000_000_000
_MOST_NOTES: Final = 20
_RAMP_S: Final = 0.5
"""All users are there half a second after the first one."""


class Crowd:
    """Asks, as a Dispatcher does, and then lets users ask. To be made before anything else has
    imported the clients that they use.
    """

    def __init__(self, brief: Brief) -> None:
        """Raises what importing the locustfile raises, and HidesFailuresError."""
        make_strict()
        try_out()
        pace = Pace()
        pace.watch()
        self._brief = brief
        self._pace = pace
        self._names = Names(Path(brief.streams))
        self._notes: dict[str, int] = {}
        # The probe and all that is written down are the dispatcher's.
        self._inner = Dispatcher(brief, Environment(user_classes=[]))
        self._watch = Watch(
            run=brief.run,
            release_from=brief.traffic.release_source(),
            names=self._names,
            pace=pace,
            record=self._inner.record,
            explain=self._inner.explain,
            note=self._note,
        )
        self._watch.watch()
        if brief.ca:
            self._trust(brief.ca)
        kinds, shapes = users_of(Path(brief.locustfile))
        self._environment = Environment(
            user_classes=kinds,
            events=locust.events,
            host=brief.base_url,
            locustfile=brief.locustfile,
            parsed_options=_options(),
        )
        self._environment.events.user_error.add_listener(self._on_user_error)  # type: ignore[no-untyped-call]
        # Before the locustfile's own listeners, of which one may end the user.
        self._environment.events.request._handlers.insert(0, self._watch.on_request)  # noqa: SLF001 (it has no public place)
        self._runner: Any = self._environment.create_local_runner()
        locust.events.init.fire(environment=self._environment, runner=self._runner, web_ui=None)  # type: ignore[no-untyped-call]
        if shapes:
            print(f"load shapes are not used, the load is constant: {', '.join(shapes)}")
        self.holding = self._inner.holding
        self.over = self._inner.over

    @property
    def is_finished(self) -> bool:
        return self._inner.is_finished

    def probe(self, order: Order) -> Said:
        said = self._inner.probe(order)
        self._watch.begin_at(said.probes)
        return said

    def go(self, start_ns: int) -> None:
        def begin() -> None:
            gevent.sleep(max(0.0, (start_ns - time.monotonic_ns()) / _SECOND_NS))
            users = self._brief.users
            self._runner.start(users, spawn_rate=max(1.0, users / _RAMP_S))

        gevent.spawn(begin)

    def stop(self, stop_ns: int, finish_s: float) -> None:
        """No request is begun from `stop_ns` on; what is in flight may take `finish_s` more."""
        gevent.spawn(self._end, stop_ns, finish_s)

    def _end(self, stop_ns: int, finish_s: float) -> None:
        gevent.sleep(max(0.0, (stop_ns - time.monotonic_ns()) / _SECOND_NS))
        self._watch.is_over = True
        until_ns = time.monotonic_ns() + int(finish_s * _SECOND_NS)
        while self._watch.in_flight and time.monotonic_ns() < until_ns:
            gevent.sleep(0.02)
        try:
            self._environment.stop_timeout = 1.0
            self._runner.quit()
            self._environment.events.quitting.fire(environment=self._environment)  # type: ignore[no-untyped-call]
        except Exception as error:  # noqa: BLE001 (the locustfile's own listeners may raise)
            self._note(f"ending the users raised {error!r}")
        self._watch.close()
        self._inner.is_finished = True
        self.over.set()

    def _on_user_error(self, *, exception: BaseException, **_: object) -> None:
        """A task that raised: whether it judged an answer, or is wrong, nobody here can tell."""
        self._note(f"a task of the locustfile raised {type(exception).__name__}: {exception}")

    def _note(self, text: str) -> None:
        if text in self._notes or len(self._notes) < _MOST_NOTES:
            self._notes[text] = self._notes.get(text, 0) + 1

    def _trust(self, pem: str) -> None:
        """By the variable that requests reads; FastHttpUser asks for no certificate anyhow."""
        with tempfile.NamedTemporaryFile("w", suffix=".pem", delete=False) as file:
            file.write(pem)
        os.environ["REQUESTS_CA_BUNDLE"] = self._ca = file.name

    def close(self) -> Said:
        said = self._inner.close()
        self._names.close()
        if self._brief.ca:
            Path(self._ca).unlink(missing_ok=True)
        notes = [f"{text} ({times} times)" for text, times in self._notes.items()]
        return replace(
            said,
            started=self._watch.started,
            left_out=self._pace.left_out,
            errors=(*said.errors, *notes, *self._names.errors)[:20],
        )


def _options() -> Any:
    """What locustfiles read of a command line, with its defaults and those of their own options."""
    parser = argument_parser.get_parser()
    # A file of settings for Locust's own command is not for this run.
    parser._default_config_files = {}  # noqa: SLF001 (as Locust's own default_args_dict does)
    return parser.parse_args([])
