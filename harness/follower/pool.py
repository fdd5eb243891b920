"""One service's servers, kept equal to its containers: asked, decided, done, and written down."""

from collections.abc import Callable, Mapping

from harness.follower.deciding import decide
from harness.follower.haproxy import Pool, SilentError
from harness.follower.model import Action, Admin, Container, Do, Event, Server

__all__ = ["KeptPool"]

_DONE = {
    Do.offer: "offered: it is checked, and gets no request yet",
    Do.admit: "ready",
    Do.drain: "draining",
    Do.clear: "in maintenance",
}


class KeptPool:
    """`say` hears one line a change; `on_ready` the servers that get requests, by slot, whenever
    they have changed.
    """

    def __init__(
        self,
        service: str,
        pool: Pool,
        *,
        say: Callable[[str], object],
        on_ready: Callable[[Mapping[str, str]], object],
    ) -> None:
        self._service = service
        self._pool = pool
        self._say = say
        self._on_ready = on_ready
        self._held: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._rested: list[str] = []
        self._ready: Mapping[str, str] | None = None
        self._told = ""

    def reconcile(
        self, containers: Mapping[str, Container], stopping: Mapping[str, Event], now_ns: int
    ) -> bool:
        """Whether something is awaited that no event will tell of. Idempotent; what HAProxy
        refuses or does not answer is said once and left to the next time.
        """
        try:
            servers = self._pool.servers()
            decision = decide(servers, containers, stopping, self._held, rested=self._rested)
            self._held = dict(decision.held)
            servers = dict(servers)
            for action in decision.actions:
                self._pool.do(action)
                servers[action.slot] = _after(servers[action.slot], action)
                self._say_done(action, stopping, now_ns)
        except SilentError as error:
            self._complain(str(error))
            return True
        self._publish(servers)
        missed = ", ".join(each.name for each in decision.unplaced)
        self._complain(f"no slot is left for {missed}; raise SLOTS" if missed else "")
        return decision.is_pending

    def _publish(self, servers: Mapping[str, Server]) -> None:
        ready = {
            server.name: server.address
            for server in servers.values()
            if server.admin is Admin.ready
        }
        if ready != self._ready:
            self._on_ready(ready)
            self._ready = ready

    def _say_done(self, action: Action, stopping: Mapping[str, Event], now_ns: int) -> None:
        if action.do is Do.clear:
            self._rested = [slot for slot in self._rested if slot != action.slot]
            self._rested.append(action.slot)
        if action.container is not None:
            self._names[action.slot] = action.container.name
        who = self._names.get(action.slot, "nobody known")
        line = f"{self._service}: {who} at {action.slot}: {_DONE[action.do]}"
        event = stopping.get(action.container.id) if action.container is not None else None
        if action.do is Do.drain and event is not None:
            line += f", {(now_ns - event.at_ns) / 1e6:.1f} ms after {action.why}"
        elif action.why:
            line += f" ({action.why})"
        self._say(line)

    def _complain(self, what: str) -> None:
        if what and what != self._told:
            self._say(f"{self._service}: {what}")
        self._told = what


def _after(server: Server, action: Action) -> Server:
    """As HAProxy will tell it, as far as a configuration says it."""
    admin = {
        Do.offer: Admin.draining,
        Do.admit: Admin.ready,
        Do.drain: Admin.draining,
        Do.clear: Admin.maintenance,
    }[action.do]
    return Server(
        name=server.name,
        address=server.address,
        admin=admin,
        is_up=server.is_up,
        has_passed=server.has_passed,
    )
