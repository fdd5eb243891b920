"""The bundled stack on a real engine: what it serves, what it shows, what it leaves."""

from collections.abc import Iterator

import docker
import pytest
from left import left
from stacks import Up, brought_up

from harness.stack.owner import LABEL

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def up(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with brought_up(engine, tmp_path_factory.mktemp("stack"), algorithm="leastconn") as found:
        yield found


def components(
    engine: docker.DockerClient, run: str
) -> dict[str, docker.models.containers.Container]:
    found = engine.containers.list(all=True, filters={"label": f"{LABEL}={run}"})
    return {container.labels[f"{LABEL}.instance"]: container for container in found}


def test_the_old_release_is_served_through_the_edge_and_says_who_it_is(up: Up):
    status, body, headers = up.ask("GET", "/")
    assert (status, body) == (200, "Hello beautiful world!")
    assert headers["x-release"] == "v1"
    assert headers["x-instance"] == "website-1"
    assert "nginx" in headers["server"]


def test_haproxy_itself_reports_the_algorithm_that_was_asked_for(up: Up):
    assert up.stack.environment()["algorithm_running"] == "leastconn"


def test_the_environment_names_every_version_and_image(up: Up):
    found = up.stack.environment()
    assert "nginx/" in str(found["edge_version"])
    assert "HAProxy version" in str(found["balancer_version"])
    assert "Redis server" in str(found["store_version"])
    for name in ("edge", "balancer", "store", "v1", "v2"):
        assert "sha256:" in str(found[f"image_{name}"])


def test_only_the_edge_is_published_and_only_on_loopback(engine, up: Up):
    published = {}
    for name, container in components(engine, up.run).items():
        container.reload()
        for port, bindings in container.attrs["NetworkSettings"]["Ports"].items():
            for binding in bindings or []:
                published[name, port] = binding["HostIp"]
        assert container.attrs["HostConfig"]["NetworkMode"] != "host"
        assert not container.attrs["HostConfig"]["PublishAllPorts"]
        assert not container.attrs["HostConfig"]["Privileged"]
    assert published == {("edge", f"{port}/tcp"): "127.0.0.1" for port in (80, 443)}
    assert set(components(engine, up.run)) == {"edge", "balancer", "store", "website-1"}


def test_the_runtime_api_listens_on_a_unix_socket_alone(engine, up: Up):
    balancer = components(engine, up.run)["balancer"]
    configuration = next(
        entry.removeprefix("HAPROXY_CFG=")
        for entry in balancer.attrs["Config"]["Env"]
        if entry.startswith("HAPROXY_CFG=")
    )
    sockets = [line.split() for line in configuration.splitlines() if "stats socket" in line]
    assert [words[2] for words in sockets] == ["/run/harness/admin.sock"]


def test_nothing_mounts_the_engines_socket(engine, up: Up):
    for container in components(engine, up.run).values():
        sources = [mount.get("Source", "") for mount in container.attrs["Mounts"]]
        assert not [source for source in sources if "docker.sock" in source]


def test_every_object_carries_the_run_and_its_owner(engine, up: Up):
    found = left(engine, up.run)
    kinds = [line.split()[0] for line in found]
    assert sorted(set(kinds)) == ["container", "folder", "network", "volume"]
    assert kinds.count("container") == 4
    for container in components(engine, up.run).values():
        for key in ("pid", "started", "boot", "namespace", "created", "folder"):
            assert container.labels[f"{LABEL}.{key}"]


def test_an_operation_posted_twice_is_applied_once_and_arrived_twice(up: Up):
    for _ in range(2):
        status, body, _ = up.ask("POST", "/operations", X_Operation_Id="twice")
        assert (status, body) == (200, "operation twice applied")
    up.ask("POST", "/operations", X_Operation_Id="once")
    found = up.stack.operations()
    assert (found.applied["twice"], found.arrived["twice"]) == (1, 2)
    assert (found.applied["once"], found.arrived["once"]) == (1, 1)


def test_logs_are_gathered_from_every_component(up: Up, tmp_path):
    up.ask("GET", "/", X_Request_Id="seen-everywhere")
    up.stack.gather(tmp_path / "logs")
    for name in ("nginx.jsonl", "haproxy.log", "website-1.jsonl"):
        assert "seen-everywhere" in (tmp_path / "logs" / name).read_text(), name
    assert not (tmp_path / "logs" / "gathering-errors.txt").exists()


@pytest.mark.parametrize("behind_its_back", [(), ("website-1", "store")], ids=["whole", "robbed"])
def test_down_leaves_nothing_and_can_be_repeated(engine, tmp_path, behind_its_back):
    with brought_up(engine, tmp_path) as up:
        assert left(engine, up.run)
        for name in behind_its_back:
            components(engine, up.run)[name].remove(force=True)
        up.stack.down()
        assert left(engine, up.run) == []
        up.stack.down()
        assert left(engine, up.run) == []
