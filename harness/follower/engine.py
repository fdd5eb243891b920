"""The engine, asked by its API. Two calls are all that is needed, and both only read:
`GET /containers/json` and `GET /events`.
"""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from harness.follower.model import Container, Event, EventKind, Health

__all__ = ["Engine", "UnheardError", "event_of"]

_PATIENCE_S: Final = 10.0
_WHAT: Final = {
    "start": EventKind.started,
    "die": EventKind.died,
    "destroy": EventKind.died,
    "connect": EventKind.changed,
    "disconnect": EventKind.changed,
    "pause": EventKind.changed,
    "unpause": EventKind.changed,
}
_STOPS: Final = {
    "2": "INT", "SIGINT": "INT", "3": "QUIT", "SIGQUIT": "QUIT",
    "9": "KILL", "SIGKILL": "KILL", "15": "TERM", "SIGTERM": "TERM",
}  # fmt: skip
"""Others, such as HUP, ask a program for something else."""


class UnheardError(Exception):
    """The engine, or the filter before it, does not answer; it is asked again later."""


class Engine:
    """By a Unix socket: the filter's, or the engine's own."""

    def __init__(self, socket_path: str) -> None:
        self._path = socket_path

    def containers(self, **filters: Sequence[str]) -> list[dict[str, Any]]:
        """As the engine lists them: those that run, or are paused. UnheardError."""
        wanted = {"status": ["running", "paused"], **filters}
        connection = _Connection(self._path, _PATIENCE_S)
        try:
            connection.request("GET", f"/containers/json?filters={_encoded(wanted)}")
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise UnheardError(f"the engine answered {answer.status}: {_shown(body)}")
            listed = json.loads(body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UnheardError(f"the engine does not answer at {self._path}: {error}") from error
        finally:
            connection.close()
        if not isinstance(listed, list):
            raise UnheardError(f"the engine answered no list: {_shown(body)}")
        return listed

    def events(self, since_ns: int) -> Iterator[Event]:
        """Of containers, those since then first; goes on until the stream ends or breaks."""
        wanted = {"type": ["container", "network"]}
        since = f"{since_ns // 1_000_000_000}.{since_ns % 1_000_000_000:09d}"
        connection = _Connection(self._path, None)
        try:
            connection.request("GET", f"/events?since={since}&filters={_encoded(wanted)}")
            answer = connection.getresponse()
            if answer.status != http.HTTPStatus.OK:
                raise UnheardError(f"the engine answered {answer.status}: {_shown(answer.read())}")
            while line := answer.readline():
                if line.strip():
                    event = event_of(json.loads(line))
                    if event is not None:
                        yield event
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UnheardError(f"the engine's events ended: {error}") from error
        finally:
            connection.close()


def event_of(told: Mapping[str, Any]) -> Event | None:
    """None: it says nothing of what a balancer must know."""
    actor = told.get("Actor") or {}
    attributes = actor.get("Attributes") or {}
    action = str(told.get("Action", ""))
    kind = _WHAT.get(action)
    signal = ""
    if action.startswith("health_status"):
        kind = EventKind.changed
    elif action == "kill":
        signal = _STOPS.get(str(attributes.get("signal", "")).upper(), "")
        kind = EventKind.signalled if signal else None
    known = actor.get("ID", "") if told.get("Type") == "container" else attributes.get("container")
    if kind is None or not known:
        return None
    return Event(kind=kind, container=str(known), at_ns=int(told.get("timeNano", 0)), signal=signal)


def container_of(
    entry: Mapping[str, Any], *, network: str, service: str, port: int
) -> Container | None:
    """Of an entry of the engine's list; None where it has no address in that network, by its id.
    `port` 0: the only one that its image exposes, or 8000.
    """
    networks = (entry.get("NetworkSettings") or {}).get("Networks") or {}
    found = [each for each in networks.values() if (each or {}).get("NetworkID") == network]
    address = str(found[0].get("IPAddress") or "") if found else ""
    if not address:
        return None
    exposed = {
        int(each["PrivatePort"])
        for each in entry.get("Ports") or ()
        if each.get("Type", "tcp") == "tcp"
    }
    return Container(
        id=str(entry["Id"]),
        name=str((entry.get("Names") or [entry["Id"][:12]])[0]).lstrip("/"),
        service=service,
        address=address,
        port=port or (exposed.pop() if len(exposed) == 1 else 8000),
        health=_health(str(entry.get("Status", ""))),
    )


def _health(status: str) -> Health:
    """Of `Up 5 minutes (healthy)`."""
    if "(health: starting)" in status:
        return Health.starting
    if "(unhealthy)" in status:
        return Health.ill
    return Health.good if "(healthy)" in status else Health.untold


def _encoded(filters: Mapping[str, Sequence[str]]) -> str:
    return quote(json.dumps({name: list(values) for name, values in filters.items()}))


def _shown(body: bytes) -> str:
    return body[:200].decode("utf-8", "replace").strip()


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float | None) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
