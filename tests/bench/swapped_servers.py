"""A generation on paper: HAProxy's Runtime API, containers, and the servers in them."""

from typing import Any

import docker.errors

from harness.bench.generation import Generation, Lines
from harness.model.errors import MissingEvidenceError
from harness.stack.runtime_api import RuntimeApi

BACKEND = "leastconn.swap"
HEADER = "# pxname,svname,qcur,scur,status,check_status,addr,algo,"
FIRST_NS = 1_000_000_000_000


class Time:
    """Implements Timekeeper: it only moves when somebody sleeps, and a little at each look."""

    def __init__(self) -> None:
        self.at_ns = FIRST_NS

    def now_ns(self) -> int:
        self.at_ns += 1_000
        return self.at_ns

    def wall_ns(self) -> int:
        return self.at_ns

    def sleep(self, seconds: float) -> None:
        self.at_ns += int(max(0.0, seconds) * 1e9)


class Box:
    """A container; its server answers unless it is `dead`."""

    def __init__(self, place: "Place", name: str, ip: str) -> None:
        self.place, self.name = place, name
        self.status = "running"
        self.attrs: dict[str, Any] = {
            "NetworkSettings": {"Networks": {"run": {"IPAddress": ip}}},
            "State": {"ExitCode": 0},
        }

    def reload(self) -> None:
        if self.name in self.place.gone:
            raise docker.errors.NotFound("No such container")

    def update(self, **_: int) -> None: ...

    def logs(self, **_: int) -> bytes:
        return b"no such file"

    def stop(self, *, timeout: int) -> None:
        self.place.note("stop", self.name)
        self.attrs["State"]["ExitCode"] = self.place.exit_code
        self.status = "exited"

    def remove(self, *, force: bool, v: bool) -> None:
        assert force
        assert v
        self.place.removed.append(self.name)


class Place:
    """Notes what is done, in order, as `verb server`."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.boxes: dict[str, Box] = {}
        self.removed: list[str] = []
        self.status: dict[str, str] = {}
        self.clock = Time()
        self.exit_code = 0
        self.never_ready = ""
        self.gone: set[str] = set()
        """Removed by somebody else."""
        self.busy: list[int] = [0]
        """In flight at each look, the last for all later ones."""
        self.fails: dict[str, BaseException] = {}
        """By what is done then."""

    def note(self, verb: str, name: str) -> None:
        self.done.append(f"{verb} {name}")
        if (error := self.fails.get(self.done[-1])) is not None:
            raise error

    def launch(self, spec: Any, _: object) -> Box:
        name = spec.labels["instance"]
        self.note("start", name)
        self.boxes[name] = Box(self, name, f"10.0.0.{len(self.boxes) + 1}")
        return self.boxes[name]

    def command(self, command: str) -> str:
        if command.startswith("show stat"):
            assert command == f"show stat {BACKEND} -1 -1", "the other rows are not asked for"
            busy = self.busy.pop(0) if len(self.busy) > 1 else self.busy[0]
            rows = [f"{BACKEND},{name},0,{busy},{at},,,," for name, at in self.status.items()]
            return "\n".join([HEADER, *rows])
        where, what, value = command.removeprefix("set server ").split(" ", 2)
        backend, _, server = where.partition("/")
        if what == "addr":
            return f"IP changed to {value}"
        if backend == BACKEND and what == "state":
            is_known = self.status.get(server)
            self.status[server] = {"maint": "MAINT", "drain": "DRAIN", "ready": "no check"}[value]
            if value == "ready" or (value == "drain" and is_known == "no check"):
                self.note({"ready": "admit", "drain": "drain"}[value], server)
        return ""

    def ask(self, server: str, method: str, _: bytes) -> bytes:
        name = server.removeprefix("swap-")
        if name == self.never_ready or self.boxes[name].status != "running":
            raise MissingEvidenceError(f"{server}: it did not answer")
        self.note({"PUT": "tell", "GET": "ask"}[method], name)
        return b'{"longest_queue": 0}\n'

    def generation(self, servers: int = 2) -> Generation:
        lines = Lines(RuntimeApi(self.command), BACKEND, self.ask, self.clock)
        return Generation(
            lines,
            b"{}",
            "image:1",
            network=None,
            labels={},
            prefix="harness-r-0",
            replica_count=servers,
            clock=self.clock,
        )


__all__ = ["BACKEND", "FIRST_NS", "Box", "Place", "Time"]
