"""The bundled stack as a target: brought up in order, taken down in reverse, whatever happens."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import docker
from docker.models.containers import Container

from harness.model.control import INSTANCE
from harness.model.errors import NotJudgedError
from harness.model.mark import MarkKind
from harness.model.operations import Operations
from harness.stack import control, edge, followed, images, paths, store
from harness.stack.app import OWN_EDGE
from harness.stack.assets import Assets
from harness.stack.balancer import Balancer, habits, slot_names, validated_algorithm
from harness.stack.certificate import Certificates
from harness.stack.containers import LOGS_AT, Spec, launch
from harness.stack.discovery import Discovery
from harness.stack.disturbance import IMAGE, StackDisturbance
from harness.stack.engine import absent_is_fine, connect, described, remove_run, sweep
from harness.stack.engine_host import LOOPBACK, engine_host
from harness.stack.evidence import EventWatch, gather, versions
from harness.stack.held import Members, is_of
from harness.stack.kept import kept_ms
from harness.stack.modes import MODES, Mode
from harness.stack.network import create_network
from harness.stack.old_release import serve_old
from harness.stack.owner import LABEL, Owner
from harness.stack.plan import StackPlan
from harness.stack.processes import (
    ALONE_SHELL,
    MASTER_SHELL,
    WRITING_SHELL,
    processes,
    successor_shell,
)
from harness.stack.proxies import StackProxies
from harness.stack.runtime_api import (
    ExecTransport,
    RuntimeApi,
    SocketTransport,
)
from harness.stack.smoke import Smoke, smoke_pools
from harness.stack.turns import Turns
from harness.stack.undo import Undo
from harness.stack.variation import varied
from harness.stack.website import Website
from harness.stack.written import Asks, Written
from harness.target import Disturbance, Endpoint, Instance, Stage
from harness.timeline import Timekeeper, Timeline

__all__ = ["Stack"]

_SOCKETS_AT: Final = "/run/harness"
_NO_FOLDER: Final = f"mkdir -p {_SOCKETS_AT} && "
"""Of an engine elsewhere no folder can be shared: the balancer's is its own."""


class Stack:
    """A harness.target.Target with every ability there is."""

    name = "stack"

    def __init__(self, plan: StackPlan) -> None:
        validated_algorithm(plan.algorithm)
        self._plan = plan
        self._client: docker.DockerClient | None = None
        self._host = LOOPBACK
        self._containers: dict[str, Container] = {}
        self._website: Website | None = None
        self._disturbance: StackDisturbance | None = None
        self._stub: control.Stub | None = None
        self._api: RuntimeApi | None = None
        self._undo = Undo()
        self._environment: dict[str, str | int | float | bool] = {}
        self._certificates = Certificates()

    def up(self, timeline: Timeline) -> Endpoint:
        self._client = client = connect()
        host = self._host = engine_host(self._plan.host)
        sweep(client)
        tags = self._images(client, timeline)
        run, plan = self._plan.run, self._plan
        prefix = f"harness-{run}"
        folder = self._socket_folder(prefix)
        created_s = timeline.clock.wall_ns() // 1_000_000_000
        labels = Owner.this_process().labels(run, created_s) | {f"{LABEL}.folder": str(folder)}

        def rest() -> None:
            remove_run(client, run)

        self._on_down(rest)
        network = create_network(prefix, labels)
        self._on_down(network.remove)
        volume = client.volumes.create(f"{prefix}-logs", labels=labels)
        self._on_down(volume.remove)
        # Containers that nobody here knows of hold the volume and the network.
        self._on_down(rest)
        watch = EventWatch(client, run, timeline)
        self._on_down(watch.stop)
        assets = Assets(client, tags if plan.app.is_sample else {}, labels)

        def component(name: str, image: str = "", alias: str = "", **spec: object) -> Container:
            full = Spec(
                name=f"{prefix}-{name}",
                image=tags[image or name],
                labels={**labels, f"{LABEL}.instance": name},
                alias=alias or name,
                bind=host.bind,
                **spec,  # type: ignore[arg-type]
            )
            self._on_down(lambda: self._remove(full.name))
            box = self._containers[name] = launch(full, network)
            if is_of(name, "edge"):
                assets.join(box)
            return box

        def stub() -> Endpoint:
            box = component(
                INSTANCE,
                "edge",
                shell=control.SHELL,
                environment=control.environment(),
                ports={edge.PORT: 0},
            )
            return self._reachable(box, timeline, INSTANCE)

        if plan.control:
            self._stub = control.Stub(stub)
        members = Members(
            component,
            {
                "store": store.in_turn(plan.variation),
                "balancer": lambda: {
                    "shell": ("" if host.is_local else _NO_FOLDER)
                    + WRITING_SHELL
                    + self._balancer_entry(),
                    "stop_signal": "SIGUSR1",
                    "environment": {"HAPROXY_CFG": turns.next(configuration, self._api)},
                    "volumes": {volume.name: LOGS_AT, **folders},
                    "cpus": plan.variation.balancer_cpus,
                },
                "edge": lambda: {
                    "shell": edge.SHELL + (plan.variation.edge_shell or edge.SERVE),
                    "stop_signal": "SIGQUIT",
                    "environment": self._edge_environment(),
                    "volumes": {volume.name: LOGS_AT},
                    "ports": {edge.PORT: plan.edge_port, edge.TLS_PORT: 0},
                    "cpus": plan.variation.edge_cpus,
                },
            },
            held=plan.variation.held,
            sysctls=plan.variation.sysctls,
        )
        members.start("store")
        configuration = self._haproxy_cfg()
        turns = Turns(plan.variation.balancer_ports, plan.app.port)
        folders = {str(folder): _SOCKETS_AT} if host.is_local else {}

        if self._mode().is_followed:
            folders |= followed.follow(
                component,
                client,
                prefix=prefix,
                labels=labels,
                on_made=self._on_down,
                template=configuration,
                slots=len(slot_names(plan.replicas)),
                port=plan.app.port,
            )

        balancer = members.start("balancer")
        transport = paths.to_balancer(
            balancer,
            folder / "admin.sock" if host.is_local else None,
            timeline.clock,
            given=plan.images.get("balancer", ""),
        )
        self._api = RuntimeApi(transport)
        self._website = Website(
            publish=assets.publish,
            discovery=self._discovery(
                balancer, self._api, transport, configuration, timeline.clock
            ),
            images=tags,
            network=network,
            labels=labels | (followed.LABELS if self._mode().is_followed else {}),
            volume=volume.name,
            prefix=prefix,
            replica_count=plan.replicas,
            patience=plan.patience,
            clock=timeline.clock,
            variation=replace(
                plan.variation,
                website={**self._mode().environment, **plan.variation.website},
            ),
            before=StackProxies(
                find=self._named,
                api=self._api,
                clock=timeline.clock,
                another=members.another,
                certificates=self._certificates,
            ),
            smoke=self._smoke(self._api, timeline),
            app=plan.app,
            introduce=self._introduce,
        )
        self._on_down(self._remove_website)
        self._disturbance = StackDisturbance(
            client,
            image=lambda: tags[IMAGE],
            find=self._named,
            labels=labels,
            on_made=self._on_down,
            clock=timeline.clock,
        )
        serve_old(self._website, plan, timeline)
        front = members.start("edge")
        endpoint = self._reachable(members.front("edge", front), timeline)
        self._certificates.are_shown_at(endpoint.host, endpoint.tls_port)
        self._website.publish(plan.releases[0])
        return endpoint

    def down(self) -> None:
        """An error in one removal stops none of the others; the first is raised at the end."""
        if self._stub is not None:
            # What it still makes belongs on the list of what to undo.
            self._stub.settled()
        try:
            self._undo.run()
        finally:
            if self._client is not None:
                self._client.close()
                self._client = None

    def stage(self) -> Stage:
        if self._website is None:
            raise NotJudgedError("stack: not up")
        return self._website

    def disturbance(self) -> Disturbance:
        if self._disturbance is None:
            raise NotJudgedError("stack: not up")
        return self._disturbance

    def control(self) -> Endpoint | None:
        return self._stub.endpoint() if self._stub is not None else None

    def operations(self) -> Operations:
        return store.operations(self._containers)

    def gather(self, folder: Path) -> None:
        gather(self._everyone(), self._containers.get("balancer"), folder)

    def environment(self) -> Mapping[str, str | int | float | bool]:
        if self._client is None:
            return self._environment
        self._environment |= {
            **described(self._client),
            **versions(self._containers),
            **self._certificates.described(),
            **habits(self._mode().manners),
            **kept_ms(balancer=self._haproxy_cfg(), edge=self._edge_environment()["NGINX_CONF"]),
        }
        if self._api is not None:
            self._environment["algorithm_running"] = self._api.algorithm()
        return self._environment

    def _mode(self) -> Mode:
        return MODES[self._plan.discovery]

    def _haproxy_cfg(self) -> str:
        plan = self._plan
        plain = self._mode().configuration(
            plan.algorithm,
            plan.replicas,
            plan.app.port,
            smoke_pools(plan.question, plan.releases, plan.app.port, try_s=plan.patience.try_s),
            plan.app,
        )
        return varied("haproxy.cfg", plain, plan.variation.balancer)

    def _edge_environment(self) -> dict[str, str]:
        own = {} if self._plan.app.is_sample else OWN_EDGE
        changes = {**self._mode().edge, **own, **self._plan.variation.edge}
        return edge.environment(self._certificates.first, changes)

    def _smoke(self, api: RuntimeApi, timeline: Timeline) -> Smoke | None:
        question, releases = self._plan.question, self._plan.releases
        if question is None:
            return None
        port = self._plan.app.port
        return Smoke(api, timeline.clock, question=question, releases=releases, port=port)

    def _balancer_entry(self) -> str:
        if self._mode().is_followed:
            return followed.BALANCER_SHELL
        if not self._mode().is_reload:
            return ALONE_SHELL
        reloads = self._plan.variation.reloads
        if not reloads.by_successor:
            return MASTER_SHELL
        return successor_shell(hands_over=reloads.hands_over)

    def _discovery(
        self,
        container: Container,
        api: RuntimeApi,
        transport: SocketTransport | ExecTransport,
        configuration: str,
        clock: Timekeeper,
    ) -> Discovery:
        balancer, reloads = Balancer(api, clock), self._plan.variation.reloads
        if not self._mode().is_reload:
            return self._mode().discovery(balancer, self._plan.replicas, self._plan.app.port)
        asks = Asks(container, self._plan.app)
        return Written(
            balancer,
            processes(reloads, container, master=transport.of_master(), api=api, clock=clock),
            template=configuration,
            port=self._plan.app.port,
            is_ready=asks,
            reloads=reloads,
            told=asks.told,
            app=self._plan.app,
        )

    def _images(self, client: docker.DockerClient, timeline: Timeline) -> dict[str, str]:
        """Tag by component and by release."""
        tags = images.tags(
            client,
            (
                *("edge", "balancer", "store"),
                *([IMAGE] if self._plan.disturbed or self._plan.variation.held else []),
                *(followed.CONTEXTS if self._mode().is_followed else ()),
            ),
            self._plan.releases,
            self._plan.images,
            on_build=lambda tag: timeline.mark(MarkKind.event, f"build {tag}"),
        )
        for name, tag in tags.items():
            self._environment[f"image_{name}"] = images.identified(client, tag)
        return tags

    def _named(self, name: str) -> Container:
        return {each.labels[f"{LABEL}.instance"]: each for each in self._everyone()}[name]

    def _everyone(self) -> list[Container]:
        return [*self._containers.values(), *(self._website.containers() if self._website else ())]

    def _socket_folder(self, prefix: str) -> Path:
        """Short, as a Unix socket's path may have 108 bytes."""
        folder = Path(tempfile.mkdtemp(prefix=f"{prefix}-"))
        self._on_down(lambda: shutil.rmtree(folder, ignore_errors=True))
        return folder

    def _introduce(self, instance: Instance, where: str) -> None:
        """An image of a user's own does not say who answers. By `reload` the configuration does."""
        if self._api is not None and not (self._plan.app.is_sample or self._mode().is_reload):
            self._api.name(where, instance=instance.name, release=instance.release)

    def _reachable(self, front: Container, timeline: Timeline, name: str = "edge") -> Endpoint:
        """Where load goes."""
        path, host, port, tls_port = paths.to_front(
            front,
            timeline.clock,
            name=name,
            wanted=self._plan.path,
            host=self._host,
            given=self._plan.images.get(name, ""),
        )
        return Endpoint(
            host=host,
            port=port,
            authority=edge.NAME,
            path=path,
            tls_port=tls_port,
            tls_name=edge.NAME,
            ca=self._certificates.first.authority,
        )

    def _on_down(self, undo: Callable[[], object]) -> None:
        self._undo.add(undo)

    def _remove(self, name: str) -> None:
        if self._client is not None:
            self._client.containers.get(name).remove(force=True, v=True)

    def _remove_website(self) -> None:
        for container in self._website.containers() if self._website else ():
            with absent_is_fine():
                container.remove(force=True, v=True)
