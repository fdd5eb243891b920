"""The stack with a follower: who may ask the engine, what is shared, what HAProxy waits for."""

import pytest
from fake_haproxy import FakeHaproxy
from manual_time import ManualTime
from whole import stack

from harness.follower.configuration import marker
from harness.model.errors import MissingEvidenceError
from harness.stack.balancer import Balancer
from harness.stack.followed import CONTEXTS, SOCKET, Followed
from harness.stack.modes import MODES
from harness.stack.owner import LABEL
from harness.stack.runtime_api import RuntimeApi
from harness.target import Instance


@pytest.fixture
def boxes(engine, timeline):
    """The containers' specs by name, of a stack that is up, and its engine."""
    haproxy = engine.haproxy

    def follower_told(_):
        haproxy.address["slot1"], haproxy.status["slot1"] = "10.9.8.7:8000", "UP"
        haproxy.check["slot1"] = "L7OK"

    haproxy.before = follower_told
    whole = stack(discovery="follower")
    whole.up(timeline)
    yield {box.labels[f"{LABEL}.instance"]: box.spec for box in engine.boxes.values()}
    whole.down()
    assert {"engine-filter", "follower", "balancer"} <= set(engine.removed)


def test_the_engines_socket_is_the_filters_alone(boxes):
    has_it = {
        name for name, spec in boxes.items() if any("docker.sock" in each for each in spec.volumes)
    }
    assert has_it == {"engine-filter"}


def test_nothing_of_it_is_published(boxes):
    assert [name for name, spec in boxes.items() if spec.ports] == ["edge"]


def test_the_filter_and_the_follower_share_a_socket_and_the_follower_and_the_balancer_a_folder(
    boxes,
):
    def at(name, folder):
        [volume] = [source for source, where in boxes[name].volumes.items() if where == folder]
        return volume

    assert at("engine-filter", "/run/engine") == at("follower", "/run/engine")
    assert at("balancer", "/run/follower") == at("follower", "/run/follower")
    assert boxes["follower"].environment["FOLDER"] == "/run/follower"


def test_the_balancer_waits_for_the_configuration_that_the_follower_writes(boxes):
    assert boxes["balancer"].shell.endswith(
        "until [ -f /run/follower/haproxy.cfg ]; do sleep 0.05; done; exec haproxy -W -db "
        "-S /run/follower/master.sock,mode,600 -f /run/follower/haproxy.cfg "
        "3>>/var/log/harness/haproxy.log"
    )


def test_the_follower_is_given_the_stacks_own_configuration(boxes):
    given = boxes["follower"].environment
    assert marker("website") in given["TEMPLATE"].splitlines()
    assert f"stats socket {SOCKET} " in given["TEMPLATE"]
    assert (given["SERVICES"], given["PORT"], given["SLOTS"]) == ("website", "8000", "4")


def test_the_websites_containers_alone_are_to_be_followed(boxes):
    followed = {name for name, spec in boxes.items() if "harness.follow" in spec.labels}
    assert followed == {"website-1"}


def test_by_no_other_mode_is_anybody_given_the_engines_socket(engine, timeline):
    whole = stack()
    whole.up(timeline)
    assert not [
        box for box in engine.boxes.values() if any("docker.sock" in v for v in box.spec.volumes)
    ]
    assert not [box for box in engine.boxes.values() if "harness.follow" in box.spec.labels]
    whole.down()


def test_each_image_has_its_folder():
    assert all((context / "Dockerfile").is_file() for context in CONTEXTS.values())


def test_nobody_else_drains_what_the_follower_does():
    discovery = MODES["follower"].discovery(None, 1, 8000)
    assert isinstance(discovery, Followed)
    with pytest.raises(MissingEvidenceError, match="website-1 is drained by the follower alone"):
        discovery.drain(Instance(name="website-1", release="v1"), 1.0)


def test_a_slot_in_maintenance_that_had_the_address_before_is_not_taken_for_it():
    """The engine gives a new container the address of one that is gone."""
    haproxy = FakeHaproxy("slot1", "slot2")
    haproxy.address = dict.fromkeys(("slot1", "slot2"), "10.0.0.1:8000")
    haproxy.status["slot2"], haproxy.check["slot2"] = "UP", "L7OK"
    discovery = Followed(Balancer(RuntimeApi(haproxy), ManualTime()), 8000)
    one = Instance(name="website-3", release="v1")
    discovery.offer(one, "10.0.0.1")
    assert discovery.answers(one)
    haproxy.status["slot2"] = "MAINT"
    assert not discovery.answers(one)
