"""The follower on a real engine: what its filter lets through, what it tells HAProxy, and when."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from left import left
from running import eventually
from stacks import Up, brought_up

from harness.follower.configuration import rendered, servers, template
from harness.follower.settings import settings_of
from harness.stack.containers import run_in
from harness.stack.owner import LABEL
from harness.stack.runtime_api import RuntimeApi, SocketTransport
from harness.swap import named
from harness.swap.strategy import Steps
from harness.timeline import SystemTime, Timeline

pytestmark = pytest.mark.engine

OLD_IMAGE = {
    "BALANCE": "leastconn",
    "HTTP_CHECK": r"HEAD /ready HTTP/1.1\r\nHost:\ www.example.com",
    "OPTION": "redispatch, forwardfor",
    "TIMEOUT": "connect 5000, client 50000, server 50000",
    "COOKIE": "SRV insert indirect nocache",
    "MAXCONN": "4096",
    "SERVICES": "website, blog",
    "BLOG_VIRTUAL_HOST": "https://*.example.com/blog/*, blog.example.com:80",
    "BLOG_VIRTUAL_HOST_WEIGHT": "2",
    "BLOG_FORCE_SSL": "true",
    "STATS_AUTH": "me:secret",
    "EXTRA_SETTINGS": r"http-response add-header X-A a\,b, fullconn 20",
    "EXTRA_GLOBAL_SETTINGS": "nbthread 2",
    "SLOWSTART": "2s",
}


@pytest.fixture(scope="module")
def up(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with brought_up(engine, tmp_path_factory.mktemp("followed"), discovery="follower") as found:
        yield found


def box(engine: docker.DockerClient, up: Up, name: str) -> Any:
    labels = [f"{LABEL}={up.run}", f"{LABEL}.instance={name}"]
    [found] = engine.containers.list(all=True, filters={"label": labels})
    return found


def answered(engine: docker.DockerClient, up: Up, request: str) -> str:
    """The status that the filter answers to `METHOD PATH` with."""
    shell = (
        f"printf '{request} HTTP/1.1\\r\\nHost: engine\\r\\nConnection: close\\r\\n"
        "Content-Length: 0\\r\\n\\r\\n' | socat -t 2 stdio UNIX-CONNECT:/run/engine/engine.sock"
    )
    # Read to its end: socat complains where nobody takes the rest.
    code, told = run_in(box(engine, up, "engine-filter"), ["/bin/sh", "-c", shell])
    assert code == 0, told
    version, status, *_ = told.split()
    assert version.startswith("HTTP/1."), told
    return status


@pytest.mark.parametrize("request_", ["GET /containers/json", "GET /v1.41/containers/json?all=1"])
def test_the_filter_lets_the_followers_calls_through(engine, up, request_):
    assert answered(engine, up, request_) == "200"


@pytest.mark.parametrize(
    "request_",
    [
        "POST /containers/website/stop",
        "POST /containers/json",
        "DELETE /v1.41/containers/website",
        "GET /containers/website/json",
        "GET /containers/website/archive?path=/",
        "GET /images/json",
        "GET /info",
        "GET /containers/json/../../info",
        "GET //info",
        "HEAD /events",
    ],
)
def test_and_nothing_else(engine, up, request_):
    assert answered(engine, up, request_) == "403"


def test_the_engines_socket_is_mounted_into_the_filter_alone(engine, up):
    labels = {"label": f"{LABEL}={up.run}"}
    mounted = {
        each.labels[f"{LABEL}.instance"]
        for each in engine.containers.list(filters=labels)
        if any("docker.sock" in mount["Source"] for mount in each.attrs["Mounts"])
    }
    assert mounted == {"engine-filter"}


def test_a_container_that_is_told_to_stop_is_drained_before_it_is_gone(engine, tmp_path):
    """And the new one got no request before HAProxy's own check had passed."""
    with brought_up(engine, tmp_path, discovery="follower") as up:
        timeline = Timeline(tmp_path / "follow.jsonl", SystemTime())
        try:
            steps = Steps(timeline, swap=1, old="v1", new="v2")
            named("follow").replace(up.stack.stage(), steps)
        finally:
            timeline.close()
        assert up.ask("GET", "/")[2]["x-release"] == "v2"
        eventually(
            lambda: "(gone)" in box(engine, up, "follower").logs().decode(), "the old one cleared"
        )
        said = box(engine, up, "follower").logs().decode()
        places = [
            said.index(f"website-{number} at slot{number}: {what}")
            for number, what in ((1, "ready"), (2, "offered"), (2, "ready"), (1, "draining"))
        ]
        assert places == sorted(places), said
    assert left(engine, up.run) == []


def test_a_reload_begins_with_the_servers_that_serve(engine, up):
    [folder] = {each.labels[f"{LABEL}.folder"] for each in up.stack.stage().containers()}
    api = RuntimeApi(SocketTransport(Path(folder) / "admin.sock"))
    before = {each.address for each in api.servers().values() if each.is_up}
    assert before
    pid = api.command("show info").split("Pid: ")[1].split()[0]
    code, told = run_in(box(engine, up, "balancer"), ["/bin/sh", "-c", "kill -USR2 1"])
    assert code == 0, told
    eventually(
        lambda: api.command("show info").split("Pid: ")[1].split()[0] != pid, "a new process"
    )
    assert {each.address for each in api.servers().values() if each.is_up} == before
    assert up.ask("GET", "/")[0] == 200


@pytest.mark.parametrize("settings", [{}, OLD_IMAGE], ids=["plain", "the old image's settings"])
def test_haproxy_takes_the_configuration_that_settings_make(engine, up, settings):
    made = settings_of(settings, {})
    lines = {pool.service: servers(pool, {"slot2": "127.0.0.1:8000"}) for pool in made.pools}
    shell = 'printf %s "$1" > /tmp/tried.cfg && haproxy -c -f /tmp/tried.cfg'
    command = ["/bin/sh", "-c", shell, "sh", rendered(template(made), lines)]
    code, told = run_in(box(engine, up, "balancer"), command)
    assert code == 0, told
    assert "WARNING" not in told, told
