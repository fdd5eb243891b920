"""An engine that is taken for one elsewhere, as it is from within a container."""

import docker
import pytest
from left import left

from harness.stack.owner import LABEL

pytestmark = [pytest.mark.engine, pytest.mark.alone]


@pytest.fixture
def bridge(engine: docker.DockerClient) -> str:
    """This machine's own address there: not its loopback, and reachable by published ports."""
    [settings] = engine.networks.get("bridge").attrs["IPAM"]["Config"]
    return settings["Gateway"]


@pytest.mark.parametrize("swap", ["drain", "reload"])
def test_a_swap_is_judged_by_published_ports_and_commands_in_containers(
    engine, verify, bridge, swap
):
    run = verify("--host", bridge, "--swap", swap)
    run.wait_for("steady")
    boxes = engine.containers.list(filters={"label": f"{LABEL}={run.name()}"})
    published = {
        box.labels[f"{LABEL}.instance"]: {bound["HostIp"] for bound in ports}
        for box in boxes
        for ports in box.attrs["NetworkSettings"]["Ports"].values()
        if ports
    }
    assert published == {"edge": {"0.0.0.0"}, "control": {"0.0.0.0"}}
    # How slow answers were is not this test's matter: each passes the engine's proxy here.
    assert run.end() in {0, 1, 3}, run.said()
    failed = {one["check"] for one in run.result()["findings"] if one["verdict"] == "fail"}
    assert failed <= {"latency"}, run.said()
    for check in ("no_failed_request", "replaced", "writes", "answered", "recorded"):
        assert run.finding(check)["verdict"] == "pass", run.said()
    assert run.result()["environment"]["path"] == "published"
    assert run.result()["control"] is not None
    assert left(engine, run.name()) == []
