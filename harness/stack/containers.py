"""Containers of a run: started through testcontainers, labelled as ours, stopped in order."""

import contextlib
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

import docker.errors
import requests
from docker.models.containers import Container
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from harness.model.errors import HarnessError, MissingEvidenceError, NotJudgedError
from harness.stack.engine import absent_is_fine
from harness.stack.engine_host import LOOPBACK
from harness.timeline import SystemTime, wait_until

__all__ = [
    "FULL_CPU",
    "HELD_BACK_CPU",
    "LOGS_AT",
    "Container",
    "Spec",
    "UnendedError",
    "UnfitImageError",
    "address",
    "cpu_s",
    "exit_code",
    "exposed",
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
_COMMAND_S: Final = 30.0
_TAKEN: Final = 409

_IMAGES_OWN: Final = re.compile(
    r"(start(ing)? container process|crun: ).*"
    r"(executable file .*not found|exec format error|open executable|chdir to cwd"
    r'|exec: ".*(permission denied|no such file or directory|is a directory))'
    r"|no command specified|no such image|pull access denied|manifest unknown"
    r"|invalid (image )?config|working directory .* is invalid|unable to find (user|group)",
    re.IGNORECASE | re.DOTALL,
)
"""What is said where no engine could run that image. Engines lack executables of their own, too:
only what was to be the container's first process counts."""


class UnfitImageError(NotJudgedError):
    """No engine could run that image."""


class UnendedError(docker.errors.APIError):
    """A command in a container did not end in its time; what became of it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What to start. `ports` maps a container port to a port of `bind`, 0 for any free one."""

    name: str
    image: str
    labels: Mapping[str, str]
    alias: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    """Volume name or host folder to the folder in the container, writable."""
    ports: Mapping[int, int] = field(default_factory=dict)
    bind: str = LOOPBACK.bind
    """The engine's address on which they are published."""
    shell: str = ""
    """Runs instead of the image's own entry, by `/bin/sh -c`; ends in an `exec`."""
    entry: Sequence[str] = ()
    """Runs instead of the image's own entry."""
    stop_signal: str = "SIGTERM"
    """Empty: the image's own."""
    cpu_weight: int = FULL_CPU
    memory: str = ""
    """The most it may take, such as `160m`, swap space included; empty: as much as there is."""
    cpus: float = 0.0
    """The most cores it may take, in each 100 ms anew; 0: as many as there are."""
    network_of: str = ""
    """The id of the container in whose network it runs; empty: it has an address of its own."""
    capabilities: Sequence[str] = ()
    """Beside those that the engine gives to all."""
    sysctls: Mapping[str, str] = field(default_factory=dict)
    """Settings of the kernel for its network."""


def launch(spec: Spec, network: Network) -> Container:
    """Starts it and returns the engine's container; its readiness is not awaited.

    UnfitImageError for an image that cannot be run; NotJudgedError for a port that is taken and for
    what the engine lacks; MissingEvidenceError where its own disk is full. Where it fails, whatever
    by, no container of that name is left.
    """
    unit = DockerContainer(spec.image).with_name(spec.name)
    if not spec.network_of:
        unit.with_network(network)
        if spec.alias:
            unit.with_network_aliases(spec.alias)
    unit.with_envs(**spec.environment)
    for source, folder in spec.volumes.items():
        unit.with_volume_mapping(source, folder, "rw")
    for inner, outer in spec.ports.items():
        # By an address: testcontainers' own mapping would publish on every interface.
        unit.ports[f"{inner}/tcp"] = (spec.bind, outer or None)  # type: ignore[assignment]
    entry = ["/bin/sh", "-c", spec.shell] if spec.shell else list(spec.entry)
    options = {
        "labels": dict(spec.labels),
        **({"stop_signal": spec.stop_signal} if spec.stop_signal else {}),
        "cpu_shares": spec.cpu_weight,
        **({"entrypoint": entry} if entry else {}),
        **({"nano_cpus": round(spec.cpus * 1e9)} if spec.cpus else {}),
        **({"mem_limit": spec.memory, "memswap_limit": spec.memory} if spec.memory else {}),
        # Images other than ours may start as a user who cannot write the log volume.
        **({"user": "root"} if entry else {}),
        **({"network_mode": f"container:{spec.network_of}"} if spec.network_of else {}),
        **({"cap_add": list(spec.capabilities)} if spec.capabilities else {}),
        **({"sysctls": dict(spec.sysctls)} if spec.sysctls else {}),
    }
    unit.with_kwargs(**options)
    if entry:
        unit.with_command([])
    try:
        unit.start()
    except docker.errors.APIError as error:
        # A name that is taken is that of a container which was there before.
        if error.status_code != _TAKEN:
            _remove_made(unit, spec)
        raise _explained(spec, error) from error
    except Exception:
        _remove_made(unit, spec)
        raise
    return unit.get_wrapped_container()


def _remove_made(unit: DockerContainer, spec: Spec) -> None:
    """By its name, as the engine may not have told what it made. What fails hides no cause: the
    stack's removal comes by again.
    """
    with contextlib.suppress(requests.RequestException), absent_is_fine():
        unit.get_docker_client().client.containers.get(spec.name).remove(force=True, v=True)


def _explained(spec: Spec, error: docker.errors.APIError) -> HarnessError:
    text = str(error.explanation or error)
    if "port is already allocated" in text or "address already in use" in text:
        taken = ", ".join(str(outer) for outer in spec.ports.values() if outer)
        return NotJudgedError(
            f"port: {taken} on {spec.bind} is taken by another program; "
            "choose another with --edge-port, or leave it out for any free one"
        )
    if "no space left" in text:
        # In mid-run this must not be taken for a release that does not start.
        return MissingEvidenceError(
            f"disk: the engine has no space left to start {spec.name}: {text}"
        )
    told = f"{spec.name}: the engine could not start {spec.image}: {text}"
    if not (isinstance(error, docker.errors.ImageNotFound) or _IMAGES_OWN.search(text)):
        return NotJudgedError(told)
    lacks = "; name an image that has it" if "executable file not found" in text else ""
    return UnfitImageError(f"{told}{lacks}")


def address(container: Container) -> str:
    """Its address on the run's network (it has only one)."""
    container.reload()
    networks = container.attrs["NetworkSettings"]["Networks"]
    return next((str(network["IPAddress"]) for network in networks.values()), "")


def published(container: Container, inner: int) -> int:
    """The engine's port of that port of it, as of its last reload; 0 where it has none."""
    bound = container.attrs["NetworkSettings"]["Ports"].get(f"{inner}/tcp")
    return int(bound[0]["HostPort"]) if bound else 0


def exposed(container: Container) -> list[int]:
    """The TCP ports that its image says it listens on, as of the container's last reload."""
    ports = container.attrs.get("Config", {}).get("ExposedPorts") or {}
    numbers = (str(port).partition("/") for port in ports)
    return sorted(int(port) for port, _, kind in numbers if kind in {"", "tcp"} and port.isdigit())


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


def run_in(
    container: Container, command: Sequence[str], *, timeout_s: float = _COMMAND_S
) -> tuple[int, str]:
    """Runs the command there; its exit code and what it printed.

    The engine ends the output a moment before it knows the exit code, so that is awaited. Raises
    APIError where the engine does not tell: never is a command taken for one that succeeded.
    UnendedError, which is one, where its output has not ended after `timeout_s`.
    """
    assert container.client is not None  # noqa: S101 (the engine gave it, with its client)
    api = container.client.api
    execution = api.exec_create(container.id, list(command))["Id"]
    try:
        output = _within(timeout_s, lambda: api.exec_start(execution))
    except TimeoutError as error:
        raise UnendedError(f"{command[0]} did not end within {timeout_s:g} s") from error
    text = output.decode("utf-8", "replace")
    known: list[int] = []

    def has_ended() -> bool:
        code = api.exec_inspect(execution)["ExitCode"]
        known.extend([] if code is None else [code])
        return bool(known)

    if not wait_until(has_ended, clock=SystemTime(), timeout_s=_EXIT_CODE_S):
        raise docker.errors.APIError(f"how {command[0]} ended is not known to the engine")
    return known[0], text


def _within(timeout_s: float, ask: Callable[[], bytes]) -> bytes:
    """What it returns or raises; TimeoutError where that takes longer.

    The engine's client waits for a command's output without any limit, so it waits in a thread,
    which is left alone when the time is over: with the container its connection ends.
    """
    outcome: Future[bytes] = Future()

    def settle() -> None:
        try:
            outcome.set_result(ask())
        except BaseException as error:  # noqa: BLE001 (raised where it is waited for)
            outcome.set_exception(error)

    threading.Thread(target=settle, name="command", daemon=True).start()
    return outcome.result(timeout_s)
