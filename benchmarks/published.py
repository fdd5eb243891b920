"""The edge's image in a container, reached by its own address and by a published loopback port."""

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import docker.errors
import requests
from testcontainers.core.config import testcontainers_config
from testcontainers.core.network import Network

import harness.stack
from benchmarks.cpu import cpu_s
from benchmarks.site import BODY, SERVER_CORE
from harness.model.errors import HarnessError
from harness.stack import containers, engine, images
from harness.stack.owner import Owner

__all__ = ["Edge", "edge", "why_not"]

_READY_S = 20.0
# NGINX is not the container's first process: it can die while the published port stays.
_SHELL = f"""
cat >/etc/nginx/nginx.conf <<'END'
worker_processes 1;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    default_type text/plain;
    keepalive_requests 1000000000;
    server {{
        listen 80 backlog=4096;
        location / {{ add_header X-Release v1; return 200 "{BODY}"; }}
    }}
}}
END
nginx
exec sleep 600
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Both ways to it, and how to let NGINX die behind them."""

    address: str
    port: int
    """Published on loopback."""
    die: Callable[[], None]
    live: Callable[[], None]

    def proxy_cpu_s(self) -> float:
        """CPU seconds of the engine's userland proxy for that port."""
        return sum(cpu_s(pid) for pid in _proxies(self.port))


def why_not() -> str:
    """Empty where an engine answers."""
    try:
        engine.connect().ping()
    except (HarnessError, docker.errors.DockerException, requests.RequestException) as error:
        return str(error).splitlines()[0]
    return ""


@contextlib.contextmanager
def edge() -> Iterator[Edge]:
    """The container, until the block is left; then nothing of it is."""
    testcontainers_config.ryuk_disabled = True
    client = engine.connect()
    base = images.base_image(client)
    context = Path(harness.stack.__file__).parent / "images" / "edge"
    image = images.built(client, "edge", context, base)
    run = f"benchmark-{secrets.token_hex(2)}"
    labels = Owner.this_process().labels(run, int(time.time()))
    network = Network(docker_network_kw={"labels": labels})
    try:
        network.create()
        spec = containers.Spec(
            name=f"harness-{run}", image=image, labels=labels, ports={80: 0}, shell=_SHELL
        )
        container = containers.launch(spec, network)
        container.update(cpuset_cpus=str(SERVER_CORE))
        address = containers.address(container)
        port = int(container.attrs["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"])
        _await(f"http://{address}/")
        yield Edge(
            address=address,
            port=port,
            die=lambda: container.exec_run(["nginx", "-s", "stop"]),
            live=lambda: (container.exec_run(["nginx"]), _await(f"http://{address}/")),
        )
    finally:
        engine.remove_run(client, run)
        client.close()


def _await(url: str) -> None:
    deadline = time.monotonic() + _READY_S
    while True:
        with contextlib.suppress(requests.RequestException):
            if requests.get(url, timeout=1).text == BODY:
                return
        if time.monotonic() > deadline:
            raise RuntimeError(f"{url} does not answer")
        time.sleep(0.05)


def _proxies(port: int) -> Iterator[int]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if words[0].endswith(b"docker-proxy") and str(port).encode() in words:
                    yield int(folder.name)
