"""The balancer: HAProxy's configuration, and its admission of servers.

One configuration for every strategy of a discovery mode: a control arm must fail by its
procedure, not because the stack was made weak for it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from harness.model.errors import MissingEvidenceError, NotJudgedError
from harness.stack.app import SAMPLE, App, pool_lines
from harness.stack.runtime_api import (
    BACKEND,
    GREEN,
    GREEN_SLOT,
    POOL_MAP,
    RuntimeApi,
    ServerState,
)
from harness.timeline import Timekeeper, wait_until

__all__ = [
    "ALGORITHMS",
    "WRITTEN_HERE",
    "Balancer",
    "Manners",
    "configuration",
    "dns_servers",
    "green_names",
    "habits",
    "slot_names",
    "slot_servers",
    "validated_algorithm",
    "written_servers",
]

ALGORITHMS = (
    "roundrobin", "static-rr", "leastconn", "first", "hash", "source", "uri", "url_param",
    "hdr", "random", "rdp-cookie",
)  # fmt: skip
"""HAProxy 3.0's `balance` keywords (configuration manual, 4.2)."""

WRITTEN_HERE: Final = "    # The website's instances as of now."
"""Where mode `reload` writes them."""

_RETRIES: Final = 3
_FALL: Final = 2
_FAST_MS: Final = 50
"""Between two checks of a server of which one has failed."""

_CHECK_S: Final = 1.0
"""For so long a check that runs is waited for, to tell what came of it."""

_PASSED: Final = ("L7OK", "L4OK")
"""What HAProxy calls a check's right answer; the second where it asks no more than whether the port
takes connections, which it says of no other check (management guide, 9.1)."""

_Seen = TypeVar("_Seen", ServerState, ServerState | None)

_LOG_FIELDS = (
    ("request_id", "[capture.req.hdr(0)]"), ("accepted_s", "Ts"), ("accepted_ms", "ms"),
    ("server", "s"), ("address", "si"), ("status", "ST"), ("termination", "tsc"),
    ("request_ms", "TR"), ("queue_ms", "Tw"), ("connect_ms", "Tc"), ("response_ms", "Tr"),
    ("active_ms", "Ta"), ("retries", "rc"), ("bytes", "B"), ("method", "HM"), ("uri", "HU"),
    ("server_queue", "sq"), ("backend_queue", "bq"), ("server_connections", "sc"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """What differs between discovery modes."""

    connect_ms: int = 250
    slowstart_ms: int = 0
    """For so long a server that comes gets a growing share; 0: its whole share at once."""
    another_socket: str = ""
    """Where its Runtime API is to be found too; from it a process may take over the listeners."""
    is_reloaded: bool = False
    """A process may come after it: it hands over its listeners, and ends no visitor's connection
    before it has answered there."""


def validated_algorithm(text: str) -> str:
    """`text`, if its first word is an algorithm of HAProxy's; else NotJudgedError."""
    keyword = re.split(r"[\s(]", text.strip(), maxsplit=1)[0]
    if keyword not in ALGORITHMS or not re.fullmatch(r"[A-Za-z0-9_.,()\- ]+", text):
        raise NotJudgedError(
            f"algorithm: {text!r} is not one of HAProxy's; choose one of: {', '.join(ALGORITHMS)}"
        )
    return text.strip()


def slot_names(replicas: int) -> tuple[str, ...]:
    """Two releases side by side, and as many again, so that a slot rests before its reuse."""
    return tuple(f"slot{number}" for number in range(1, 4 * replicas + 1))


def green_names(replicas: int) -> tuple[str, ...]:
    """As many in the other pool, which stays empty but for `blue-green`."""
    return tuple(f"{GREEN_SLOT}{number}" for number in range(1, 4 * replicas + 1))


def slot_servers(slots: tuple[str, ...], port: int) -> str:
    """Servers of mode `slots`: in maintenance, with an address that reaches nobody."""
    return "\n".join(f"    server {slot} 0.0.0.0:{port} check disabled" for slot in slots)


def dns_servers(name: str, count: int, port: int) -> str:
    """Servers of mode `dns`: one for each address that the engine's DNS has for `name`."""
    return (
        f"    server-template {name}- {count} {name}:{port} check resolvers engine init-addr none"
    )


def written_servers(addresses: Mapping[str, str]) -> str:
    """Servers of mode `reload`, by name; each is up at once, as it was seen to be ready."""
    return "\n".join(f"    server {name} {where} check" for name, where in addresses.items())


def habits(manners: Manners) -> Mapping[str, int]:
    """How it tries again, for the record: whoever judges must know what that can hide."""
    return {
        "balancer_connect_ms": manners.connect_ms,
        "balancer_retries": _RETRIES,
        # The soonest that a server which fails its checks is down, and no longer asked.
        "balancer_down_ms": _FAST_MS * (_FALL - 1),
    }


def configuration(
    *,
    algorithm: str,
    servers: str,
    green_servers: str = "",
    manners: Manners | None = None,
    more: str = "",
    app: App = SAMPLE,
) -> str:
    """HAProxy's configuration; `servers` are the backend's server lines, `green_servers` those of
    the other pool, where there is one. `more` are pools that no request is sent to.
    """
    manners = manners or Manners()
    pools = _pool(BACKEND, algorithm, servers, manners, app)
    if green_servers:
        pools += _pool(GREEN, algorithm, green_servers, manners, app)
    fields = " ".join(f"%({name}){code}" for name, code in _LOG_FIELDS)
    handed = " expose-fd listeners" if manners.is_reloaded else ""
    another = (
        f"    stats socket {manners.another_socket} mode 600 level admin expose-fd listeners\n"
        if manners.another_socket
        else ""
    )
    may_be_reloaded = manners.is_reloaded or manners.another_socket
    closing = "    option idle-close-on-response\n" if may_be_reloaded else ""
    return f"""\
global
    # Descriptor 3 is the log file that the entry command opens.
    log fd@3 len 4096 format iso daemon
    stats socket /run/harness/admin.sock mode 600 level admin{handed}
{another}    stats timeout 1h
    maxconn 8000
    # Without it HAProxy sizes its tables by the engine's limit, which can be a billion.
    fd-hard-limit 20000
    hard-stop-after 30s
defaults
    mode http
    log global
    # Timeouts rise towards the client: website < here < edge (60 s) < client.
    timeout connect {manners.connect_ms}ms
    timeout client 60s
    timeout server 55s
    timeout http-keep-alive 60s
    timeout http-request 10s
    timeout queue 5s
    timeout check 1s
    # Repeats only what surely never reached a website: safe for writes too.
    retries {_RETRIES}
    retry-on conn-failure
    option redispatch 1
    http-reuse safe
{closing}resolvers engine
    # Where every engine answers containers that ask for each other's names.
    nameserver dns 127.0.0.11:53
    accepted_payload_size 8192
    timeout resolve 200ms
    timeout retry 200ms
    hold valid 200ms
frontend edge
    bind :8080
    http-request capture req.hdr(X-Request-Id) len 128
    log-format "%{{+json}}o {fields}"
    # One entry of the map is changed to send all requests to the other pool.
    use_backend %[str(pool),map({POOL_MAP},{BACKEND})]
{pools}{more}"""


def _pool(name: str, algorithm: str, servers: str, manners: Manners, app: App) -> str:
    slowstart = f" slowstart {manners.slowstart_ms}ms" if manners.slowstart_ms else ""
    checks = f"inter 200ms fastinter {_FAST_MS}ms downinter {_FAST_MS}ms fall {_FALL} rise 1"
    return f"""\
backend {name}
    balance {algorithm}
{pool_lines(app, is_reloaded=manners.is_reloaded)}\
    default-server {checks}{slowstart}
{servers}
"""


class Balancer:
    """Admits servers that answer, and lets go of them once they are idle."""

    def __init__(self, api: RuntimeApi, clock: Timekeeper) -> None:
        self._api = api
        self._clock = clock

    def offer(self, slot: str, address: str, port: int) -> None:
        """Points the slot there and has HAProxy check it, without any request sent to it.

        In drain HAProxy checks a server but sends it nothing new; its health is put to `down`,
        so that the next `answers` rests on a check made after this moment and not on what the
        slot's former server answered.
        """
        self._api.change(slot, "state maint")
        self._api.point(slot, address, port)
        self._api.change(slot, "state drain")
        self._api.change(slot, "health down")

    def answers(self, slot: str) -> bool:
        """Whether HAProxy's own check, from its own network, found the server ready."""
        state = self._state(slot)
        return state.status.startswith("DRAIN") and state.check.startswith(_PASSED)

    def told(self, slot: str) -> str:
        """What came of its last check, in words."""
        return self._checked(lambda: self._state(slot)).told

    def told_at(self, address: str) -> str:
        """The same of the server with that `address:port`."""
        state = self._checked(lambda: self.server_at(address))
        return state.told if state is not None else f"HAProxy found nobody at {address}"

    def admit(self, slot: str) -> None:
        """Requests may go there; as of `await_up` from there on."""
        self._api.change(slot, "state ready")
        self.await_up(slot)

    def await_up(self, slot: str) -> None:
        """Returns once HAProxy says UP and its last check has passed, if it checks at all: one that
        is new in its configuration is UP before any. MissingEvidenceError after 5 s, or if it has
        no such.
        """

        def is_seen_up() -> bool:
            state = self._state(slot)
            is_unchecked = state.status.startswith("no check")
            return is_unchecked or (state.is_up and state.check.startswith(_PASSED))

        self._await(is_seen_up, 5.0, f"{slot} was admitted but is not UP")

    def drain(self, slot: str, timeout_s: float) -> None:
        """No new request goes there; returns once none is in flight or queued, twice in a row.

        Ends in maintenance, so that what happens to the server is no longer HAProxy's matter.
        MissingEvidenceError when `timeout_s` is over before it is idle.
        """
        self._api.change(slot, "state drain")
        self.await_idle(slot, timeout_s)
        self.forget(slot)

    def await_idle(self, slot: str, timeout_s: float) -> None:
        """As of `drain`, which it changes nothing for."""
        idle_in_a_row = 0

        def is_drained() -> bool:
            nonlocal idle_in_a_row
            idle_in_a_row = idle_in_a_row + 1 if self._state(slot).is_idle else 0
            return idle_in_a_row >= 2

        self._await(is_drained, timeout_s, f"{slot} still had requests in flight")

    def forget(self, slot: str) -> None:
        """Maintenance: neither requests nor checks."""
        self._api.change(slot, "state maint")

    def route_to(self, pool: str) -> None:
        """All requests that come from now on go to that pool."""
        self._api.route_to(pool)

    def weigh(self, slot: str, weight: int) -> None:
        """Its share of the pool is its weight of the sum of all."""
        self._api.change(slot, f"weight {weight}")

    def weigh_as_declared(self, slot: str) -> None:
        self._api.change(slot, "weight 100%")

    def count_anew(self) -> None:
        self._api.count_anew()

    def seen(self, slots: Iterable[str]) -> list[ServerState]:
        """Those servers, all at one moment."""
        states = self._api.servers()
        return [states[slot] for slot in slots if slot in states]

    def server_at(self, address: str) -> ServerState | None:
        """The server with that `address:port`, as HAProxy sees it; None where it has none. One in
        maintenance may have it still that a former instance had: it is told where no other has.
        """
        states = [state for state in self._api.servers().values() if state.address == address]
        return min(states, key=lambda state: state.status.startswith("MAINT"), default=None)

    def _checked(self, look: Callable[[], _Seen]) -> _Seen:
        """The server at a moment at which none of its checks runs, within a second; where each
        check is followed by another at once, as it is then.
        """
        seen = look()

        def is_over() -> bool:
            nonlocal seen
            if seen is None or not seen.is_being_checked:
                return True
            seen = look()
            return False

        wait_until(is_over, clock=self._clock, timeout_s=_CHECK_S)
        return seen

    def _state(self, slot: str) -> ServerState:
        state = self._api.servers().get(slot)
        if state is None:
            raise MissingEvidenceError(f"balancer: HAProxy's Runtime API says nothing of {slot}")
        return state

    def _await(self, condition: Callable[[], bool], timeout_s: float, otherwise: str) -> None:
        if not wait_until(condition, clock=self._clock, timeout_s=timeout_s):
            raise MissingEvidenceError(f"balancer: {otherwise} after {timeout_s:g} s")
