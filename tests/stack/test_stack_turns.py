"""Balancers in turn: what each begins with, so that it serves from its first connection on."""

import pytest
from fake_haproxy import FakeHaproxy
from whole import stack

from harness.model.errors import NotJudgedError
from harness.stack.modes import MODES
from harness.stack.runtime_api import RuntimeApi
from harness.stack.turns import Turns
from harness.stack.variation import Variation

PLAIN = MODES["slots"].configuration("roundrobin", 1, 8000)
PORTS = (8080, 8081)


@pytest.fixture
def before():
    """A balancer with one server that is up and one that is drained, in a place each."""
    haproxy = FakeHaproxy("slot1", "slot2", "slot3")
    haproxy.status |= {"slot2": "UP", "slot3": "DRAIN"}
    haproxy.address |= {"slot2": "10.0.0.5:8000", "slot3": "10.0.0.6:8000"}
    return RuntimeApi(haproxy)


def changed(text):
    """The lines that are not in the plain configuration."""
    return [line.strip() for line in text.splitlines() if line not in PLAIN.splitlines()]


def test_without_ports_the_next_one_knows_no_server(before):
    assert Turns((), 8000).next(PLAIN, before) == PLAIN


def test_each_next_one_listens_on_the_next_port_and_begins_with_who_is_up(before):
    turns = Turns(PORTS, 8000)
    assert changed(turns.next(PLAIN, None)) == []
    server = "server slot2 10.0.0.5:8000 check"
    assert changed(turns.next(PLAIN, before)) == ["bind :8081", server]
    assert changed(turns.next(PLAIN, before)) == [server]


def test_a_configuration_without_slots_is_refused(before):
    by_dns = MODES["dns"].configuration("roundrobin", 1, 8000)
    with pytest.raises(NotJudgedError, match="has no line 'server slot2 "):
        Turns(PORTS, 8000).next(by_dns, before)


def test_a_stacks_next_balancer_begins_with_the_instance_that_serves(engine, timeline):
    whole = stack(variation=Variation(name="in turn", held=("balancer",), balancer_ports=PORTS))
    whole.up(timeline)
    where = engine.haproxy.address["slot1"]
    assert whole.stage().proxies().another("balancer") == "balancer-2"
    first, second = (engine.boxes[f"harness-r1-{name}"].spec for name in ("balancer", "balancer-2"))
    assert f"server slot1 {where} check\n" not in first.environment["HAPROXY_CFG"]
    assert f"server slot1 {where} check\n" in second.environment["HAPROXY_CFG"]
    assert "bind :8081\n" in second.environment["HAPROXY_CFG"]
    assert first.network_of == second.network_of != ""
    whole.down()
