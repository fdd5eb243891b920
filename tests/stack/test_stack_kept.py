"""For how long the proxies keep idle connections is read from their configurations."""

import pytest

from harness.stack.edge import Certificate, environment
from harness.stack.kept import kept_ms
from harness.stack.modes import MODES
from harness.stack.variation import varied

BALANCER = MODES["slots"].configuration("roundrobin", 1, 8000)
EDGE = environment(Certificate(authority="", chain="", key=""))["NGINX_CONF"]


def test_in_the_bundled_stack_the_edge_lets_go_first():
    assert kept_ms(balancer=BALANCER, edge=EDGE) == {
        "balancer_keeps_ms": 60_000, "edge_keeps_ms": 20_000,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("written", "ms"), [("5ms", 5), ("2s", 2_000), ("1m", 60_000), ("700", 700)]
)
def test_haproxy_counts_bare_numbers_in_milliseconds(written, ms):
    told = varied(
        "haproxy.cfg",
        BALANCER,
        {"timeout http-keep-alive 60s": f"timeout http-keep-alive {written}"},
    )
    assert kept_ms(balancer=told, edge=EDGE)["balancer_keeps_ms"] == ms


@pytest.mark.parametrize(
    ("line", "written", "ms"),
    [
        ("keepalive_timeout 20s;", "keepalive_timeout 7;", 7_000),
        ("keepalive_timeout 20s;", "keepalive_timeout 300ms;", 300),
        ("keepalive 128;", "", 0),
    ],
)
def test_of_nginx_the_upstreams_limit_counts_and_not_that_of_visitors(line, written, ms):
    told = varied("nginx.conf", EDGE, {line: written})
    assert kept_ms(balancer=BALANCER, edge=told)["edge_keeps_ms"] == ms


def test_what_is_not_said_is_left_out():
    assert kept_ms(balancer="defaults\n    timeout client 60s\n", edge="http { }\n") == {}
