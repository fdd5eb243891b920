"""Ways into the stack: where load goes, and how the balancer is spoken to."""

from pathlib import Path
from typing import Final

from docker.models.containers import Container

from harness.model.errors import NotJudgedError
from harness.stack import edge
from harness.stack.containers import address, last_words, published
from harness.stack.engine_host import EngineHost
from harness.stack.reach import listens
from harness.stack.runtime_api import ExecTransport, SocketTransport
from harness.timeline import Timekeeper, wait_until

__all__ = ["to_balancer", "to_front"]

_ANSWERS_S: Final = 5.0


def to_balancer(
    balancer: Container, socket_path: Path | None, clock: Timekeeper, *, given: str = ""
) -> SocketTransport | ExecTransport:
    """To its Runtime API: by its socket where there is one here, else by commands in the container.
    NotJudgedError where it does not answer; `given` is the user's own image.
    """
    ways: list[SocketTransport | ExecTransport] = [ExecTransport(balancer)]
    if socket_path is not None:
        ways.insert(0, SocketTransport(socket_path))
    for transport in ways:

        def answers(transport: SocketTransport | ExecTransport = transport) -> bool:
            try:
                return "website" in transport("show stat")
            except OSError:
                return False

        if wait_until(answers, clock=clock, timeout_s=_ANSWERS_S):
            return transport
        balancer.reload()
        if balancer.status != "running":
            break
    raise _not_started("balancer", "haproxy", balancer, given)


def to_front(
    front: Container,
    clock: Timekeeper,
    *,
    name: str,
    wanted: str,
    host: EngineHost,
    given: str = "",
) -> tuple[str, str, int, int]:
    """`edge` or `published`, and the address, port and TLS port there. A bare connection tells; it
    carries no request. NotJudgedError where `wanted` is not to be had, or nobody listens.
    """
    own = address(front)
    if wanted != "published" and own and host.is_local:
        is_sure = wanted == "edge"
        if listens(own, edge.PORT, clock, is_reachable=is_sure):
            return "edge", own, edge.PORT, edge.TLS_PORT
    front.reload()
    if front.status != "running":
        raise _not_started(name, "nginx", front, given)
    if wanted == "edge":
        raise NotJudgedError(
            f"path: the {name}'s own address {own} cannot be reached from here "
            "(Docker Desktop, or a remote engine); leave --path out, or say --path published"
        )
    port, tls_port = (published(front, inner) for inner in (edge.PORT, edge.TLS_PORT))
    return "published", host.address, port, tls_port


def _not_started(name: str, program: str, container: Container, given: str) -> NotJudgedError:
    remedy = (
        f"\n{given} must have {program} and /bin/sh: name another image in "
        f"[tool.harness.images] {name}, or leave it out"
        if given
        else ""
    )
    told = last_words(container)
    return NotJudgedError(f"{name}: {program} did not start; {told}{remedy}")
