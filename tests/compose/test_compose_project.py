"""What a Compose file says: who gets the load, and what cannot be brought up beside what runs."""

import pytest
from projects import DIRECT, PROXIED, changed

from harness.model.errors import NotJudgedError
from harness.stack.compose.project import Front, Port, front_of, project_of, refusals


def front(told, service="website", wanted=""):
    project = project_of(told)
    return front_of(project, project.service(service, said="service"), wanted)


def refused(told, wanted="", *, service="website", scales=False):
    project = project_of(told)
    swapped = project.service(service, said="service")
    return list(refusals(project, swapped, front_of(project, swapped, wanted), scales=scales))


def test_services_are_read_with_what_matters_of_them():
    found = project_of(PROXIED)
    website, store = found.services["website"], found.services["store"]
    assert (website.image, website.is_built, website.replicas) == ("my/app:1", True, 2)
    assert store.container_name == "my-redis"
    assert found.services["front"].ports == (Port(target=80), Port(target=53, protocol="udp"))
    assert [(each.key, each.name) for each in found.volumes] == [("data", "precious")]


@pytest.mark.parametrize("told", [{}, {"services": None}, {"services": {}, "networks": None}])
def test_a_project_without_services_has_none(told):
    with pytest.raises(NotJudgedError, match="there is no service 'web'; active are: none"):
        project_of(told).service("web", said="service")


def test_a_service_that_is_not_there_gets_the_nearest_and_the_list():
    with pytest.raises(NotJudgedError) as caught:
        project_of(PROXIED).service("websit", said="service")
    assert str(caught.value) == (
        "compose: service: there is no service 'websit'; active are: front, store, website; did "
        "you mean 'website'? (a service of a profile needs COMPOSE_PROFILES)"
    )


def test_the_only_service_that_publishes_is_the_front():
    assert front(PROXIED) == Front(service="front", port=80)


def test_the_swapped_service_is_its_own_front_where_it_publishes():
    told = changed(PROXIED, "website", ports=[{"target": 8000}])
    assert front(told) == Front(service="website", port=8000)
    assert front(told, wanted="front") == Front(service="front", port=80)


def test_a_named_port_need_not_be_published():
    assert front(PROXIED, wanted="website:8000") == Front(service="website", port=8000)


@pytest.mark.parametrize(
    ("told", "wanted", "said"),
    [
        (
            changed(PROXIED, "front", ports=None),
            "",
            (
                "compose: no service publishes a port, so nothing gets the load; give one "
                "`ports:`, or say which port of which service gets it: --front SERVICE:PORT"
            ),
        ),
        (
            changed(PROXIED, "store", ports=[{"target": 6379}]),
            "",
            (
                "compose: several services publish a port (front:80, store:6379); say "
                "which gets the load: --front front:80"
            ),
        ),
        (
            changed(PROXIED, "front", ports=[{"target": 80}, {"target": 443}]),
            "",
            (
                "compose: service 'front' publishes several ports (80, 443); say which "
                "gets the load: --front front:80"
            ),
        ),
        (
            PROXIED,
            "store",
            (
                "compose: service 'store' publishes no port; say which port of it gets the load: "
                "--front store:PORT"
            ),
        ),
        (PROXIED, "edge", "compose: front 'edge': there is no service 'edge'; active are: front"),
        (PROXIED, "front:http", "compose: front 'front:http': 'http' is no port"),
        (PROXIED, "front:0", "compose: front 'front:0': '0' is no port"),
        (PROXIED, "front:65536", "compose: front 'front:65536': '65536' is no port"),
        (PROXIED, "front:²", "compose: front 'front:²': '²' is no port"),
    ],
)
def test_a_front_that_is_not_told_is_asked_for(told, wanted, said):
    with pytest.raises(NotJudgedError) as caught:
        front(told, wanted=wanted)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("scales", [False, True])
def test_a_proxied_service_can_be_swapped_either_way(scales):
    assert refused(PROXIED, scales=scales) == []


def test_a_service_that_is_its_own_front_cannot_run_twice():
    assert refused(DIRECT) == []
    [line] = refused(DIRECT, scales=True)
    assert line.startswith("swap scale-then-stop runs two containers of 'website', and only one")
    assert "choose --swap recreate" in line


@pytest.mark.parametrize("address", ["ipv4_address", "ipv6_address"])
def test_a_service_with_a_fixed_address_cannot_run_twice(address):
    told = changed(PROXIED, "website", networks={"default": {address: "10.0.0.7"}})
    assert refused(told) == []
    [line] = refused(told, scales=True)
    assert "whose address on network 'default' is fixed" in line


def test_what_would_reach_beyond_the_project_is_refused_a_line_each():
    told = changed(PROXIED, "front", network_mode="host", networks=None)
    told["networks"]["default"] |= {"external": True, "name": "web"}
    told["volumes"]["data"]["external"] = True
    host, network, volume = refused(told)
    assert host.startswith("service 'front' has network_mode: host, so it would listen on this")
    assert network.startswith("network 'default' is external (web): what runs there would answer")
    assert volume == (
        "volume 'data' is external (precious): the load would write into it; make it the project's "
        "own in a file beside (`volumes: {data: !override {}}`) and name both: "
        "--compose compose.yaml:beside.yaml"
    )


def test_a_front_of_several_replicas_is_refused():
    [line] = refused(changed(PROXIED, "front", deploy={"replicas": 3}))
    assert line.startswith("service 'front' has 3 replicas, and only one of them can have")


def test_a_service_without_replicas_is_refused():
    [line] = refused(changed(PROXIED, "website", deploy={"replicas": 0}))
    assert line == "service 'website' has no replica, so there is nothing to swap"
    assert project_of(changed(PROXIED, "front", scale=0)).services["front"].replicas == 0
