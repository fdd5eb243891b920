"""Instances that exit where nobody looks: who is blamed, and what serves afterwards."""

import docker.errors
import pytest
import requests
from fake_engine import api_error

from harness.model.errors import MissingEvidenceError, ReleaseError
from harness.swap.drain import Drain
from harness.swap.moves import back_to
from harness.swap.rolling import Rolling
from harness.swap.strategy import Steps
from harness.target import Instance
from harness.timeline import Timeline


def ends(place, instance, code=137):
    """The engine takes the address of a container away as it exits."""
    box = place.boxes[instance.name]
    box.status = "exited"
    box.attrs["State"]["ExitCode"] = code
    box.attrs["NetworkSettings"]["Networks"]["run"]["IPAddress"] = ""


@pytest.fixture
def steps(tmp_path):
    made = []

    def of(place):
        made.append(Timeline(tmp_path / "marks.jsonl", place.clock))
        return Steps(made[-1], swap=1, old="v1", new="v2")

    yield of
    for timeline in made:
        timeline.close()


def releases(place):
    return [instance.release for instance in place.website.running()]


def test_one_that_exits_before_it_is_admitted_is_the_releases_fault(place):
    here = place()
    here.serve()
    new = here.website.start("v2")
    here.website.await_ready(new)
    ends(here, new)
    here.haproxy.ready_is = "DOWN"
    with pytest.raises(ReleaseError, match="website-2 exited with code 137 before it was admitted"):
        here.website.admit(new)
    assert releases(here) == ["v1"]


def test_one_that_exits_as_it_gets_its_full_cpu_is_the_releases_fault(place):
    here = place()
    new = here.website.start("v2")
    refused = api_error(500, "Cannot update container: container not running")
    box = here.boxes[new.name]
    box.errors["update"] = refused
    looks = here.clock.now_ns() + 300_000_000

    def reload():
        if here.clock.now_ns() >= looks:
            ends(here, new)

    box.reload = reload
    with pytest.raises(ReleaseError, match="website-1 exited with code 137 before it was ready"):
        here.website.await_ready(new)


def test_an_engine_that_refuses_full_cpu_to_one_that_runs_is_no_releases_fault(place):
    here = place()
    new = here.website.start("v2")
    here.boxes[new.name].errors["update"] = api_error(500, "no such controller")
    with pytest.raises(docker.errors.APIError, match="no such controller"):
        here.website.await_ready(new)


def test_one_that_vanishes_before_it_is_admitted_is_the_releases_fault_too(place):
    here = place()
    new = here.website.start("v2")
    here.website.await_ready(new)
    here.boxes[new.name].errors |= dict.fromkeys(("reload", "logs"), api_error(404, "no such"))
    here.haproxy.ready_is = "DOWN"
    with pytest.raises(ReleaseError, match="website-1 exited"):
        here.website.admit(new)


def test_one_that_runs_and_is_not_up_is_no_fault_of_the_release(place):
    here = place()
    new = here.website.start("v2")
    here.website.await_ready(new)
    here.haproxy.ready_is = "DOWN"
    with pytest.raises(MissingEvidenceError, match="slot1 was admitted but is not UP"):
        here.website.admit(new)
    assert releases(here) == []


@pytest.mark.parametrize("strategy", [Drain, Rolling])
def test_a_swap_to_one_that_exits_as_it_is_admitted_is_refused(place, steps, strategy):
    here = place()
    old = here.serve()
    look = here.haproxy.before

    def at_admission(command):
        if command.endswith("state ready"):
            ends(here, Instance(name="website-2", release="v2"))
            here.haproxy.ready_is = "DOWN"
        look(command)

    here.haproxy.before = at_admission
    with pytest.raises(ReleaseError, match="website-2 exited with code 137"):
        strategy().replace(here.website, steps(here))
    assert releases(here) == ["v1"]
    assert here.haproxy.status[here.slot_of(old)] == "UP"


def test_on_the_way_back_an_old_one_that_exited_is_replaced_and_it_is_told(place, steps):
    here = place(replicas=2)
    old = [here.serve(), here.serve()]
    new = here.serve("v2")
    here.website.drain(old[0])
    ends(here, old[0])
    slot = here.slot_of(new)
    told = back_to(old, here.website, steps(here), touched=old[:1], new=[new])
    assert releases(here) == ["v1", "v1"]
    assert here.haproxy.status[slot] == "MAINT", "nothing of the new release is asked"
    [line] = told
    assert line.startswith(
        "website-1 did not come back, and was let go of: release v1: website-1 ex"
    )


def test_where_the_replacement_does_not_come_the_new_release_stays(place, steps):
    here = place(replicas=2)
    old = [here.serve(), here.serve()]
    new = here.serve("v2")
    here.website.drain(old[0])
    ends(here, old[0])
    here.launch_error = ReleaseError("no room")
    told = back_to(old, here.website, steps(here), touched=old[:1], new=[new])
    assert "could not be brought back: no room" in told[-1]
    assert releases(here) == ["v1", "v2"]
    assert here.haproxy.status[here.slot_of(new)] == "UP"


def test_rolling_goes_back_where_the_engine_does_not_say_that_a_stop_has_worked(place, steps):
    here = place(replicas=2)
    old = [here.serve(), here.serve()]

    def stop(*, timeout):
        ends(here, old[0], 0)
        raise requests.ReadTimeout("Read timed out. (read timeout=65)")

    here.boxes["website-1"].stop = stop
    with pytest.raises(requests.ReadTimeout):
        Rolling().replace(here.website, steps(here))
    assert releases(here) == ["v1", "v1"]
