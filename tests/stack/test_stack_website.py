"""The website's moves, with a balancer and containers on paper."""

import docker.errors
import pytest
from fake_engine import api_error
from place import Place

from harness.model.errors import MissingEvidenceError, NotJudgedError, ReleaseError
from harness.stack import website as module
from harness.stack.containers import FULL_CPU, HELD_BACK_CPU, UnfitImageError
from harness.stack.discovery import Dns
from harness.stack.owner import LABEL
from harness.stack.website import PORT
from harness.target import Counted


def test_a_start_is_held_back_and_unknown_to_the_balancer(place):
    here = place()
    instance = here.website.start("v2")
    [spec] = here.specs
    assert (instance.name, instance.release) == ("website-1", "v2")
    assert (spec.name, spec.image, spec.cpu_weight) == (
        "harness-r1-website-1",
        "image:2",
        HELD_BACK_CPU,
    )
    assert spec.labels == {LABEL: "r1", f"{LABEL}.instance": "website-1"}
    assert spec.environment["STORE_HOST"] == "store"
    assert spec.environment["INSTANCE"] == "website-1"
    assert not spec.ports
    assert here.haproxy.commands == []
    assert here.website.running() == ()


def test_without_a_volume_it_is_told_of_no_log_and_its_name_is_as_given(place):
    here = place(name="replica", volume="")
    instance = here.website.start("v1")
    [spec] = here.specs
    assert instance.name == "replica-1"
    assert spec.volumes == {}
    assert "ACCESS_LOG" not in spec.environment


def test_ready_means_the_balancer_saw_it_and_only_then_it_gets_its_cpu(place):
    here = place()
    here.ready_after = 4
    instance = here.website.start("v1")
    here.website.await_ready(instance)
    assert here.boxes["website-1"].calls[-1] == ("update", FULL_CPU)
    assert here.haproxy.commands.count("show stat") == 5
    slot = here.slot_of(instance)
    assert here.haproxy.status[slot] == "DRAIN", "ready is not yet admitted"
    assert here.website.running() == ()
    here.website.admit(instance)
    assert here.website.running() == (instance,)
    assert here.haproxy.status[slot] == "UP"


def test_a_release_that_is_never_ready_is_its_own_fault_and_gets_no_cpu(place):
    here = place()
    here.ready_after = 10**9
    here.next_box = {"printed": b"1\nlistening on the wrong port\n"}
    instance = here.website.start("v2")
    with pytest.raises(
        ReleaseError, match=r"(?s)v2: website-1 was not ready within 3 s.*the wrong port"
    ):
        here.website.await_ready(instance)
    assert here.clock.slept_s == pytest.approx(3, abs=0.1)
    assert not [call for call in here.boxes["website-1"].calls if call[0] == "update"]


@pytest.mark.parametrize("ip", ["10.0.0.1", ""])
def test_a_release_that_exits_is_noticed_at_once_with_its_code(place, ip):
    """The engine takes the address of a container away as it exits."""
    here = place()
    here.ready_after = 10**9
    here.next_box = {"status": "exited", "exit_code": 3, "printed": b"KeyError", "ip": ip}
    instance = here.website.start("v2")
    with pytest.raises(ReleaseError, match=r"(?s)v2: website-1 exited with code 3.*KeyError"):
        here.website.await_ready(instance)
    assert here.clock.slept_s < 1


@pytest.mark.parametrize("poll_s", [0.0, 1.2, 5.0])
def test_an_exit_is_told_as_one_however_long_each_look_at_its_readiness_takes(place, poll_s):
    """Where nobody has that address any more, asking it takes a second; patience may end first."""
    here = place()
    here.ready_after = 10**9
    here.haproxy.before = lambda _command: here.clock.sleep(poll_s)
    here.next_box = {"status": "exited", "exit_code": 7, "printed": b"KeyError"}
    instance = here.website.start("v2")
    with pytest.raises(ReleaseError, match="website-1 exited with code 7"):
        here.website.await_ready(instance)


def test_a_container_that_vanishes_is_an_exit_too(place):
    here = place()
    here.ready_after = 10**9
    instance = here.website.start("v2")
    box = here.boxes["website-1"]
    box.errors["logs"] = api_error(404, "no such container")

    def vanish(command):
        box.errors["reload"] = api_error(404, "no such container")

    here.haproxy.before = vanish
    with pytest.raises(ReleaseError, match="website-1 exited"):
        here.website.await_ready(instance)


def test_an_image_that_cannot_be_run_is_the_releases_fault(place):
    here = place()
    here.launch_error = UnfitImageError("the engine could not start image:2: exec format error")
    with pytest.raises(ReleaseError, match=r"release v2: .*exec format error"):
        here.website.start("v2")


def test_what_the_engine_lacks_is_no_fault_of_the_release(place):
    here = place()
    here.launch_error = NotJudgedError("the engine could not start image:2: no IPv4 addresses")
    with pytest.raises(MissingEvidenceError, match="no IPv4 addresses"):
        here.website.start("v2")


def test_drain_ends_in_maintenance_and_still_counts_as_running_until_stopped(place):
    here = place()
    instance = here.serve()
    slot = here.slot_of(instance)
    here.haproxy.busy[slot] = [(1, 0), (0, 0), (0, 0)]
    here.website.drain(instance)
    assert here.haproxy.status[slot] == "MAINT"
    assert here.website.running() == (instance,)
    here.website.stop(instance)
    assert here.website.running() == ()
    assert here.boxes["website-1"].calls[-1] == ("stop", 5)


def test_a_drain_that_runs_out_of_patience_leaves_the_instance_serving_its_requests(place):
    here = place()
    instance = here.serve()
    here.haproxy.busy[here.slot_of(instance)] = [(1, 0)]
    with pytest.raises(MissingEvidenceError, match="after 4 s"):
        here.website.drain(instance)
    assert ("stop", 5) not in here.boxes["website-1"].calls


def test_a_stop_of_what_is_gone_already_is_a_stop(place):
    here = place()
    instance = here.serve()
    here.boxes["website-1"].errors["stop"] = api_error(404, "no such container")
    here.website.stop(instance)
    assert here.website.running() == ()


def test_a_stop_that_the_engine_refuses_is_not_passed_over(place):
    here = place()
    instance = here.serve()
    here.boxes["website-1"].errors["stop"] = api_error(500, "shim died")
    with pytest.raises(docker.errors.APIError):
        here.website.stop(instance)
    assert here.website.running() == (instance,)


def test_a_stopped_container_is_kept_for_its_logs_and_a_discarded_one_is_removed(place):
    here = place()
    old, new = here.serve(), here.serve("v2")
    here.website.drain(old)
    here.website.stop(old)
    here.website.discard(new)
    assert here.website.containers() == (here.boxes["website-1"],)
    assert here.boxes["website-2"].calls[-1] == ("remove", True, True)
    assert here.haproxy.status["slot2"] == "MAINT"
    assert here.website.running() == ()


def test_discard_works_in_whatever_state_and_twice(place):
    here = place()
    started = here.website.start("v2")
    here.boxes["website-1"].errors["remove"] = api_error(409, "removal already in progress")
    here.website.discard(started)
    here.website.discard(started)
    assert here.website.containers() == ()


def test_a_slot_rests_before_it_is_used_again(place):
    here = place()
    used = []
    current = here.serve()
    for _ in range(6):
        used.append(here.slot_of(current))
        new = here.serve()
        here.website.drain(current)
        here.website.stop(current)
        current = new
    assert used == ["slot1", "slot2", "slot3", "slot4", "slot1", "slot2"]


def test_slots_of_instances_that_were_stopped_without_a_drain_are_taken_back(place):
    """As `recreate` does, for more swaps than there are slots."""
    here = place(replicas=2)
    serving = [here.serve(), here.serve()]
    for _ in range(12):
        here.website.stop(serving.pop(0))
        serving.append(here.serve())
    assert here.website.running() == tuple(serving)
    up = [slot for slot, status in here.haproxy.status.items() if status == "UP"]
    assert {here.slot_of(instance) for instance in serving} <= set(up)


def test_an_instance_that_waits_to_be_admitted_keeps_its_slot(place):
    here = place()
    here.serve()
    stopped = here.serve()
    here.website.stop(stopped)
    waiting = [here.website.start("v2") for _ in range(3)]
    for instance in waiting:
        here.website.await_ready(instance)
    assert len({here.slot_of(instance) for instance in waiting}) == 3
    for instance in waiting:
        here.website.admit(instance)


def test_more_instances_than_slots_is_said(place):
    here = place()
    for _ in range(4):
        here.serve()
    with pytest.raises(MissingEvidenceError, match="no slot is left"):
        here.serve()


def test_instances_are_running_oldest_first(place):
    here = place(replicas=3)
    instances = tuple(here.serve() for _ in range(3))
    assert here.website.running() == instances
    assert here.website.replicas() == 3


@pytest.fixture
def by_dns(monkeypatch):
    """A place whose balancer finds instances by DNS: `named_by_dns` is what it then sees."""
    here = Place(discovery=lambda balancer: Dns(balancer, PORT))
    monkeypatch.setattr(module, "launch", here.launch)
    here.haproxy.before = lambda _: None
    return here


def named_by_dns(place, slot, instance, check="L7OK"):
    place.haproxy.status[slot], place.haproxy.check[slot] = "UP", check
    address = place.boxes[instance.name].attrs["NetworkSettings"]["Networks"]["run"]
    place.haproxy.address[slot] = f"{address['IPAddress']}:{PORT}"


def test_by_dns_every_instance_has_the_name_that_the_balancer_asks_for(by_dns):
    by_dns.website.start("v1")
    assert by_dns.specs[0].alias == "website"


def test_by_dns_an_instance_is_ready_once_a_check_of_its_address_has_passed(by_dns):
    instance = by_dns.website.start("v1")
    named_by_dns(by_dns, "slot2", instance, check="L4CON")
    with pytest.raises(ReleaseError, match="was not ready within 3 s"):
        by_dns.website.await_ready(instance)
    named_by_dns(by_dns, "slot2", instance)
    by_dns.website.await_ready(instance)


def test_by_dns_the_balancer_is_asked_and_never_told(by_dns):
    instance = by_dns.website.start("v1")
    named_by_dns(by_dns, "slot1", instance)
    by_dns.website.await_ready(instance)
    by_dns.website.admit(instance)
    by_dns.website.stop(instance)
    by_dns.website.discard(instance)
    assert set(by_dns.haproxy.commands) == {"show stat"}


def test_by_dns_an_instance_can_still_be_drained(by_dns):
    instance = by_dns.website.start("v1")
    named_by_dns(by_dns, "slot3", instance)
    by_dns.website.await_ready(instance)
    by_dns.website.drain(instance)
    assert by_dns.haproxy.status["slot3"] == "MAINT"


def aside(place, release="v2"):
    instance = place.website.start(release)
    place.website.set_aside(instance)
    place.website.await_ready(instance)
    place.website.admit(instance)
    return instance


def test_what_is_set_aside_is_ready_in_the_pool_that_gets_nothing_until_the_switch(place):
    here = place()
    old = here.serve()
    new = aside(here)
    assert (here.slot_of(old), here.slot_of(new)) == ("slot1", "green1")
    assert (here.haproxy.status["green1"], here.haproxy.pool) == ("UP", "website")
    here.website.switch(new)
    assert here.haproxy.pool == "website-green"


def test_a_switch_goes_back_and_is_made_as_often_as_it_is_asked_for(place):
    here = place()
    old = here.serve()
    new = aside(here)
    for to, pool in (
        (new, "website-green"),
        (new, "website-green"),
        (old, "website"),
        (old, "website"),
    ):
        here.website.switch(to)
        assert here.haproxy.pool == pool


def test_pools_take_turns_from_swap_to_swap(place):
    here = place()
    current, used = here.serve(), []
    for _ in range(5):
        new = aside(here)
        here.website.switch(new)
        here.website.drain(current)
        here.website.stop(current)
        current = new
        used.append(here.slot_of(current))
    assert used == ["green1", "slot2", "green2", "slot3", "green3"]


def test_what_is_not_set_aside_goes_where_requests_go_after_a_switch_too(place):
    here = place()
    here.serve()
    here.website.switch(aside(here))
    assert here.slot_of(here.serve()) == "green2"


def test_a_switch_that_the_balancer_refuses_changes_nothing_here(place):
    here = place()
    here.serve()
    new = aside(here)
    here.haproxy.refuses["set map"] = "Unknown map identifier.\n"
    with pytest.raises(MissingEvidenceError, match="Unknown map identifier"):
        here.website.switch(new)
    del here.haproxy.refuses["set map"]
    assert here.slot_of(here.serve()) == "slot2"


def test_idle_is_waited_for_and_changes_nothing(place):
    here = place()
    instance = here.serve()
    slot = here.slot_of(instance)
    here.haproxy.busy[slot] = [(2, 0), (0, 0), (1, 0), (0, 0), (0, 0)]
    before = len(here.haproxy.commands)
    here.website.await_idle(instance)
    assert here.haproxy.commands[before:] == ["show stat"] * 5
    here.haproxy.busy[slot] = [(1, 0)]
    with pytest.raises(MissingEvidenceError, match="after 4 s"):
        here.website.await_idle(instance)
    assert here.haproxy.status[slot] == "UP"


def test_a_weight_is_gone_by_the_time_its_slot_is_used_again(place):
    here = place()
    old = here.serve()
    here.website.weigh(old, 0)
    assert here.haproxy.weight == {"slot1": "0"}
    here.website.drain(old)
    here.website.stop(old)
    for _ in range(3):
        here.serve()
    reused = here.serve()
    assert (here.slot_of(reused), here.haproxy.weight) == ("slot1", {})


def test_weights_are_taken_back_and_what_has_left_is_passed_over(place):
    here = place()
    old, new = here.serve(), here.serve("v2")
    here.website.weigh(old, 95)
    here.website.weigh(new, 5)
    assert here.haproxy.weight == {"slot1": "95", "slot2": "5"}
    here.website.discard(new)
    here.website.weigh_alike([old, new])
    assert "slot1" not in here.haproxy.weight


def test_what_the_balancer_counted_of_several_is_added_and_their_means_by_their_answers(place):
    here = place(replicas=2)
    pair = [here.serve(), here.serve()]
    here.haproxy.counted = {"slot1": (40, 30, 2, 1, 3, 10), "slot2": (8, 8, 0, 0, 0, 50)}
    here.haproxy.status["slot2"] = "DOWN"
    assert here.website.counted(pair) == Counted(
        sent=48, answered=40, errors=2, broken=4, mean_ms=18.0, down=1
    )
    here.website.count_anew()
    assert here.website.counted(pair) == Counted(down=1)


def test_by_dns_there_are_neither_pools_nor_weights(by_dns):
    instance = by_dns.website.start("v1")
    for move in (
        lambda: by_dns.website.switch(instance),
        lambda: by_dns.website.weigh(instance, 5),
        lambda: by_dns.website.counted([instance]),
    ):
        with pytest.raises(MissingEvidenceError, match="need discovery mode slots"):
            move()


def test_one_that_was_drained_in_part_is_offered_again_and_leaks_no_slot(place):
    """The way back from a rolling swap whose drain took too long."""
    here = place()
    instance = here.serve()
    for _ in range(6):
        [slot] = [slot for slot, status in here.haproxy.status.items() if status == "UP"]
        here.haproxy.busy[slot] = [(1, 0)]
        with pytest.raises(MissingEvidenceError, match="after 4 s"):
            here.website.drain(instance)
        here.haproxy.busy.clear()
        here.website.await_ready(instance)
        here.website.admit(instance)
    assert here.website.running() == (instance,)


def test_assets_are_published_by_whoever_serves_them(place):
    here = place()
    here.website.publish("v2")
    assert here.published == ["v2"]


def test_a_neighbour_is_somebody_else_at_the_address_of_one_that_was_stopped(place):
    here = place()
    old = here.serve()
    here.website.stop(old)
    here.next_box = {"ip": "10.0.0.1"}
    neighbour = here.website.start_neighbour(old)
    spec = here.specs[-1]
    assert (spec.image, spec.environment["RELEASE"]) == ("image:1", "neighbour")
    assert (spec.alias, spec.cpu_weight) == ("", HELD_BACK_CPU)
    assert here.boxes["neighbour"].calls[-1] == ("update", FULL_CPU)
    assert here.boxes["neighbour"] in here.website.containers()
    assert neighbour not in here.website.running()


def test_a_neighbour_at_another_address_is_no_evidence(place):
    here = place()
    old = here.serve()
    here.website.stop(old)
    with pytest.raises(MissingEvidenceError, match=r"10\.0\.0\.2, and not 10\.0\.0\.1"):
        here.website.start_neighbour(old)
    assert here.boxes["neighbour"] in here.website.containers()


def test_a_neighbour_that_does_not_answer_is_no_evidence(place, monkeypatch):
    here = place()
    old = here.serve()
    here.website.stop(old)
    here.next_box = {"ip": "10.0.0.1"}
    launch = module.launch

    def silent(spec, network):
        box = launch(spec, network)
        box.answers["/usr/bin/python3"] = (1, b"refused")
        return box

    monkeypatch.setattr(module, "launch", silent)
    with pytest.raises(MissingEvidenceError, match="did not answer within 3 s"):
        here.website.start_neighbour(old)


def test_proxies_that_nobody_named_are_out_of_reach(place):
    with pytest.raises(MissingEvidenceError, match="proxies are out of reach"):
        place().website.proxies()
