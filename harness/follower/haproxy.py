"""HAProxy, told and asked by its Runtime API, on a Unix socket."""

import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol

from harness.follower.model import Action, Admin, Do, FollowerError, Server

__all__ = ["HaProxy", "Pool", "SilentError", "commands"]

_ANSWER_S: Final = 5.0
_STOPPED: Final = 0
"""Of srv_op_state: its checks have failed, or it was put down; it is up with all others."""
_PASSED: Final = (3, 4)
"""Of srv_check_result: passed, and passed on a condition."""
_FORCED_MAINT: Final = 0x01
_FORCED_DRAIN: Final = 0x08
"""Of srv_admin_state, by the Runtime API or `disabled` (management guide, 9.3)."""


class SilentError(Exception):
    """It does not answer now, or refused: it is asked again later."""


class Pool(Protocol):
    """One service's servers. SilentError where HAProxy does not do as it is told."""

    def servers(self) -> Mapping[str, Server]: ...

    def do(self, action: Action) -> None: ...


class HaProxy:
    """Implements Pool, of one backend."""

    def __init__(self, socket_path: Path, backend: str) -> None:
        self._path = socket_path
        self._backend = backend

    def servers(self) -> Mapping[str, Server]:
        text = self._command(f"show servers state {self._backend}")
        # A version, a line of names after `# `, and a line of values for each server.
        _, _, rest = text.partition("# ")
        names, *rows = rest.splitlines() or [""]
        told = (dict(zip(names.split(), row.split(), strict=False)) for row in rows)
        try:
            found = {row["srv_name"]: _server(row) for row in told}
        except (KeyError, ValueError) as error:
            raise SilentError(f"HAProxy told its servers otherwise: {text[:200]}") from error
        if not found:
            raise SilentError(f"HAProxy has no pool {self._backend}: {text[:100]}")
        return found

    def do(self, action: Action) -> None:
        for command in commands(action, self._backend):
            answer = self._command(command)
            # To a change of address it answers what it changed, or that nothing had to be.
            if answer and not (" addr " in command and "chang" in answer):
                raise SilentError(f"HAProxy refused `{command}`: {answer}")

    def _command(self, text: str) -> str:
        return asked(self._path, text).strip()


def asked(path: Path, command: str, *, is_master: bool = False) -> str:
    """What is answered there to that command. SilentError where nothing is."""
    answer = bytearray()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_ANSWER_S)
            connection.connect(str(path))
            connection.sendall(command.encode() + b"\n")
            if is_master:
                # It waits for another command for as long as one may come.
                connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65536):
                answer += chunk
    except OSError as error:
        raise SilentError(f"HAProxy does not answer at {path}: {error}") from error
    return answer.decode("utf-8", "replace")


def commands(action: Action, backend: str) -> Iterator[str]:
    """Of the Runtime API (management guide, 9.3)."""
    server = f"set server {backend}/{action.slot}"
    if action.do is Do.clear:
        yield f"{server} state maint"
    elif action.do is Do.drain:
        yield f"{server} state drain"
    elif action.do is Do.admit:
        yield f"{server} state ready"
    elif action.container is None:
        raise FollowerError(f"{action.slot}: it is offered nobody")
    else:
        # In maintenance alone its address may change. In drain it is checked and sent nothing new;
        # put down by hand it comes up by a check that was made after this.
        yield f"{server} state maint"
        yield f"{server} addr {action.container.address} port {action.container.port}"
        yield f"{server} state drain"
        yield f"{server} health down"


def _server(row: Mapping[str, str]) -> Server:
    """Of the fields that the management guide has for `show servers state`. The statistics would
    not do: a server that is draining and down is called `DOWN` there, as one that is ready is.
    """
    admin, state = int(row["srv_admin_state"]), int(row["srv_op_state"])
    is_up = state != _STOPPED
    return Server(
        name=row["srv_name"],
        address=f"{row['srv_addr']}:{row['srv_port']}",
        admin=_admin(admin),
        is_up=is_up and _admin(admin) is Admin.ready,
        has_passed=is_up and int(row["srv_check_result"]) in _PASSED,
    )


def _admin(flags: int) -> Admin:
    if flags & _FORCED_MAINT:
        return Admin.maintenance
    return Admin.draining if flags & _FORCED_DRAIN else Admin.ready
