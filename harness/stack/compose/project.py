"""What a Compose project is made of, as `docker compose config` tells it, and what of it cannot be
brought up beside whatever runs already.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from harness.model.errors import NotJudgedError

__all__ = ["Front", "Port", "Project", "Service", "Thing", "front_of", "project_of", "refusals"]

_MOST_PORT: Final = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port that a service publishes: the container's own, and `tcp` or `udp`."""

    target: int
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service, as its file has it."""

    name: str
    image: str = ""
    """Empty where it is only built: Compose then names it after the project."""
    is_built: bool = False
    ports: tuple[Port, ...] = ()
    replicas: int = 1
    networks: tuple[str, ...] = ()
    container_name: str = ""
    network_mode: str = ""
    fixed_addresses: tuple[str, ...] = ()
    """Networks on which its address is fixed."""

    @property
    def tcp_ports(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(port.target for port in self.ports if port.protocol == "tcp"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A network or a volume; an external one is not the project's own."""

    key: str
    name: str
    is_external: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Only what is active: services of a profile that is not chosen are left out."""

    name: str
    services: Mapping[str, Service] = field(default_factory=dict)
    networks: tuple[Thing, ...] = ()
    volumes: tuple[Thing, ...] = ()

    def service(self, name: str, *, said: str) -> Service:
        """NotJudgedError names the services that there are; `said` is the setting that named it."""
        if name in self.services:
            return self.services[name]
        near = difflib.get_close_matches(name, self.services, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise NotJudgedError(
            f"compose: {said}: there is no service {name!r}; active are: "
            f"{', '.join(self.services) or 'none'}{hint} (a service of a profile needs "
            "COMPOSE_PROFILES)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """The service that gets the load, and the port of its container."""

    service: str
    port: int


def project_of(told: Mapping[str, Any]) -> Project:
    """From the JSON of `docker compose config`."""
    services = {
        name: _service(name, content) for name, content in (told.get("services") or {}).items()
    }
    return Project(
        name=str(told.get("name", "")),
        services=services,
        networks=_things(told.get("networks")),
        volumes=_things(told.get("volumes")),
    )


def _service(name: str, told: Mapping[str, Any]) -> Service:
    networks = told.get("networks") or {}
    replicas = (told.get("deploy") or {}).get("replicas", told.get("scale"))
    return Service(
        name=name,
        image=str(told.get("image") or ""),
        is_built=bool(told.get("build")),
        ports=tuple(
            Port(target=int(port["target"]), protocol=str(port.get("protocol") or "tcp"))
            for port in told.get("ports") or ()
        ),
        replicas=1 if replicas is None else int(replicas),
        networks=tuple(networks),
        container_name=str(told.get("container_name") or ""),
        network_mode=str(told.get("network_mode") or ""),
        fixed_addresses=tuple(
            key
            for key, settings in networks.items()
            if settings and (settings.get("ipv4_address") or settings.get("ipv6_address"))
        ),
    )


def _things(told: Mapping[str, Any] | None) -> tuple[Thing, ...]:
    return tuple(
        Thing(
            key=key,
            name=str((content or {}).get("name") or key),
            is_external=bool((content or {}).get("external")),
        )
        for key, content in (told or {}).items()
    )


def front_of(project: Project, service: Service, wanted: str) -> Front:
    """Who gets the load: `wanted` (SERVICE or SERVICE:PORT), or the swapped service where it
    publishes a port, or the only one that does.

    NotJudgedError where it is not told, or where its port is not.
    """
    if wanted:
        name, _, port = wanted.partition(":")
        chosen = project.service(name, said=f"front {wanted!r}")
        if port:
            return Front(service=name, port=_port(wanted, port))
    elif service.tcp_ports:
        chosen = service
    else:
        chosen = _only_one(project)
    ports = chosen.tcp_ports
    if not ports:
        raise NotJudgedError(
            f"compose: service {chosen.name!r} publishes no port; say which port of it gets the "
            f"load: --front {chosen.name}:PORT"
        )
    if len(ports) > 1:
        raise NotJudgedError(
            f"compose: service {chosen.name!r} publishes several ports "
            f"({', '.join(map(str, ports))}); say which gets the load: "
            f"--front {chosen.name}:{ports[0]}"
        )
    return Front(service=chosen.name, port=ports[0])


def _only_one(project: Project) -> Service:
    publishing = [service for service in project.services.values() if service.tcp_ports]
    if not publishing:
        raise NotJudgedError(
            "compose: no service publishes a port, so nothing gets the load; give one `ports:`, or "
            "say which port of which service gets it: --front SERVICE:PORT"
        )
    if len(publishing) > 1:
        shown = ", ".join(f"{each.name}:{each.tcp_ports[0]}" for each in publishing)
        raise NotJudgedError(
            f"compose: several services publish a port ({shown}); say which gets the load: "
            f"--front {publishing[0].name}:{publishing[0].tcp_ports[0]}"
        )
    return publishing[0]


def _port(wanted: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _MOST_PORT:
        raise NotJudgedError(
            f"compose: front {wanted!r}: {text!r} is no port; say SERVICE:PORT, a number from 1 to "
            f"{_MOST_PORT}"
        )
    return int(text)


def refusals(project: Project, service: Service, front: Front, *, scales: bool) -> Iterator[str]:
    """Why it cannot be brought up beside what runs already, or swapped so, a line each. `scales`:
    the old and the new release are to run side by side.
    """
    for each in project.services.values():
        if each.network_mode == "host":
            yield (
                f"service {each.name!r} has network_mode: host, so it would listen on this machine "
                "itself, beyond loopback; give it a network and `ports:`"
            )
    for what, things in (("network", project.networks), ("volume", project.volumes)):
        for thing in things:
            if thing.is_external:
                yield _external(what, thing)
    if service.replicas < 1:
        yield f"service {service.name!r} has no replica, so there is nothing to swap"
    if project.services[front.service].replicas > 1:
        yield (
            f"service {front.service!r} has {project.services[front.service].replicas} replicas, "
            f"and only one of them can have the published port {front.port}; give it one replica, "
            "or name another front"
        )
    if scales and front.service == service.name:
        yield (
            f"swap scale-then-stop runs two containers of {service.name!r}, and only one of them "
            f"can have the published port {front.port}; put a proxy before it and name that as the "
            "front, or choose --swap recreate or a --deploy command"
        )
    if scales and service.fixed_addresses:
        yield (
            f"swap scale-then-stop runs two containers of {service.name!r}, whose address on "
            f"network {service.fixed_addresses[0]!r} is fixed; leave that address out, or choose "
            "--swap recreate"
        )


def _external(what: str, thing: Thing) -> str:
    danger = (
        "what runs there would answer to the same names"
        if what == "network"
        else "the load would write into it"
    )
    return (
        f"{what} {thing.key!r} is external ({thing.name}): {danger}; make it the project's own in "
        f"a file beside (`{what}s: {{{thing.key}: !override {{}}}}`) and name both: "
        "--compose compose.yaml:beside.yaml"
    )
