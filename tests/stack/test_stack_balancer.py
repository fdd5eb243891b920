"""The balancer: one configuration for all strategies, and admission that waits for the truth."""

import re

import pytest
from fake_haproxy import FakeHaproxy
from manual_time import ManualTime

from harness.model.errors import MissingEvidenceError, NotJudgedError
from harness.stack.balancer import (
    ALGORITHMS,
    Balancer,
    configuration,
    dns_servers,
    green_names,
    habits,
    slot_names,
    slot_servers,
    validated_algorithm,
)
from harness.stack.modes import MODES
from harness.stack.runtime_api import RuntimeApi
from harness.swap import STRATEGIES


@pytest.fixture
def haproxy():
    return FakeHaproxy("slot1", "slot2")


@pytest.fixture
def clock():
    return ManualTime()


@pytest.fixture
def balancer(haproxy, clock):
    return Balancer(RuntimeApi(haproxy), clock)


def sets(haproxy):
    return [
        command.removeprefix("set server website/")
        for command in haproxy.commands
        if command != "show stat"
    ]


@pytest.mark.parametrize("text", [*ALGORITHMS, "random(2)", "hdr(X-User)", "uri depth 3", " uri "])
def test_an_algorithm_of_haproxys_is_taken(text):
    assert validated_algorithm(text) == text.strip()


@pytest.mark.parametrize(
    "text", ["", "fastest", "round robin", "roundrobin\n    server evil 1.2.3.4:80", "uri; x", "#"]
)
def test_what_is_no_algorithm_is_refused_with_the_known_ones(text):
    with pytest.raises(NotJudgedError, match="choose one of: roundrobin, static-rr, leastconn"):
        validated_algorithm(text)


def test_two_releases_fit_side_by_side_and_as_many_slots_rest():
    assert slot_names(1) == ("slot1", "slot2", "slot3", "slot4")
    assert len(set(slot_names(3))) == 12


def test_the_configuration_holds_what_zero_downtime_rests_on():
    text = configuration(algorithm="leastconn", servers=slot_servers(slot_names(1), 8123))
    assert re.search(r"^    balance leastconn$", text, re.MULTILINE)
    assert re.findall(r"^    server (\S+) (\S+) (.+)$", text, re.MULTILINE) == [
        (f"slot{n}", "0.0.0.0:8123", "check disabled") for n in (1, 2, 3, 4)
    ]
    # A write that may have arrived is never repeated, and nothing in flight is cut off.
    assert re.search(r"^    retry-on conn-failure$", text, re.MULTILINE)
    assert "shutdown-sessions" not in text
    assert re.search(r"^    option httpchk GET /ready$", text, re.MULTILINE)
    assert "level admin" in text
    assert "fd-hard-limit" in text
    # The Runtime API is a socket in the container: nothing of it listens on the network.
    assert re.findall(r"^ +(?:bind|stats socket) (\S+)", text, re.MULTILINE) == [
        "/run/harness/admin.sock",
        ":8080",
    ]


def test_both_pools_are_alike_but_for_their_names_and_one_entry_of_a_map_chooses():
    text = configuration(
        algorithm="leastconn",
        servers=slot_servers(slot_names(1), 8000),
        green_servers=slot_servers(green_names(1), 8000),
    )
    assert "use_backend %[str(pool),map(/tmp/pool.map,website)]" in text
    _, one, other = re.split(r"^backend .*$", text, flags=re.MULTILINE)
    assert one == other.replace(" green", " slot")


def test_a_new_server_is_sent_little_at_first_and_waited_for_briefly_in_one_mode_alone():
    texts = {name: mode.configuration("roundrobin", 1, 8000) for name, mode in MODES.items()}
    slow = {name for name, text in texts.items() if "rise 1 slowstart 2000ms" in text}
    brief = {name for name, text in texts.items() if "timeout connect 100ms" in text}
    assert slow == brief == {"dns-slowstart"}
    assert habits(MODES["dns-slowstart"].manners)["balancer_connect_ms"] == 100
    assert MODES["dns-slowstart"].environment == {"LINGER_S": "1.5"}


def test_every_strategys_mode_is_one_of_the_stacks():
    assert {strategy.discovery for strategy in STRATEGIES.values()} == set(MODES)


def test_nothing_but_the_algorithm_and_the_servers_differs_between_configurations():
    slots = slot_servers(("slot1",), 1)
    one = configuration(algorithm="roundrobin", servers=slots)
    other = configuration(algorithm="first", servers=dns_servers("website", 4, 1))
    assert (
        one.replace("balance roundrobin", "balance first").replace(
            slots, "    server-template website- 4 website:1 check resolvers engine init-addr none"
        )
        == other
    )


def test_an_offered_server_is_checked_and_sent_nothing(balancer, haproxy):
    balancer.offer("slot1", "10.0.0.2", 8000)
    assert sets(haproxy) == [
        "slot1 state maint",
        "slot1 addr 10.0.0.2 port 8000",
        "slot1 state drain",
        "slot1 health down",
    ]
    assert haproxy.address["slot1"] == "10.0.0.2:8000"


@pytest.mark.parametrize(
    ("status", "check", "answers"),
    [
        ("DRAIN", "L7OK", True),
        ("DRAIN", "* L7OK", True),
        ("DRAIN", "L4OK", True),
        ("DRAIN", "L4CON", False),
        ("DRAIN", "L7STS", False),
        ("DRAIN", "", False),
        ("MAINT", "L7OK", False),
        ("DOWN", "L7OK", False),
    ],
)
def test_a_server_answers_once_haproxys_own_check_says_so(
    balancer, haproxy, status, check, answers
):
    haproxy.status["slot1"], haproxy.check["slot1"] = status, check
    assert balancer.answers("slot1") is answers


def test_what_the_slots_former_server_answered_does_not_count(balancer, haproxy):
    haproxy.check["slot1"] = "L7OK"
    balancer.offer("slot1", "10.0.0.2", 8000)
    assert not balancer.answers("slot1")


@pytest.mark.parametrize("unproven", [("DOWN 1/2", "L7OK"), ("UP", "INI"), ("UP 1/2", "L4CON")])
def test_admission_returns_once_haproxy_says_up_and_a_check_has_passed(balancer, haproxy, unproven):
    """One that is new in HAProxy's configuration is UP before it was checked."""
    looks = []

    def proven_at_the_third(command):
        if command == "show stat":
            looks.append(command)
            shown = ("UP", "L7OK") if len(looks) == 3 else unproven
            haproxy.status["slot1"], haproxy.check["slot1"] = shown

    haproxy.before = proven_at_the_third
    balancer.admit("slot1")
    assert len(looks) == 3
    assert sets(haproxy) == ["slot1 state ready"]


def test_a_server_that_is_never_up_is_missing_evidence(balancer, haproxy, clock):
    haproxy.ready_is = "DOWN"
    with pytest.raises(MissingEvidenceError, match=r"slot1 was admitted but is not UP after 5 s"):
        balancer.admit("slot1")
    assert clock.slept_s == pytest.approx(5, abs=0.1)


def test_drain_waits_for_what_is_in_flight_and_queued_twice_in_a_row(balancer, haproxy):
    haproxy.busy["slot1"] = [(2, 0), (0, 1), (0, 0), (1, 0), (0, 0), (0, 0)]
    balancer.drain("slot1", 30)
    assert haproxy.commands.count("show stat") == 6
    assert sets(haproxy) == ["slot1 state drain", "slot1 state maint"]
    assert haproxy.commands[-1].endswith("state maint")


def test_drain_that_is_never_idle_is_missing_evidence_and_is_not_cut_off(balancer, haproxy, clock):
    haproxy.busy["slot1"] = [(1, 0)]
    with pytest.raises(MissingEvidenceError, match="slot1 still had requests in flight after 7 s"):
        balancer.drain("slot1", 7)
    assert clock.slept_s == pytest.approx(7, abs=0.1)
    assert sets(haproxy) == ["slot1 state drain"]


def test_a_pool_without_the_slot_is_missing_evidence_and_no_defect(balancer):
    with pytest.raises(MissingEvidenceError, match="says nothing of slot7"):
        balancer.answers("slot7")


def test_a_refused_command_is_missing_evidence(balancer, haproxy):
    haproxy.refuses["state maint"] = "Permission denied"
    with pytest.raises(MissingEvidenceError, match="Permission denied"):
        balancer.forget("slot1")


def test_what_came_of_a_check_is_told_once_no_other_is_running(balancer, haproxy):
    # As HAProxy 3.0 shows it: the words of the last check are gone as the next one begins.
    haproxy.check["slot1"] = "* L4CON"

    def ends(_command):
        if len(haproxy.commands) == 3:
            haproxy.check["slot1"], haproxy.check_text["slot1"] = "L4CON", "Connection refused"

    haproxy.before = ends
    assert balancer.told("slot1") == "nobody listens there (L4CON: Connection refused)"
    assert balancer.told_at("0.0.0.0:8000") == balancer.told("slot1")


def test_a_server_that_is_always_being_checked_is_told_as_it_is_after_a_second(
    balancer, haproxy, clock
):
    haproxy.check["slot1"] = "* L7TOUT"
    told = balancer.told("slot1")
    assert told == "it took the connection, and no answer came in time (L7TOUT)"
    assert 1 <= clock.slept_s < 1.1


def test_where_haproxy_has_no_server_it_says_so(balancer):
    assert balancer.told_at("10.0.0.9:8000") == "HAProxy found nobody at 10.0.0.9:8000"
