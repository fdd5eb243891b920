"""A world without an engine: containers that start, linger and die, and a HAProxy with checks."""

from dataclasses import dataclass, replace

from harness.follower.haproxy import SilentError
from harness.follower.model import (
    Admin,
    Container,
    Do,
    Event,
    EventKind,
    Server,
)
from harness.follower.pool import KeptPool
from harness.follower.truth import Truth

NOBODY = "0.0.0.0:8000"
SERVICE = "website"


def container(number, **settings):
    return Container(
        **{
            "id": f"id{number}",
            "name": f"website-{number}",
            "service": SERVICE,
            "address": f"10.0.0.{number}",
            "port": 8000,
        }
        | settings
    )


def where(one):
    return f"{one.address}:{one.port}"


def server(name, at=NOBODY, admin=Admin.maintenance, **settings):
    return Server(
        **{"name": name, "address": at, "admin": admin, "is_up": False, "has_passed": False}
        | settings
    )


def serving(name, one, **settings):
    """A slot that gets requests."""
    return server(name, where(one), Admin.ready, **{"is_up": True, "has_passed": True} | settings)


def waiting(name, one, **settings):
    """A slot that was offered and has not passed."""
    return server(name, where(one), Admin.draining, **settings)


@dataclass
class Slot:
    address: str = NOBODY
    admin: Admin = Admin.maintenance
    is_up: bool = False
    has_passed: bool = False


class FakeHaproxy:
    """Implements Pool. `reaches(address)` says whether a check passes there now."""

    def __init__(self, reaches, slots=6):
        self.reaches = reaches
        self.slots = {f"slot{number}": Slot() for number in range(1, slots + 1)}
        self.is_silent = False
        self.actions = []

    def check(self):
        for slot in self.slots.values():
            if slot.admin is not Admin.maintenance:
                slot.has_passed = slot.is_up = self.reaches(slot.address)

    def reload(self, written):
        """A new process, which goes by the configuration."""
        self.slots = {
            name: Slot(written[name], Admin.ready, is_up=True) if name in written else Slot()
            for name in self.slots
        }

    def servers(self):
        if self.is_silent:
            raise SilentError("no answer")
        return {
            name: Server(
                name=name,
                address=slot.address,
                admin=slot.admin,
                is_up=slot.is_up and slot.admin is Admin.ready,
                has_passed=slot.has_passed,
            )
            for name, slot in self.slots.items()
        }

    def do(self, action):
        if self.is_silent:
            raise SilentError("no answer")
        self.actions.append(action)
        slot = self.slots[action.slot]
        if action.do is Do.offer:
            slot.address = where(action.container)
            slot.admin, slot.is_up, slot.has_passed = Admin.draining, False, False
        elif action.do is Do.clear:
            slot.admin, slot.is_up, slot.has_passed = Admin.maintenance, False, False
        elif action.do is Do.drain:
            slot.admin = Admin.draining
        else:
            slot.admin = Admin.ready

    def ready(self):
        return sorted(slot.address for slot in self.slots.values() if slot.admin is Admin.ready)


@dataclass
class Life:
    """Of one container: what is true, whoever was told."""

    container: Container
    is_stopping: bool = False


class World:
    """Time passes by `passes`; events are what the engine would tell, and are told by who calls."""

    def __init__(self, slots=6):
        self.now_ns = 1_000_000_000_000
        self.lives = {}
        self.events = []
        self.made = 0
        self.addresses = [f"10.0.0.{number}" for number in range(1, 5)]
        self.haproxy = FakeHaproxy(self.reaches, slots)
        self.written = {}
        self.said = []
        self.begin()

    def begin(self):
        """A follower that remembers nothing."""
        self.truth = Truth()
        self.pool = KeptPool(SERVICE, self.haproxy, say=self.said.append, on_ready=self._write)

    def _write(self, ready):
        self.written = dict(ready)

    def reaches(self, address):
        return any(where(life.container) == address for life in self.lives.values())

    def passes(self, ns=1_000_000):
        self.now_ns += ns

    def _happens(self, kind, known, signal=""):
        self.passes()
        self.events.append(Event(kind=kind, container=known, at_ns=self.now_ns, signal=signal))

    def start(self):
        """A new one, at an address that is free, a former one's perhaps."""
        used = {life.container.address for life in self.lives.values()}
        free = [each for each in self.addresses if each not in used]
        if free:
            self.made += 1
            one = replace(container(self.made), address=free[0])
            self.lives[one.id] = Life(one)
            self._happens(EventKind.started, one.id)

    def signal(self, known):
        self.lives[known].is_stopping = True
        self._happens(EventKind.signalled, known, "TERM")

    def die(self, known):
        del self.lives[known]
        self._happens(EventKind.died, known)

    def restart(self, known):
        """Stopped and started, at the same address under the same id."""
        one = self.lives[known].container
        self.signal(known)
        self.die(known)
        self.lives[known] = Life(one)
        self._happens(EventKind.started, known)

    def list(self):
        """The engine is asked, and answers."""
        self.passes()
        asked_ns = self.now_ns
        self.passes()
        self.truth.list([life.container for life in self.lives.values()], asked_ns)

    def reconcile(self):
        if not self.truth.is_known:
            return True
        self.passes()
        return self.pool.reconcile(
            self.truth.containers(), self.truth.stopping(self.now_ns), self.now_ns
        )

    def settle(self):
        """All is heard of by a listing, and checked, until nothing is pending."""
        for _ in range(4):
            self.list()
            self.reconcile()
            self.haproxy.check()
