"""The ways to the stack: the edge's own address or its published port, the Runtime API's socket
or a command in the container, a base image that is here or pulled. Users' machines have each.
"""

import io
import socket
import tarfile
import threading

import pytest
from fake_engine import FakeContainer, api_error, archive
from fake_haproxy import FakeHaproxy
from whole import OWN, PORTS, BalancerBox, FakeNetwork, stack

from harness.model.errors import MissingEvidenceError, NotJudgedError, ReleaseError
from harness.stack import paths, reach, website
from harness.stack import stack as module
from harness.stack.owner import LABEL
from harness.stack.runtime_api import RuntimeApi
from harness.stack.variation import Variation
from harness.target import Endpoint


def edge(**settings):
    return FakeContainer("edge", **({"ip": OWN, "ports": PORTS} | settings))


def test_the_edges_own_address_is_measured_where_it_can_be_reached(reachable, timeline):
    reachable((OWN, 80))
    whole = stack()
    ca = whole._certificates.first.authority
    assert whole._reachable(edge(), timeline) == Endpoint(
        host=OWN, port=80, path="edge", tls_port=443, ca=ca
    )
    assert ca.startswith("-----BEGIN CERTIFICATE-----")
    assert ca != stack()._certificates.first.authority, "an authority lives as long as its run"


@pytest.mark.parametrize("ip", [OWN, ""])
def test_elsewhere_it_is_the_published_loopback_port_and_said_so(reachable, timeline, ip):
    """Docker Desktop: containers' addresses are another machine's."""
    reachable()
    whole = stack()
    assert whole._reachable(edge(ip=ip), timeline) == Endpoint(
        host="127.0.0.1",
        port=49153,
        path="published",
        tls_port=49154,
        ca=whole._certificates.first.authority,
    )


def test_the_published_path_that_was_asked_for_is_taken_without_a_look(reachable, timeline):
    tried = reachable((OWN, 80))
    endpoint = stack(path="published")._reachable(edge(), timeline)
    assert (endpoint.path, endpoint.port, tried) == ("published", 49153, [])


def test_the_edge_path_that_was_asked_for_is_never_replaced(reachable, timeline):
    reachable()
    with pytest.raises(NotJudgedError, match=rf"address {OWN} cannot be reached.*--path published"):
        stack(path="edge")._reachable(edge(), timeline)


@pytest.mark.parametrize("path", ["auto", "edge", "published"])
def test_an_edge_that_exited_is_told_with_its_last_lines(reachable, timeline, path):
    reachable()
    box = edge(status="exited", printed=b"nginx: [emerg] no such directive\n")
    with pytest.raises(NotJudgedError, match=r"(?s)nginx did not start.*no such directive"):
        stack(path=path)._reachable(box, timeline)


def test_an_image_of_ones_own_that_does_not_start_is_named_with_what_it_must_have(
    reachable, timeline
):
    reachable()
    whole = stack(images={"edge": "shop/edge:1"})
    with pytest.raises(NotJudgedError) as info:
        whole._reachable(edge(status="exited", printed=b""), timeline)
    assert str(info.value) == (
        "edge: nginx did not start; it printed nothing\n"
        "shop/edge:1 must have nginx and /bin/sh: name another image in [tool.harness.images] "
        "edge, or leave it out"
    )


def test_an_edge_that_is_still_starting_is_waited_for(monkeypatch, timeline, clock):
    begun_ns = clock.now_ns()
    monkeypatch.setattr(reach, "_accepts", lambda *_: clock.now_ns() - begun_ns > 4_500_000_000)
    assert stack()._reachable(edge(), timeline).path == "edge"


@pytest.mark.parametrize(("answer", "waited_s"), [(None, 2), (False, 5)])
def test_an_address_that_refuses_can_be_reached_and_is_waited_for_longer(
    monkeypatch, timeline, clock, answer, waited_s
):
    monkeypatch.setattr(reach, "_accepts", lambda *_: answer)
    assert stack()._reachable(edge(), timeline).path == "published"
    assert clock.slept_s == pytest.approx(waited_s, abs=0.1)


def test_a_bare_connection_tells_whether_somebody_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert reach._accepts("127.0.0.1", port) is True
    assert reach._accepts("127.0.0.1", port) is False


def test_where_the_socket_does_not_cross_the_mount_commands_go_by_exec(tmp_path, timeline):
    haproxy = FakeHaproxy("slot1")
    way = paths.to_balancer(BalancerBox("b", haproxy), tmp_path / "admin.sock", timeline.clock)
    assert RuntimeApi(way).servers()["slot1"].status == "MAINT"
    assert len(haproxy.commands) == 2


def test_where_the_socket_answers_no_command_goes_by_exec(tmp_path, timeline, monkeypatch):
    haproxy, box = FakeHaproxy("slot1"), FakeContainer("balancer")
    monkeypatch.setattr(paths.SocketTransport, "__call__", lambda _, command: haproxy(command))
    way = paths.to_balancer(box, tmp_path / "admin.sock", timeline.clock)
    assert RuntimeApi(way).algorithm() == "leastconn"
    assert box.calls == []


def test_a_haproxy_that_exited_is_told_with_its_last_lines(tmp_path, timeline):
    box = FakeContainer("b", status="exited", printed=b"[ALERT] parsing [haproxy.cfg:31]\n")
    with pytest.raises(NotJudgedError, match=r"(?s)haproxy did not start.*haproxy.cfg:31"):
        paths.to_balancer(box, tmp_path / "admin.sock", timeline.clock)


def test_a_stack_comes_up_with_a_pulled_base_commands_by_exec_and_a_published_port(
    engine, timeline
):
    whole = stack()
    endpoint = whole.up(timeline)
    assert (endpoint.host, endpoint.port, endpoint.path) == ("127.0.0.1", 49153, "published")
    assert engine.images.pulled == ["debian:trixie-slim"]
    assert len(engine.images.built) == 5
    assert [instance.release for instance in whole.stage().running()] == ["v1"]
    environment = whole.environment()
    assert environment["engine_version"] == "28.0"
    assert environment["balancer_version"] == "HAProxy version 3.0.11"
    assert environment["algorithm_running"] == "leastconn"
    assert environment["image_v1"].startswith("harness-website:")
    whole.down()


def test_of_an_engine_elsewhere_neither_addresses_nor_folders_are_tried(
    engine, timeline, reachable, monkeypatch, clock
):
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.9.8.7:2375")
    tried = reachable((OWN, 80))
    whole = stack(control=True)
    endpoint = whole.up(timeline)
    assert (endpoint.host, endpoint.port, endpoint.path) == ("10.9.8.7", 49153, "published")
    assert settled(whole).host == "10.9.8.7"
    assert (tried, clock.slept_s) == ([], 0)
    boxes = {box.labels[f"{LABEL}.instance"]: box.spec for box in engine.boxes.values()}
    assert {name for name, spec in boxes.items() if spec.bind == "0.0.0.0" and spec.ports} == {
        "edge",
        "control",
    }
    balancer = boxes["balancer"]
    assert balancer.shell.startswith("mkdir -p /run/harness && ")
    assert set(balancer.volumes) == {"harness-r1-logs"}
    whole.down()


def test_the_setting_host_says_where_a_socket_leads(engine, timeline, monkeypatch):
    """A pipeline's container has its machine's socket, and another loopback."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    whole = stack(host="10.9.8.7")
    assert whole.up(timeline).host == "10.9.8.7"
    whole.down()


def test_the_edge_path_of_an_engine_elsewhere_is_refused_at_once(engine, timeline, clock):
    whole = stack(host="10.9.8.7", path="edge")
    with pytest.raises(NotJudgedError, match="or a remote engine"):
        whole.up(timeline)
    assert clock.slept_s == 0
    whole.down()


def test_nothing_but_the_edge_is_published(engine, timeline):
    whole = stack(edge_port=8088)
    whole.up(timeline)
    ports = {box.labels[f"{LABEL}.instance"]: box.spec.ports for box in engine.boxes.values()}
    assert {name: given for name, given in ports.items() if given} == {"edge": {80: 8088, 443: 0}}
    whole.down()


def test_everything_carries_the_owners_labels(engine, timeline):
    whole = stack()
    whole.up(timeline)
    labelled = [
        *(box.spec.labels for box in engine.boxes.values()),
        engine.things["volume"].attrs["Labels"],
        engine.things["network"].labels,
    ]
    for labels in labelled:
        assert labels[LABEL] == "r1"
        assert {f"{LABEL}.{key}" for key in ("pid", "boot", "namespace", "folder")} <= set(labels)
    whole.down()


def test_down_removes_in_reverse_and_only_once(engine, timeline):
    whole = stack()
    whole.up(timeline)
    whole.down()
    whole.down()
    assert engine.removed == [
        "edge",
        "website-1",
        "balancer",
        "store",
        "watch",
        "volume",
        "network",
    ]
    assert engine.closed == 1


def test_an_error_in_one_removal_stops_none_of_the_others_and_is_raised(engine, timeline):
    whole = stack()
    whole.up(timeline)
    engine.boxes["harness-r1-balancer"].errors["remove"] = api_error(500, "driver failed")
    engine.boxes["harness-r1-edge"].errors["remove"] = api_error(404, "no such container")
    with pytest.raises(Exception, match="driver failed"):
        whole.down()
    assert engine.removed[-4:] == ["store", "watch", "volume", "network"]
    assert engine.closed == 1


def test_an_interrupt_in_a_removal_has_it_done_again(engine, timeline):
    whole = stack()
    whole.up(timeline)
    box = engine.boxes["harness-r1-balancer"]
    remove, interrupts = box.remove, [KeyboardInterrupt()]

    def interrupted(**options):
        if interrupts:
            raise interrupts.pop()
        remove(**options)

    box.remove = interrupted
    with pytest.raises(KeyboardInterrupt):
        whole.down()
    assert engine.removed.count("balancer") == 1
    assert engine.removed[-1] == "network"


def test_an_old_release_that_does_not_start_is_not_judged_and_is_taken_down(
    engine, timeline, monkeypatch
):
    whole = stack()
    engine.haproxy.before = lambda _: None
    original = engine.launch

    def exits(spec, network):
        box = original(spec, network)
        box.status, box.printed = "exited", b"ImportError\n"
        return box

    monkeypatch.setattr(website, "launch", exits)
    with pytest.raises(NotJudgedError, match=r"(?s)old release did not start.*ImportError") as info:
        whole.up(timeline)
    assert isinstance(info.value.__cause__, ReleaseError)
    whole.down()
    assert engine.removed == ["website-1", "balancer", "store", "watch", "volume", "network"]


def test_down_after_an_up_that_found_no_engine_is_quiet(monkeypatch, timeline):
    def none():
        raise NotJudgedError("engine: none")

    monkeypatch.setattr(module, "connect", none)
    whole = stack()
    with pytest.raises(NotJudgedError):
        whole.up(timeline)
    whole.down()
    assert whole.environment() == {}


def test_images_of_ones_own_replace_those_that_are_built(engine, timeline):
    engine.images.registry |= {"localhost:5000/edge:1", "shop:1", "shop:2"}
    whole = stack(images={"edge": "localhost:5000/edge:1", "v1": "shop:1", "v2": "shop:2"})
    whole.up(timeline)
    assert {build["tag"].partition(":")[0] for build in engine.images.built} == {
        "harness-balancer",
        "harness-store",
    }
    assert engine.boxes["harness-r1-edge"].spec.image == "localhost:5000/edge:1"
    assert engine.boxes["harness-r1-website-1"].spec.image == "shop:1"
    whole.down()


def puts(engine):
    calls = engine.boxes["harness-r1-edge"].calls
    return [call for call in calls if call[0] == "put_archive"]


def test_a_release_publishes_its_assets_from_a_container_that_never_runs(engine, timeline):
    whole = stack()
    whole.up(timeline)
    [(_, folder, data)] = puts(engine)
    assert (folder, data[:15]) == ("/srv", b"assets/site.css")
    whole.stage().publish("v2")
    assert len(puts(engine)) == 2
    assert engine.holders == []
    whole.down()


def test_a_file_that_is_published_is_not_written_again_while_nginx_may_read_it(
    engine, timeline, monkeypatch
):
    files = {"assets/a.css": b"a", "assets/b.css": b"b"}
    held = list(files.items())[:1]
    monkeypatch.setattr(
        FakeContainer, "get_archive", lambda *_: (iter([archive(held)]), {}), raising=True
    )
    whole = stack()
    whole.up(timeline)
    held = list(files.items())
    whole.stage().publish("v2")
    whole.stage().publish("v2")
    assert [names_in(data) for _, _, data in puts(engine)] == [["assets/a.css"], ["assets/b.css"]]
    held = [("assets/a.css", b"another")]
    whole.stage().publish("v1")
    assert len(puts(engine)) == 3
    whole.down()


def names_in(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return tar.getnames()


def test_an_image_without_assets_publishes_none(engine, timeline, monkeypatch):
    def nothing(_self, _path):
        raise api_error(404, "no such file")

    monkeypatch.setattr(FakeContainer, "get_archive", nothing)
    whole = stack()
    whole.up(timeline)
    assert puts(engine) == []
    assert engine.holders == []
    whole.down()


def test_another_edge_has_what_was_published_before_it_and_what_comes_after(engine, timeline):
    whole = stack(variation=Variation(name="two", edge_cpus=0.5))
    whole.up(timeline)
    assert whole.stage().proxies().another("edge") == "edge-2"
    second = engine.boxes["harness-r1-edge-2"]
    assert len([call for call in second.calls if call[0] == "put_archive"]) == 1
    whole.stage().publish("v2")
    for name in ("edge", "edge-2"):
        box = engine.boxes[f"harness-r1-{name}"]
        assert len([call for call in box.calls if call[0] == "put_archive"]) == 2
        assert box.spec.cpus == 0.5
    whole.down()


def test_a_network_that_the_engine_has_no_room_for_names_the_remedy(engine, timeline, monkeypatch):
    def full(_):
        raise api_error(404, "could not find an available, non-overlapping IPv4 address pool")

    monkeypatch.setattr(FakeNetwork, "create", full)
    whole = stack()
    with pytest.raises(NotJudgedError, match="`harness clean` removes what dead runs left"):
        whole.up(timeline)
    whole.down()
    assert engine.removed == []


def test_an_unknown_algorithm_is_refused_before_anything_starts():
    with pytest.raises(NotJudgedError, match="choose one of"):
        stack(algorithm="fastest")


def test_a_stack_that_is_not_up_has_no_stage():
    with pytest.raises(NotJudgedError, match="not up"):
        stack().stage()


def settled(whole):
    assert whole._stub is not None
    whole._stub.settled()
    return whole.control()


def test_the_controls_stub_is_of_the_edges_image_and_reached_as_the_edge_is(engine, timeline):
    whole = stack(control=True)
    endpoint = whole.up(timeline)
    where = settled(whole)
    assert (where.host, where.path, where.port) == ("127.0.0.1", "published", 49153)
    assert where.path == endpoint.path
    box = engine.boxes["harness-r1-control"]
    assert box.spec.image == engine.boxes["harness-r1-edge"].spec.image
    assert box.spec.ports == {80: 0}
    assert box.spec.volumes == {}
    assert "access_log off" in box.spec.environment["NGINX_CONF"]
    assert box.spec.labels[LABEL] == "r1"
    whole.down()
    assert "control" in engine.removed
    assert engine.removed[-2:] == ["volume", "network"]


def test_a_stub_that_does_not_start_leaves_the_stack_as_it_is(engine, timeline, monkeypatch):
    original = engine.launch

    def refuses(spec, network):
        if spec.name.endswith("-control"):
            raise NotJudgedError("control: refused")
        return original(spec, network)

    monkeypatch.setattr(module, "launch", refuses)
    whole = stack(control=True)
    whole.up(timeline)
    with pytest.raises(MissingEvidenceError, match=r"stub did not come up: control: refused"):
        settled(whole)
    engine.boxes["harness-r1-control"] = FakeContainer("gone")
    whole.down()
    assert engine.removed[-1] == "network"


def test_without_a_control_there_is_no_stub(engine, timeline):
    whole = stack()
    whole.up(timeline)
    assert whole.control() is None
    assert "harness-r1-control" not in engine.boxes
    whole.down()


def test_a_stub_that_hangs_does_not_keep_the_stack_up(engine, timeline, monkeypatch):
    go_on, original = threading.Event(), engine.launch

    def hangs(spec, network):
        if spec.name.endswith("-control"):
            go_on.wait(20)
            raise NotJudgedError("control: at last")
        return original(spec, network)

    monkeypatch.setattr(module, "launch", hangs)
    monkeypatch.setattr(module.control, "_SETTLED_S", 0.05)
    whole = stack(control=True)
    whole.up(timeline)
    engine.boxes["harness-r1-control"] = FakeContainer("gone")
    whole.down()
    assert whole._stub._thread.is_alive()
    assert engine.removed[-1] == "network"
    go_on.set()
    whole._stub._thread.join(20)


def test_what_a_stub_makes_while_the_stack_goes_down_is_removed_too(engine, timeline, monkeypatch):
    go_on, original, settle = threading.Event(), engine.launch, module.control.Stub.settled

    def late(spec, network):
        if spec.name.endswith("-control"):
            go_on.wait(20)
        return original(spec, network)

    def settled_at_last(stub):
        go_on.set()
        settle(stub)

    monkeypatch.setattr(module, "launch", late)
    monkeypatch.setattr(module.control.Stub, "settled", settled_at_last)
    whole = stack(control=True)
    whole.up(timeline)
    whole.down()
    assert "control" in engine.removed
