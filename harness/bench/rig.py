"""What a benchmark runs on: replicas, and the proxies before them, on the run's own network."""

import contextlib
import http.client
import json
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from harness.bench import proxies
from harness.bench.generation import Generation, Lines
from harness.bench.model import Algorithm, Plan, Proxy, Workload
from harness.model.errors import MissingEvidenceError, NotJudgedError
from harness.stack import images
from harness.stack.containers import (
    Container,
    Spec,
    address,
    cpu_s,
    last_words,
    launch,
    published,
)
from harness.stack.engine import DockerClient, connect, described, remove_run, sweep
from harness.stack.engine_host import LOOPBACK, engine_host
from harness.stack.network import Network, create_network
from harness.stack.owner import LABEL, Owner
from harness.stack.runtime_api import ExecTransport, RuntimeApi, SocketTransport
from harness.stack.undo import Undo
from harness.target import Endpoint
from harness.timeline import Timekeeper, wait_until

__all__ = ["Rig"]

_START_S: Final = 15.0
_CHUNK: Final = 60_000
"""Of a configuration: an environment variable may have 128 KiB."""
_HAPROXY: Final = (
    "mkdir -p /run/harness && haproxy -c -q -f /tmp/proxy.cfg && "
    "exec haproxy -W -db -f /tmp/proxy.cfg"
)
_NGINX: Final = 'exec nginx -c /tmp/proxy.cfg -g "daemon off;"'


class Rig:
    """Brought up once for a plan, taken down whatever happens; teardown is idempotent."""

    def __init__(
        self,
        run: str,
        plan: Plan,
        clock: Timekeeper,
        given: Mapping[str, str],
        say: Callable[[str], None] = lambda _: None,
        *,
        host: str = "",
    ) -> None:
        """`host`: where the engine's published ports are; empty as stack.engine_host finds it."""
        self._given_host = host
        self._host = LOOPBACK
        self._run = run
        self._plan = plan
        self.clock = clock
        self._given = given
        self._say = say
        self._client: DockerClient | None = None
        self._undo = Undo()
        self._proxies: dict[Proxy, Container] = {}
        self._hosts: dict[Proxy, tuple[str, int]] = {}
        self._api: RuntimeApi | None = None
        self._network: Network | None = None
        self._labels: dict[str, str] = {}
        self._tags: dict[str, str] = {}
        self.path = "address"
        self.environment: dict[str, str | int | float | bool] = {}

    @property
    def replicas(self) -> int:
        return max(workload.servers for workload in self._plan.workloads)

    def up(self) -> None:
        """NotJudgedError where it does not come up."""
        client = self._client = connect()
        host = self._host = engine_host(self._given_host)
        sweep(client)
        tags = self._tags = self._images(client)
        prefix = f"harness-{self._run}"
        folder = Path(tempfile.mkdtemp(prefix=f"{prefix}-"))
        self._undo.add(lambda: shutil.rmtree(folder, ignore_errors=True))
        labels = self._labels = Owner.this_process().labels(
            self._run, self.clock.wall_ns() // 1_000_000_000
        ) | {f"{LABEL}.folder": str(folder)}
        self._undo.add(lambda: remove_run(client, self._run))
        network = self._network = create_network(prefix, labels)

        def start(name: str, image: str, **spec: Any) -> Container:
            named = {**labels, f"{LABEL}.instance": name}
            full = Spec(
                name=f"{prefix}-{name}",
                image=tags[image],
                labels=named,
                alias=name,
                bind=host.bind,
                **spec,
            )
            return launch(full, network)

        replicas = [
            start(
                proxies.server(number),
                "replica",
                environment={
                    "INSTANCE": proxies.server(number),
                    "PORT": str(proxies.REPLICA_PORT),
                },
            )
            for number in range(1, self.replicas + 1)
        ]
        addresses = [address(replica) for replica in replicas]
        for replica, where in zip(replicas, addresses, strict=True):
            if not where:
                raise NotJudgedError(f"replica: it did not start; {last_words(replica)}")
        plan = self._plan
        balancer = self._proxies[Proxy.haproxy] = start(
            "balancer",
            "balancer",
            **_configured(_HAPROXY, proxies.haproxy(plan.algorithms, plan.workloads, addresses)),
            stop_signal="SIGUSR1",
            volumes={str(folder): "/run/harness"} if host.is_local else {},
            ports={proxies.PORT: 0},
        )
        configuration = proxies.nginx(plan.algorithms, plan.workloads)
        if configuration:
            self._proxies[Proxy.nginx] = start(
                "edge",
                "edge",
                **_configured(_NGINX, configuration),
                stop_signal="SIGQUIT",
                ports={proxies.PORT: 0},
            )
        for proxy, container in self._proxies.items():
            self._hosts[proxy] = self._reached(proxy, container)
        self._api = self._runtime_api(balancer, folder)
        self._await_replicas()
        self._read_back()
        self.environment |= described(client)

    def down(self) -> None:
        """An error in one removal stops none of the others; the first is raised at the end."""
        try:
            self._undo.run()
        finally:
            if self._client is not None:
                self._client.close()
                self._client = None

    def endpoint(self, algorithm: Algorithm, workload: Workload) -> Endpoint:
        host, port = self._hosts[algorithm.proxy]
        return Endpoint(
            host=host,
            port=port,
            authority=proxies.backend(algorithm, workload),
            path="edge" if self.path == "address" else "published",
        )

    def command(self, text: str) -> str:
        """Of HAProxy's Runtime API; its answer, stripped."""
        return self._reached_api().command(text)

    def state(self, backend: str) -> dict[str, dict[str, str]]:
        """A backend's rows of `show stat` by server, its own under `BACKEND`."""
        return self._reached_api().of(backend).rows()

    @contextlib.contextmanager
    def generation(
        self, algorithm: Algorithm, workload: Workload, name: str, settings: bytes
    ) -> Iterator[Generation]:
        """Servers of that backend's own, told `settings`, until the block ends. `name` is no other
        generation's. MissingEvidenceError where they do not serve.
        """
        backend = proxies.backend(algorithm, workload)
        lines = Lines(self._reached_api(), backend, self.ask, self.clock)
        servers = Generation(
            lines,
            settings,
            self._tags["replica"],
            network=self._network,
            labels=self._labels,
            prefix=f"harness-{self._run}-{name}",
            replica_count=workload.servers,
            clock=self.clock,
        )
        with servers.up():
            yield servers

    def ask(self, server: str, method: str, body: bytes = b"") -> bytes:
        """Begins (`PUT`) or reads (`GET`) a round of that replica, through HAProxy."""
        host, port = self._hosts[Proxy.haproxy]
        connection = http.client.HTTPConnection(host, port, timeout=10)
        try:
            connection.request(method, "/_round", body, {"Host": proxies.control(server)})
            answer = connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise MissingEvidenceError(f"{server}: it did not answer: {error!r}") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise MissingEvidenceError(f"{server}: it answered {answer.status}")
        return data

    def cpu_s(self, proxy: Proxy) -> float:
        """CPU time that the proxy's container has taken since its start."""
        return cpu_s(self._proxies[proxy])

    def _await_replicas(self) -> None:
        for server in map(proxies.server, range(1, self.replicas + 1)):

            def answers(server: str = server) -> bool:
                try:
                    return bool(json.loads(self.ask(server, "GET").splitlines()[0]) is not None)
                except (MissingEvidenceError, ValueError, IndexError):
                    return False

            if not wait_until(answers, clock=self.clock, timeout_s=_START_S):
                raise NotJudgedError(f"{server}: no answer within {_START_S:g} s of its start")

    def _read_back(self) -> None:
        """MissingEvidenceError where HAProxy runs another algorithm than the one meant.

        Its state does not tell a consistent hash from a map; that it takes another weight, or
        refuses it, does.
        """
        for algorithm in self._plan.algorithms:
            for workload in self._plan.workloads:
                if algorithm.proxy is not Proxy.haproxy:
                    continue
                name = proxies.backend(algorithm, workload)
                found = self.state(name).get("BACKEND", {}).get("algo")
                weight = proxies.weights(algorithm, workload)[0]
                first = f"set server {name}/{proxies.server(1)} weight"
                is_dynamic = "static" not in self.command(f"{first} {weight + 1}")
                self.command(f"{first} {weight if is_dynamic else '100%'}")
                if (found, is_dynamic) != (algorithm.running, algorithm.is_dynamic):
                    raise MissingEvidenceError(
                        f"balancer: of {name} HAProxy says {found!r}, "
                        f"{'dynamic' if is_dynamic else 'static'}; expected "
                        f"{algorithm.running!r}, {'dynamic' if algorithm.is_dynamic else 'static'}"
                    )

    def _images(self, client: DockerClient) -> dict[str, str]:
        remedy = "pull or build it, or leave that setting out"
        base = (
            images.found(client, self._given["base"], remedy=remedy)
            if "base" in self._given
            else images.base_image(client)
        )
        contexts = {
            "replica": Path(str(files("harness.bench") / "replica")),
            "balancer": Path(str(files("harness.stack") / "images" / "balancer")),
        }
        if any(each.proxy is Proxy.nginx for each in self._plan.algorithms):
            contexts["edge"] = Path(str(files("harness.stack") / "images" / "edge"))
        tags: dict[str, str] = {}
        for name, context in contexts.items():
            tags[name] = (
                images.found(client, self._given[name], remedy=remedy)
                if name in self._given
                else images.built(
                    client,
                    name,
                    context,
                    base,
                    on_build=lambda tag: self._say(f"building {tag}"),
                )
            )
            self.environment[f"image_{name}"] = images.identified(client, tags[name])
        return tags

    def _reached(self, proxy: Proxy, container: Container) -> tuple[str, int]:
        """Its own address where that can be reached, else its published loopback port."""
        own = address(container)

        def listens() -> bool:
            with (
                contextlib.suppress(OSError),
                socket.create_connection((own, proxies.PORT), timeout=0.5),
            ):
                return True
            return False

        if own and self._host.is_local and wait_until(listens, clock=self.clock, timeout_s=3.0):
            return own, proxies.PORT
        container.reload()
        if container.status != "running":
            raise NotJudgedError(f"{proxy}: it did not start; {last_words(container)}")
        self.path = "published"
        return self._host.address, published(container, proxies.PORT)

    def _reached_api(self) -> RuntimeApi:
        if self._api is None:
            raise NotJudgedError("rig: not up")
        return self._api

    def _runtime_api(self, balancer: Container, folder: Path) -> RuntimeApi:
        by_socket = (SocketTransport(folder / "admin.sock"),) if self._host.is_local else ()
        for transport in (*by_socket, ExecTransport(balancer)):

            def answers(transport: SocketTransport | ExecTransport = transport) -> bool:
                try:
                    return "Uptime" in transport("show info")
                except OSError:
                    return False

            if wait_until(answers, clock=self.clock, timeout_s=5.0):
                return RuntimeApi(transport)
        raise NotJudgedError(f"balancer: no Runtime API; {last_words(balancer)}")


def _configured(program: str, configuration: str) -> dict[str, Any]:
    """What starts the program with that configuration: no folder is shared with the engine."""
    parts = [configuration[at : at + _CHUNK] for at in range(0, len(configuration), _CHUNK)]
    names = [f"CFG_{number}" for number in range(len(parts))]
    written = " ".join(f'"${name}"' for name in names)
    return {
        "shell": f"printf %s {written} > /tmp/proxy.cfg && {program}",
        "environment": dict(zip(names, parts, strict=True)),
    }
