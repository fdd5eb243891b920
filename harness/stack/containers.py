"""Containers of a run: started through testcontainers, labelled as ours, stopped in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import docker.errors
from docker.models.containers import Container
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from harness.model.errors import HarnessError, MissingEvidenceError, NotJudgedError
from harness.timeline import SystemTime, wait_until

__all__ = [
    "FULL_CPU",
    "HELD_BACK_CPU",
    "LOGS_AT",
    "Container",
    "Spec",
    "address",
    "cpu_s",
    "exit_code",
    "last_words",
    "launch",
    "published",
    "run_in",
]

LOGS_AT = "/var/log/harness"
"""Where the run's log volume is mounted in each container."""

FULL_CPU = 1024
"""CPU weight of a serving container. Set on all of them: on cgroup v2 the engine's default
weighs 2.5 times as much as this very number does when it is asked for."""

HELD_BACK_CPU = 64
"""CPU weight of a starting one: it takes what the serving ones leave (field notes, 2)."""

_EXIT_CODE_S: Final = 5.0
"""For the engine to tell the exit code of a command whose output has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What to start. `ports` maps a container port to a loopback port, 0 for any free one."""

    name: str
    image: str
    labels: Mapping[str, str]
    alias: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    """Volume name or host folder to the folder in the container, writable."""
    ports: Mapping[int, int] = field(default_factory=dict)
    shell: str = ""
    """Runs instead of the image's own entry, by `/bin/sh -c`; ends in an `exec`."""
    entry: Sequence[str] = ()
    """Runs instead of the image's own entry."""
    stop_signal: str = "SIGTERM"
    cpu_weight: int = FULL_CPU
    memory: str = ""
    """The most it may take, such as `160m`, swap space included; empty: as much as there is."""


def launch(spec: Spec, network: Network) -> Container:
    """Starts it and returns the engine's container; its readiness is not awaited.

    NotJudgedError for a port that is taken and for an image that cannot be run;
    MissingEvidenceError where the engine's own disk is full.
    """
    unit = DockerContainer(spec.image).with_name(spec.name).with_network(network)
    if spec.alias:
        unit.with_network_aliases(spec.alias)
    unit.with_envs(**spec.environment)
    for source, folder in spec.volumes.items():
        unit.with_volume_mapping(source, folder, "rw")
    for inner, outer in spec.ports.items():
        # Loopback by name: testcontainers' own mapping would publish on every interface.
        unit.ports[f"{inner}/tcp"] = ("127.0.0.1", outer or None)  # type: ignore[assignment]
    entry = ["/bin/sh", "-c", spec.shell] if spec.shell else list(spec.entry)
    options = {
        "labels": dict(spec.labels),
        "stop_signal": spec.stop_signal,
        "cpu_shares": spec.cpu_weight,
        **({"entrypoint": entry} if entry else {}),
        **({"mem_limit": spec.memory, "memswap_limit": spec.memory} if spec.memory else {}),
        # Images other than ours may start as a user who cannot write the log volume.
        **({"user": "root"} if entry else {}),
    }
    unit.with_kwargs(**options)
    if entry:
        unit.with_command([])
    try:
        unit.start()
    except docker.errors.APIError as error:
        raise _explained(spec, error) from error
    return unit.get_wrapped_container()


def _explained(spec: Spec, error: docker.errors.APIError) -> HarnessError:
    text = str(error.explanation or error)
    if "port is already allocated" in text or "address already in use" in text:
        taken = ", ".join(str(outer) for outer in spec.ports.values() if outer)
        return NotJudgedError(
            f"port: {taken} on 127.0.0.1 is taken by another program; "
            "choose another with --port, or leave it out for any free one"
        )
    if "no space left" in text:
        # In mid-run this must not be taken for a release that does not start.
        return MissingEvidenceError(
            f"disk: the engine has no space left to start {spec.name}: {text}"
        )
    lacks = "; name an image that has it" if "executable file not found" in text else ""
    return NotJudgedError(f"{spec.name}: the engine could not start {spec.image}: {text}{lacks}")


def address(container: Container) -> str:
    """Its address on the run's network (it has only one)."""
    container.reload()
    networks = container.attrs["NetworkSettings"]["Networks"]
    return next((str(network["IPAddress"]) for network in networks.values()), "")


def published(container: Container, inner: int) -> int:
    """The loopback port of that port of it, as of its last reload; 0 where it has none."""
    bound = container.attrs["NetworkSettings"]["Ports"].get(f"{inner}/tcp")
    return int(bound[0]["HostPort"]) if bound else 0


def cpu_s(container: Container) -> float:
    """CPU time that it has taken since its start."""
    stats: Any = container.stats(stream=False, one_shot=True)
    return float(stats["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9


def exit_code(container: Container) -> int | None:
    """With which it ended; None while it runs."""
    container.reload()
    if container.status == "running":
        return None
    return int(container.attrs["State"]["ExitCode"])


def last_words(container: Container, count: int = 10) -> str:
    """The end of what it printed, for an error message; that there is none, or none to be had."""
    try:
        text = container.logs(tail=count).decode("utf-8", "replace").strip()
    except docker.errors.APIError as error:
        return f"what it printed cannot be had: {error.explanation or error}"
    if not text:
        return "it printed nothing"
    return "its last lines:\n  " + "\n  ".join(text.splitlines())


def run_in(container: Container, command: Sequence[str]) -> tuple[int, str]:
    """Runs the command there; its exit code and what it printed.

    The engine ends the output a moment before it knows the exit code, so that is awaited. Raises
    APIError where the engine does not tell: never is a command taken for one that succeeded.
    """
    assert container.client is not None  # noqa: S101 (the engine gave it, with its client)
    api = container.client.api
    execution = api.exec_create(container.id, list(command))["Id"]
    text = api.exec_start(execution).decode("utf-8", "replace")
    known: list[int] = []

    def has_ended() -> bool:
        code = api.exec_inspect(execution)["ExitCode"]
        known.extend([] if code is None else [code])
        return bool(known)

    if not wait_until(has_ended, clock=SystemTime(), timeout_s=_EXIT_CODE_S):
        raise docker.errors.APIError(f"how {command[0]} ended is not known to the engine")
    return known[0], text
