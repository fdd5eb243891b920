"""HAProxy's Runtime API: commands over its socket, and its servers' state as values."""

import csv
import io
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from docker.models.containers import Container

from harness.model.errors import MissingEvidenceError
from harness.stack.containers import run_in

__all__ = [
    "BACKEND",
    "GREEN",
    "GREEN_SLOT",
    "INSTANCE_MAP",
    "POOL_MAP",
    "RELEASE_MAP",
    "ExecTransport",
    "RuntimeApi",
    "ServerState",
    "SocketTransport",
    "Transport",
]

BACKEND = "website"
GREEN = "website-green"
"""The other pool of mode `slots`; which of the two gets requests is in the map."""
GREEN_SLOT = "green"
"""How the names of its servers begin: no name is in both pools."""
POOL_MAP = "/tmp/pool.map"  # noqa: S108 (in the balancer's own container)
INSTANCE_MAP = "/tmp/instances.map"  # noqa: S108 (as above)
RELEASE_MAP = "/tmp/releases.map"  # noqa: S108 (as above)
"""Who is at an address, and of which release: of images that do not say it themselves."""
_CHECKS = {
    "L4CON": "nobody listens there",
    "L4TOUT": "the address keeps silent",
    "L7TOUT": "it took the connection, and no answer came in time",
    "L7RSP": "what it answered is not HTTP",
}
_MASTER = "master.sock"
_ANSWER_S = 5.0


class Transport(Protocol):
    """Carries one command to HAProxy and its answer back."""

    def __call__(self, command: str) -> str: ...


class SocketTransport:
    """By the Unix socket in a folder that is mounted into the balancer: 1 ms a command."""

    def __init__(self, path: Path, *, is_master: bool = False) -> None:
        self._path = path
        self._is_master = is_master

    def of_master(self) -> "SocketTransport":
        """To the master process instead, in mode `reload`."""
        return SocketTransport(self._path.with_name(_MASTER), is_master=True)

    def __call__(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_ANSWER_S)
            connection.connect(str(self._path))
            connection.sendall(command.encode() + b"\n")
            if self._is_master:
                # It waits for another command for as long as one may come.
                connection.shutdown(socket.SHUT_WR)
            answer = bytearray()
            while chunk := connection.recv(65536):
                answer += chunk
        return answer.decode("utf-8", "replace")


class ExecTransport:
    """By a command in the balancer's container, where sockets do not cross a mount.

    That is so on Docker Desktop and on remote engines; some 100 ms a command.
    """

    def __init__(self, container: Container, name: str = "admin.sock") -> None:
        self._container = container
        self._name = name

    def of_master(self) -> "ExecTransport":
        """As above."""
        return ExecTransport(self._container, _MASTER)

    def __call__(self, command: str) -> str:
        shell = 'printf "%s\\n" "$2" | socat -t 5 stdio "/run/harness/$1"'
        code, text = run_in(self._container, ["/bin/sh", "-c", shell, "sh", self._name, command])
        if code != 0:
            raise ConnectionError(text.strip())
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """A server of the pool, as HAProxy itself sees it."""

    name: str
    status: str
    """`UP`, `DOWN`, `DRAIN`, `MAINT`, with detail such as `UP 1/2`; `no check` is up unchecked."""
    sessions: int
    """Requests in flight there now."""
    queued: int
    address: str
    check: str
    """The last check's result: `L7OK`, `L4CON`, …"""
    check_code: str = ""
    """The status that it was answered with; empty without an answer."""
    check_text: str = ""
    """What HAProxy says of it: `Connection refused`."""
    is_being_checked: bool = False
    """Another check is running. `check` and its code are still those of the last one, and its words
    are gone already (HAProxy 3.0 empties them as a check begins).
    """
    sent: int = 0
    """This and what follows is counted since HAProxy began, or since `count_anew`."""
    answered: int = 0
    errors: int = 0
    """Answers with a status of 500 or more."""
    broken: int = 0
    """Tries to connect that failed, and answers that broke or are not HTTP."""
    mean_ms: int = 0
    """From a request to its answer's headers, over the last 1,024."""

    @property
    def is_up(self) -> bool:
        return self.status.startswith(("UP", "no check"))

    @property
    def told(self) -> str:
        """What came of the last check, in words."""
        if self.check == "L7STS":
            return f"the last answer was status {self.check_code}"
        detail = ": ".join(part for part in (self.check, self.check_text) if part)
        words = _CHECKS.get(self.check, "no answer came")
        return f"{words} ({detail})" if detail else words

    @property
    def is_idle(self) -> bool:
        return self.sessions == 0 and self.queued == 0


class RuntimeApi:
    """Commands to the balancer, of one backend's servers. MissingEvidenceError where it refuses or
    does not answer.
    """

    def __init__(self, transport: Transport, backend: str = BACKEND) -> None:
        self._transport = transport
        self._backend = backend
        # A benchmark's balancer has a thousand rows, and is asked while it is measured.
        self._stat = "show stat" if backend == BACKEND else f"show stat {backend} -1 -1"

    def of(self, backend: str) -> "RuntimeApi":
        """The same of another backend's servers."""
        return RuntimeApi(self._transport, backend)

    def command(self, text: str) -> str:
        """Its answer, stripped."""
        try:
            return self._transport(text).strip()
        except OSError as error:
            raise MissingEvidenceError(
                f"balancer: HAProxy did not answer {text!r} on its Runtime API: {error}"
            ) from error

    def change(
        self, server: str, what: str, *, accepts: Callable[[str], bool] = lambda answer: not answer
    ) -> None:
        """`set server BACKEND/SERVER WHAT`; an answer other than silence is a refusal."""
        self._set(f"set server {self._backend_of(server)}/{server} {what}", accepts)

    def route_to(self, pool: str) -> None:
        """All requests that come from now on go to that pool."""
        self._set(f"set map {POOL_MAP} pool {pool}", lambda answer: not answer)

    def name(self, address: str, *, instance: str, release: str) -> None:
        """Answers that come from that address are named so from now on."""
        for path, value in ((INSTANCE_MAP, instance), (RELEASE_MAP, release)):
            entry = f"{path} {address} {value}"
            if "not found" in self.command(f"set map {entry}"):
                self._set(f"add map {entry}", lambda answer: not answer)

    def count_anew(self) -> None:
        """Counters of all servers begin at 0."""
        self._set("clear counters all", lambda answer: not answer)

    def _set(self, command: str, accepts: Callable[[str], bool]) -> None:
        answer = self.command(command)
        if not accepts(answer):
            raise MissingEvidenceError(f"balancer: HAProxy refused `{command}`: {answer}")

    def _backend_of(self, server: str) -> str:
        is_green = self._backend == BACKEND and server.startswith(GREEN_SLOT)
        return GREEN if is_green else self._backend

    def point(self, server: str, address: str, port: int) -> None:
        """Gives the server another address; it must be in maintenance."""
        # It answers with what it changed, or that nothing had to be.
        self.change(
            server,
            f"addr {address} port {port}",
            accepts=lambda answer: "changed" in answer,
        )

    def servers(self) -> dict[str, ServerState]:
        """The backend's servers by name; of the website's those of both pools."""
        backends = {BACKEND, GREEN} if self._backend == BACKEND else {self._backend}
        return {
            row["svname"]: _state(row)
            for row in self._told()
            if row.get("pxname") in backends and row["svname"] != "BACKEND"
        }

    def algorithm(self) -> str:
        """The balance algorithm that HAProxy itself says it runs."""
        return self.rows().get("BACKEND", {}).get("algo") or ""

    def rows(self) -> dict[str, dict[str, str]]:
        """What `show stat` says, by server; of the backend itself under `BACKEND`."""
        return {row["svname"]: row for row in self._told() if row.get("pxname") == self._backend}

    def _told(self) -> Iterator[dict[str, str]]:
        text = self.command(self._stat).removeprefix("# ")
        return csv.DictReader(io.StringIO(text))


def _state(row: dict[str, str]) -> ServerState:
    def number(*fields: str) -> int:
        return sum(int(row.get(field) or 0) for field in fields)

    return ServerState(
        name=row["svname"],
        status=row["status"],
        sessions=int(row["scur"] or 0),
        queued=int(row["qcur"] or 0),
        address=row.get("addr") or "",
        check=(row.get("check_status") or "").lstrip("* "),
        check_code=row.get("check_code") or "",
        check_text=row.get("last_chk") or row.get("check_desc") or "",
        is_being_checked=(row.get("check_status") or "").startswith("*"),
        sent=number("stot"),
        answered=number("hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other"),
        errors=number("hrsp_5xx"),
        # A try that failed is in one of them: the last of a request in econ, those before it in
        # wretr (the same server was tried again) or wredis (another was).
        broken=number("econ", "wretr", "wredis", "eresp"),
        mean_ms=number("rtime"),
    )
