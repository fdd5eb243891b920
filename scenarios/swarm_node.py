"""A node of a swarm, in a container of its own on the engine that is there.

A swarm's nodes hear each other on UDP port 4789 of all their addresses, whatever addresses they are
told. Here these are the container's: nothing listens on this machine's own, and its engine is no
part of any swarm.
"""

import contextlib
import ipaddress
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import requests
from docker.models.containers import Container

from harness.kept import new_run
from harness.stack import images
from harness.stack.containers import last_words
from harness.stack.engine import absent_is_fine
from harness.stack.network import create_network
from harness.stack.owner import LABEL, Owner

CONTEXT = Path(__file__).parent / "swarm"
STARTED_S = 60.0
COMMAND_S = 120.0
_CAPABILITIES = (
    "SYS_ADMIN",
    "NET_ADMIN",
    "NET_BROADCAST",
    "SYS_NICE",
    "SYS_PTRACE",
    "DAC_READ_SEARCH",
)
_ALLOWED = (
    *(f"--cap-add={name}" for name in _CAPABILITIES),
    *("--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined"),
    *("--security-opt=systempaths=unconfined", "--device-cgroup-rule=a *:* rwm"),
)
"""What an engine needs, which mounts and makes networks and cgroups. `--privileged` would ask for
capabilities too that not every machine has to give."""
_LISTENING = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}
"""The state of a socket that listens, by the file below /proc/net (a UDP socket has one alone)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """Where something listens."""

    kind: str
    """`tcp` or `udp`."""
    address: str
    port: int

    @property
    def is_loopback(self) -> bool:
        return ipaddress.ip_address(self.address).is_loopback


class Node:
    """An engine of its own; commands are given to it as to any other, by DOCKER_HOST."""

    def __init__(self, container: Container, socket: Path) -> None:
        self._container = container
        self.host = f"unix://{socket}"

    @property
    def address(self) -> str:
        """On the network that it shares with this machine alone."""
        self._container.reload()
        [network] = self._container.attrs["NetworkSettings"]["Networks"].values()
        return str(network["IPAddress"])

    def docker(self, *arguments: str, **environment: str) -> str:
        """What the command prints. AssertionError with what it complains of where it fails."""
        done = self.tried(*arguments, **environment)
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"docker {' '.join(arguments)}: {said}"
        return done.stdout.strip()

    def tried(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", *arguments],
            env=os.environ | {"DOCKER_HOST": self.host} | environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )

    def inside(self, *command: str) -> tuple[int, str]:
        """Exit code and output of a command on the node itself."""
        code, output = self._container.exec_run(list(command))
        return int(code), output.decode("utf-8", "replace").strip()

    def listening(self) -> set[Socket]:
        """All that listens on the node, whichever process or part of the kernel it belongs to."""
        found = set()
        for kind, state in _LISTENING.items():
            _, text = self.inside("cat", f"/proc/net/{kind}")
            for line in text.splitlines()[1:]:
                fields = line.split()
                if fields[3] == state:
                    host, _, port = fields[1].partition(":")
                    found.add(Socket(kind=kind[:3], address=_address(host), port=int(port, 16)))
        return found

    def take(self, names: dict[str, str]) -> None:
        """Loads images of the other engine, by their tags there, under the names given to them."""
        with subprocess.Popen(["docker", "save", *names], stdout=subprocess.PIPE) as saved:
            subprocess.run(
                ["docker", "load", "--quiet"],
                env=os.environ | {"DOCKER_HOST": self.host},
                stdin=saved.stdout,
                stdout=subprocess.DEVNULL,
                timeout=COMMAND_S,
                check=True,
            )
        assert saved.returncode == 0
        for tag, name in names.items():
            self.docker("tag", tag, name)


@contextlib.contextmanager
def a_node(client: docker.DockerClient) -> Iterator[Node]:
    """Up, and then removed with all it held; of a killed run by the next `harness clean`."""
    run = new_run()
    name = f"harness-{run}-node"
    tag = images.built(client, "swarm-node", CONTEXT, images.base_image(client))
    with contextlib.ExitStack() as undo:
        folder = Path(tempfile.mkdtemp(prefix="harness-node-"))
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        labels = Owner.this_process().labels(run, int(time.time())) | {
            f"{LABEL}.instance": "node",
            f"{LABEL}.folder": str(folder),
        }
        undo.callback(create_network(name, labels).remove)
        undo.callback(_remove, client, name)
        container = client.containers.get(_started(tag, name, labels, folder))
        node = Node(container, folder / "docker.sock")
        await_true(
            lambda: node.tried("version").returncode == 0,
            lambda: f"the node's engine does not answer; {last_words(container)}",
        )
        yield node


@contextlib.contextmanager
def a_swarm(node: Node) -> Iterator[None]:
    """The node is a swarm of one, and is none any more in the end.

    RuntimeError where it is in one already: that is somebody's, and leaving it would end it.
    """
    state = node.docker("info", "--format", "{{.Swarm.LocalNodeState}}")
    if state != "inactive":
        raise RuntimeError(
            f"the engine at {node.host} is in a swarm already ({state}); "
            "this would end that one: use another engine, or let it leave (docker swarm leave)"
        )
    try:
        node.docker(
            *("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1:2377")
        )
        yield
    finally:
        node.tried("swarm", "leave", "--force")


def await_true(
    condition: Callable[[], Any], otherwise: Callable[[], str], timeout_s: float = STARTED_S
) -> None:
    """AssertionError with what `otherwise` says where that is not so in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.1)


def answers(url: str) -> bool:
    """Whether the page is there."""
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.RequestException:
        return False


def _address(told: str) -> str:
    """Of the kernel's table: words of four bytes, each the wrong way round on this machine."""
    words = [bytes.fromhex(told[at : at + 8])[::-1] for at in range(0, len(told), 8)]
    found = ipaddress.ip_address(b"".join(words))
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def _started(image: str, name: str, labels: dict[str, str], folder: Path) -> str:
    """The container's id. Its socket is to be in that folder."""
    named = [f"--label={key}={value}" for key, value in labels.items()]
    done = subprocess.run(
        [
            *("docker", "run", "--detach", "--name", name, "--network", name, *named, *_ALLOWED),
            *("--env", f"GROUP={os.getgid()}", "--volume", f"{folder}:/run/node", image),
        ],
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _remove(client: docker.DockerClient, name: str) -> None:
    with absent_is_fine():
        client.containers.get(name).remove(force=True, v=True)
