"""The Compose file of ours that is laid over the user's: whose the objects are, and what keeps them
apart from those of a project that runs already.
"""

import json
from collections.abc import Iterator, Mapping

from harness.stack.compose.project import Front, Project, Service, Thing

__all__ = ["changes", "override"]


def override(
    project: Project,
    *,
    front: Front,
    front_port: int,
    service: str,
    image: str,
    labels: Mapping[str, str],
    bind: str = "127.0.0.1",
) -> str:
    """YAML, to be given after the user's files.

    Every object carries `labels`. Ports are published on `bind` alone, any free ones but for the
    front's, which is `front_port`, so that it stays the same where its container is made anew.
    Names that are fixed become the project's own. `image` is that of `service`; empty: the file's
    own.
    """
    lines = ["services:"]
    for each in project.services.values():
        lines.append(f"  {_text(each.name)}:")
        lines += [f"    {line}" for line in _service(each, labels)]
        ports = _ports(each, front, front_port, bind)
        if ports:
            lines.append(f"    ports: !override {json.dumps(ports)}")
        if image and each.name == service:
            lines.append(f"    image: {_text(image)}")
            if each.is_built:
                # Else Compose would build the old code under the new image's name.
                lines.append("    build: !reset null")
        elif each.is_built and not each.image:
            # Named after the project: ours, and to be removed with it.
            lines.append(f"    build: {json.dumps({'labels': dict(labels)})}")
    for kind, things in (("networks", project.networks), ("volumes", project.volumes)):
        own = [thing for thing in things if not thing.is_external]
        if own:
            lines.append(f"{kind}:")
            lines += [f"  {_text(thing.key)}: {_thing(project, thing, labels)}" for thing in own]
    return "\n".join(lines) + "\n"


def changes(project: Project) -> Iterator[str]:
    """What of the user's file does not hold in the run, for the record."""
    for each in project.services.values():
        if each.container_name:
            yield f"{each.name}: container_name {each.container_name} is an alias"
        if each.ports:
            yield f"{each.name}: ports of the run's own"
    for thing in (*project.networks, *project.volumes):
        if not thing.is_external and thing.name != _own_name(project, thing):
            yield f"{thing.key}: name {thing.name} is {_own_name(project, thing)}"


def _service(service: Service, labels: Mapping[str, str]) -> Iterator[str]:
    yield f"labels: {json.dumps(dict(labels))}"
    if service.container_name:
        yield "container_name: !reset null"
        if service.networks:
            # Who knows it by that name still finds it.
            aliases = {"aliases": [service.container_name]}
            yield f"networks: {json.dumps(dict.fromkeys(service.networks, aliases))}"


def _ports(service: Service, front: Front, front_port: int, bind: str) -> list[dict[str, object]]:
    ports: list[dict[str, object]] = [
        {"target": port.target, "protocol": port.protocol, "host_ip": bind}
        for port in service.ports
        if (service.name, port.target, port.protocol) != (front.service, front.port, "tcp")
    ]
    if service.name == front.service:
        ports.append(
            {
                "target": front.port,
                "protocol": "tcp",
                "host_ip": bind,
                "published": str(front_port),
            }
        )
    return ports


def _thing(project: Project, thing: Thing, labels: Mapping[str, str]) -> str:
    return json.dumps({"name": _own_name(project, thing), "labels": dict(labels)})


def _own_name(project: Project, thing: Thing) -> str:
    return f"{project.name}_{thing.key}"


def _text(text: str) -> str:
    """A YAML string that Compose substitutes nothing in."""
    return json.dumps(text.replace("$", "$$"))
