"""Where an engine's published ports are, and where they are published."""

from dataclasses import replace

import pytest
from test_stack_containers import SPEC, Unit

from harness.model.errors import NotJudgedError
from harness.stack import containers
from harness.stack.containers import launch
from harness.stack.engine_host import LOOPBACK, engine_host


@pytest.mark.parametrize(
    "docker_host",
    [
        "",
        "unix:///var/run/docker.sock",
        "unix://docker/run.sock",
        "npipe:////./pipe/docker_engine",
        "tcp://127.0.0.1:2375",
        "tcp://127.0.1.1:2375",
        "tcp://localhost:2375",
        "tcp://[::1]:2375",
        "nonsense://10.9.8.7",
        "tcp://[broken",
    ],
)
def test_an_engine_on_this_machine_is_on_loopback(docker_host):
    assert engine_host("", {"DOCKER_HOST": docker_host}) is LOOPBACK


@pytest.mark.parametrize(
    ("docker_host", "address"),
    [
        ("tcp://10.9.8.7:2375", "10.9.8.7"),
        ("https://10.9.8.7:2376", "10.9.8.7"),
        ("ssh://deployer@10.9.8.7", "10.9.8.7"),
        ("tcp://[fd00::7]:2375", "fd00::7"),
    ],
)
def test_an_engine_elsewhere_is_where_docker_host_says_and_publishes_beyond_its_loopback(
    docker_host, address
):
    found = engine_host("", {"DOCKER_HOST": docker_host})
    assert (found.address, found.bind, found.is_local) == (address, "0.0.0.0", False)


def test_the_setting_wins_over_docker_host():
    """A tunnel to an engine elsewhere ends on loopback; a socket may be that of another machine."""
    assert engine_host("127.0.0.1", {"DOCKER_HOST": "tcp://10.9.8.7:2375"}) is LOOPBACK
    assert engine_host("10.1.1.1", {"DOCKER_HOST": ""}).address == "10.1.1.1"


def test_a_host_without_an_address_is_named_with_the_remedy():
    with pytest.raises(NotJudgedError) as caught:
        engine_host("no-such-engine.invalid", {})
    assert str(caught.value) == (
        "host: no address is known of 'no-such-engine.invalid', where the engine's ports are "
        "published; name another one with --host"
    )


@pytest.mark.parametrize("bind", ["127.0.0.1", "0.0.0.0"])
def test_ports_are_published_on_that_address_alone(monkeypatch, bind):
    made = Unit(None, None)
    monkeypatch.setattr(containers, "DockerContainer", made)
    launch(replace(SPEC, ports={80: 0, 443: 8443}, bind=bind), None)
    assert made.ports == {"80/tcp": (bind, None), "443/tcp": (bind, 8443)}
