"""The service itself: hears the engine, and has each pool kept equal to what it heard."""

import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.follower.configuration import (
    base_of,
    rendered,
    replace_file,
    servers,
    template,
)
from harness.follower.engine import Engine, UnheardError, container_of
from harness.follower.haproxy import HaProxy, SilentError, asked
from harness.follower.model import Container, Event, FollowerError
from harness.follower.pool import KeptPool
from harness.follower.settings import LABEL, PoolSettings, Settings, settings_of
from harness.follower.truth import STOPPING_NS, Truth

__all__ = ["Follower", "service_of", "started"]

_QUICK_S: Final = 0.05
"""Between two looks while something is awaited that no event tells of."""
_SLOW_S: Final = 1.0
"""Between two looks in any case: what no event told of is found out by then."""
_AGAIN_S: Final = 0.2
_COMPOSE: Final = "com.docker.compose.service"
_ONE_OFF: Final = "com.docker.compose.oneoff"
_SWARM: Final = "com.docker.swarm.service.name"
_STACK: Final = "com.docker.stack.namespace"


@dataclass(frozen=True, slots=True)
class _Listing:
    containers: tuple[Container, ...]
    asked_ns: int


class Follower:
    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        network: str,
        *,
        say: Callable[[str], object],
    ) -> None:
        """`network` is its id; `say` hears one line a change."""
        self._settings = settings
        self._engine = engine
        self._network = network
        self._say = say
        self._truth = Truth()
        self._heard: queue.SimpleQueue[Event | _Listing] = queue.SimpleQueue()
        self._wanted = threading.Event()
        self._configuration = settings.folder / "haproxy.cfg"
        self._template = template(settings)
        self._lines: dict[str, list[str]] = {
            pool.service: servers(pool, {}) for pool in settings.pools
        }
        self._pools = {
            pool.service: KeptPool(
                pool.service,
                HaProxy(settings.folder / "admin.sock", pool.service),
                say=say,
                on_ready=self._writer(pool),
            )
            for pool in settings.pools
        }

    def run(self) -> None:
        """For ever."""
        self._begin()
        for task in (self._listen, self._list):
            threading.Thread(target=task, daemon=True).start()
        is_pending = True
        due = time.monotonic()
        while True:
            patience_s = _QUICK_S if is_pending else _SLOW_S
            self._take(patience_s)
            if time.monotonic() >= due:
                due = time.monotonic() + _SLOW_S
                self._wanted.set()
            is_pending = self._reconcile()

    def _take(self, patience_s: float) -> None:
        """All that was heard by now, or comes first in that time."""
        try:
            message = self._heard.get(timeout=patience_s)
            while True:
                if isinstance(message, _Listing):
                    self._truth.list(message.containers, message.asked_ns)
                elif self._truth.hear(message):
                    self._wanted.set()
                message = self._heard.get_nowait()
        except queue.Empty:
            return

    def _reconcile(self) -> bool:
        if not self._truth.is_known:
            return True
        now_ns = time.time_ns()
        stopping = self._truth.stopping(now_ns)
        everyone = self._truth.containers()
        pending = [
            pool.reconcile(
                {known: each for known, each in everyone.items() if each.service == service},
                stopping,
                now_ns,
            )
            for service, pool in self._pools.items()
        ]
        return any(pending)

    def _begin(self) -> None:
        """HAProxy goes by a configuration that these settings made: written now if there is none,
        and taken over by a reload if others made the one that it goes by.
        """
        former = self._configuration.read_text("utf-8") if self._configuration.exists() else ""
        if base_of(former) == base_of(self._rendered()):
            return
        for pool in self._settings.pools:
            self._lines[pool.service] = servers(pool, self._ready_now(pool))
        replace_file(self._configuration, self._rendered())
        if not former:
            return
        try:
            answer = asked(self._settings.folder / "master.sock", "reload", is_master=True)
        except SilentError:
            return  # it does not run, and begins with what is written
        if "Success=1" not in answer:
            replace_file(self._configuration, former)
            raise FollowerError(
                "HAProxy refuses the configuration that these settings make, and serves on by the "
                f"former one:\n{answer.strip()}"
            )
        self._say("HAProxy was reloaded: the settings have changed")

    def _ready_now(self, pool: PoolSettings) -> Mapping[str, str]:
        try:
            now = HaProxy(self._settings.folder / "admin.sock", pool.service).servers()
        except SilentError:
            return {}
        return {each.name: each.address for each in now.values() if each.admin.value == "ready"}

    def _writer(self, pool: PoolSettings) -> Callable[[Mapping[str, str]], None]:
        def write(ready: Mapping[str, str]) -> None:
            self._lines[pool.service] = servers(pool, ready)
            replace_file(self._configuration, self._rendered())

        return write

    def _rendered(self) -> str:
        return rendered(self._template, self._lines)

    def _listen(self) -> None:
        """A thread: each event as it comes. A stream that ends is taken up where it ended, and what
        was missed is looked for by a listing.
        """
        heard_ns = time.time_ns() - STOPPING_NS
        is_told = False
        while True:
            try:
                for event in self._engine.events(heard_ns):
                    heard_ns = max(heard_ns, event.at_ns)
                    self._heard.put(event)
                    is_told = False
                why = "the engine's events ended"
            except UnheardError as error:
                why = str(error)
            if not is_told:
                self._say(f"{why}; they are asked for again")
                is_told = True
            self._wanted.set()
            time.sleep(_AGAIN_S)

    def _list(self) -> None:
        """A thread: a listing whenever one is wanted, so that none holds up an event."""
        told = ""
        while True:
            self._wanted.wait()
            self._wanted.clear()
            asked_ns = time.time_ns()
            try:
                containers = tuple(self._listed())
            except UnheardError as error:
                # What was known stays known: that a question failed says nothing of anybody.
                if str(error) != told:
                    self._say(f"{error}; the servers stay as they are")
                told = str(error)
                time.sleep(_AGAIN_S)
                continue
            told = ""
            self._heard.put(_Listing(containers, asked_ns))

    def _listed(self) -> Iterable[Container]:
        pools = {pool.service: pool for pool in self._settings.pools}
        for entry in self._engine.containers(network=[self._network]):
            service = service_of(entry.get("Labels") or {})
            pool = pools.get(service)
            if pool is None:
                continue
            found = container_of(entry, network=self._network, service=service, port=pool.port)
            if found is not None:
                yield found


def service_of(labels: Mapping[str, str]) -> str:
    """Empty for a container of none."""
    if LABEL in labels:
        return labels[LABEL]
    if _COMPOSE in labels:
        return "" if labels.get(_ONE_OFF, "").lower() == "true" else labels[_COMPOSE]
    return labels.get(_SWARM, "").removeprefix(f"{labels.get(_STACK, '')}_")


def started(environment: Mapping[str, str], say: Callable[[str], object]) -> Follower:
    """One that knows its network and its settings. FollowerError, and UnheardError where the
    engine does not answer.
    """
    engine = Engine(settings_of(environment, {}).engine)
    network = _network(engine, settings_of(environment, {}).network)
    labels: dict[str, dict[str, str]] = {}
    for entry in engine.containers(network=[network]):
        own = entry.get("Labels") or {}
        labels.setdefault(service_of(own), {}).update(own)
    settings = settings_of(environment, labels)
    Path(settings.folder).mkdir(parents=True, exist_ok=True)
    return Follower(settings, engine, network, say=say)


def _network(engine: Engine, named: str) -> str:
    """The id of the network that is followed."""
    own = engine.containers(id=[socket.gethostname()]) if not named else engine.containers()
    found: dict[str, str] = {
        name: str((told or {}).get("NetworkID"))
        for entry in own
        for name, told in _networks(entry).items()
    }
    if named:
        ids = [known for name, known in found.items() if named in {name, known}]
        if ids:
            return ids[0]
        raise FollowerError(f"NETWORK: no container is in a network named {named!r}")
    if len(found) == 1:
        return next(iter(found.values()))
    names = ", ".join(sorted(found)) or "none"
    raise FollowerError(
        f"NETWORK: it is not known which to follow: this container is in {names}; name one"
    )


def _networks(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return (entry.get("NetworkSettings") or {}).get("Networks") or {}
