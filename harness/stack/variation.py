"""A stack that is not as it should be, so that one sees what its settings do.

The bundled stack is made to lose nothing. Each of its settings is there for a reason, and a stack
that lacks it shows the reason. A variation is recorded with the run and named in its reports.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.model.errors import NotJudgedError

__all__ = ["AS_IT_IS", "Reloads", "Variation", "varied"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloads:
    """How the balancer is reloaded, in discovery mode `reload` alone."""

    by_successor: bool = False
    """The old way, `-sf`: no master, but a new process that tells the former one to finish."""
    hands_over: bool = False
    """With a successor: whether it is handed the former one's listeners (`-x`)."""
    is_looked_at: bool = True
    """Whether the configuration of a swap's own reload is checked beforehand, and the reload
    looked for afterwards."""
    adds: str = ""
    """Lines that a swap's own reload writes below the website's servers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """`edge` and `balancer` map a line of nginx.conf or haproxy.cfg, without its indentation, to
    what stands there instead: other lines, or nothing.
    """

    name: str
    """In the reports: `linger 0 s`."""
    edge: Mapping[str, str] = field(default_factory=dict)
    balancer: Mapping[str, str] = field(default_factory=dict)
    website: Mapping[str, str] = field(default_factory=dict)
    """Environment of every instance: LINGER_S, GRACE_S …"""
    store: Mapping[str, str] = field(default_factory=dict)
    """Redis' settings by their names, beside ours (stack.store) or instead of them."""
    entry: Sequence[str] = ()
    """Runs instead of the website's own entry."""
    stop_signal: str = "SIGTERM"
    """What the engine sends a website to stop it."""
    memory: str = ""
    """The most that an instance of the website may take, such as `160m`; who takes more is killed
    by the kernel. Empty: as much as there is."""
    edge_shell: str = ""
    """Runs instead of the edge's own last command (`stack.edge.SERVE`); /tmp/nginx.conf is written
    by then. It must end in an `exec`, or wait for what it starts."""
    held: Sequence[str] = ()
    """Those of `edge`, `balancer` and `store` whose address is held by a container of its own: they
    run in its network, so that another may take the place of one, or listen beside it."""
    sysctls: Mapping[str, str] = field(default_factory=dict)
    """Of the kernel, in the network of each held address: `net.ipv4.tcp_migrate_req` to `1`."""
    balancer_cpus: float = 0.0
    """The most cores that HAProxy may take; once it has had them, all its processes stand still for
    the rest of 100 ms. 0: as many as there are."""
    edge_cpus: float = 0.0
    """Likewise NGINX, each container of it."""
    balancer_ports: Sequence[int] = ()
    """In discovery mode `slots`: what each balancer listens on, in turn, instead of 8080. Later
    ones then begin with the servers that are up (stack.turns)."""
    reloads: Reloads = Reloads()


AS_IT_IS = Variation(name="")


def varied(what: str, text: str, changes: Mapping[str, str]) -> str:
    """The configuration with those lines changed, each wherever it stands.

    NotJudgedError for a line that is not there: a variation that changes nothing shows nothing.
    """
    lines = text.splitlines()
    for line, instead in changes.items():
        places = [place for place, each in enumerate(lines) if each.strip() == line]
        if not places:
            raise NotJudgedError(f"variation: {what} has no line {line!r}")
        for place in reversed(places):
            indent = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
            lines[place : place + 1] = [f"{indent}{new}" for new in instead.splitlines()]
    return "\n".join(lines) + "\n"
