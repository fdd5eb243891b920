"""What NGINX does with the balancer's addresses, and who stops the proxies."""

from dataclasses import replace

import pytest
from procedures import DrainThenStop, ShowsArm
from proxies import BESIDE, Blinks, MovesBalancer, RenewsWorkers, RestartsProxies, two_addresses

from harness.catalogue.model import Kind
from harness.mixes import mixed
from harness.model.traffic import ArrivalKind, Connection, Traffic
from harness.stack.variation import Variation

pytestmark = pytest.mark.catalogue

RATE_HZ = 150.0
"""Enough here, where each request makes a connection or two, and for the thinnest stream."""
FIRST, SECOND = "server balancer:8080", "server balancer:8081"
PEER = f"{FIRST} max_fails=0;"
NEW_CONNECTIONS = {"keepalive 128;": ""}
"""Of nginx.conf: each request connects to the balancer, and so meets it when it refuses."""


def test_one_address_of_the_balancer_has_no_next(shows: ShowsArm) -> None:
    """HAProxy refuses connections at its one address for half a second. NGINX would try the next
    one, for a POST too, as nothing was sent yet: there is none.
    """
    shows(
        12,
        Kind.drops,
        "one upstream, which refuses for 0.5 s",
        cause="balancer_away",
        strategy=Blinks(frontends=["edge"]),
        rate=RATE_HZ,
        variation=Variation(
            name="NGINX keeps no connection to HAProxy, which has two addresses",
            balancer=two_addresses(),
            edge=NEW_CONNECTIONS,
        ),
    )


def test_who_is_refused_at_one_address_is_sent_to_the_other(shows: ShowsArm) -> None:
    shows(
        12,
        Kind.avoids,
        "two upstreams, one of which refuses for 0.5 s",
        strategy=Blinks(frontends=["edge"]),
        rate=RATE_HZ,
        variation=Variation(
            name="NGINX keeps no connection to HAProxy and knows both of its addresses",
            balancer=two_addresses(),
            edge=NEW_CONNECTIONS | {PEER: f"{PEER}\n{SECOND} max_fails=0;"},
        ),
    )


def test_one_failure_takes_an_address_out_and_soon_all_of_them(shows: ShowsArm) -> None:
    """Each of HAProxy's two addresses refuses for half a second, never both at once. With NGINX's
    own max_fails=1 the first is out for 10 s when the second refuses: then NGINX asks nobody.
    """
    shows(
        13,
        Kind.drops,
        "max_fails=1, which is the default",
        cause="addresses_taken_out",
        strategy=Blinks(frontends=["edge", BESIDE]),
        rate=RATE_HZ,
        variation=two_peers("takes one out after a failure", "max_fails=1 fail_timeout=10s"),
    )


def test_addresses_that_are_never_taken_out_are_asked_again_at_once(shows: ShowsArm) -> None:
    shows(
        13,
        Kind.avoids,
        "max_fails=0",
        strategy=Blinks(frontends=["edge", BESIDE]),
        rate=RATE_HZ,
        variation=two_peers("takes none out", "max_fails=0"),
    )


def two_peers(does: str, how: str) -> Variation:
    return Variation(
        name=f"NGINX keeps no connection to HAProxy, knows both of its addresses and {does}",
        balancer=two_addresses(),
        edge=NEW_CONNECTIONS | {PEER: f"{FIRST} {how};\n{SECOND} {how};"},
    )


MOVABLE = {
    "proxy_connect_timeout 1s;": "proxy_connect_timeout 50ms;\n"
    "proxy_next_upstream error timeout http_503 non_idempotent;"
}
"""Of nginx.conf: where it knows two addresses it may try both. A balancer that has just begun says
503; one that is gone says nothing.
"""
ASKED_AGAIN = {
    "proxy_pass http://balancer;": "resolver 127.0.0.11 valid=1s ipv6=off;\n"
    "set $asked_again balancer;\n"
    "proxy_pass http://$asked_again:8080;"
}


def test_an_address_that_is_asked_for_once_is_asked_for_ever(shows: ShowsArm) -> None:
    """HAProxy goes to another address under the same name, and serves there before it leaves the
    old one in good order. NGINX has looked the name up as it started, and will not again.
    """
    shows(
        14,
        Kind.drops,
        "the name in an upstream block, the balancer moved",
        cause="balancer_away",
        strategy=MovesBalancer(),
        rate=RATE_HZ,
        variation=Variation(name="NGINX tries a second address where it has one", edge=MOVABLE),
    )


def test_a_name_that_is_asked_for_again_is_followed(shows: ShowsArm) -> None:
    """NGINX 1.26 has no `resolve` in an upstream block (1.27.3 has): a name in a variable is looked
    up again too, at the price of a new connection for each request.
    """
    shows(
        14,
        Kind.avoids,
        "the name in a variable, looked up each second",
        strategy=MovesBalancer(),
        rate=RATE_HZ,
        variation=Variation(
            name="NGINX tries a second address where it has one, and looks names up again",
            edge=MOVABLE | ASKED_AGAIN,
        ),
    )


def test_proxies_restarted_by_the_same_command_are_away(shows: ShowsArm) -> None:
    """As where one command brings all services to a new state: each proxy is stopped in good order
    and started again, and nobody stands in for it.
    """
    shows(
        20,
        Kind.drops,
        "edge and balancer restarted too",
        cause=("edge_refused", "balancer_away"),
        strategy=RestartsProxies(),
        rate=RATE_HZ,
    )


def test_a_swap_that_leaves_the_proxies_alone_loses_nothing(shows: ShowsArm) -> None:
    shows(20, Kind.avoids, "the website alone", strategy=DrainThenStop(), rate=RATE_HZ)


def often_slow() -> Traffic:
    """Of requests that last 1.2 s some 10 are under way at any moment; each of all requests has a
    connection of its own.
    """
    mix = mixed(
        "default",
        RATE_HZ,
        rates={"slow": 8.0, "https-new": 0.0, "asset": 0.0},
        timeout_s=10.0,
        arrivals=ArrivalKind.even,
    )
    streams = tuple(replace(stream, connection=Connection.new) for stream in mix.streams)
    return replace(mix, streams=streams)


def test_sigterm_cuts_what_an_nginx_worker_has_in_flight(shows: ShowsArm) -> None:
    """New workers take all new connections, in both arms, and the old ones have some 10 slow
    requests in flight. Nobody can send those again for the visitor.

    No connection is used twice: a worker that finishes closes idle ones at once, by either signal,
    and a request that is sent just then is lost (1 of 2,164 in one of three runs).
    """
    shows(
        6,
        Kind.drops,
        "old workers get SIGTERM",
        cause="edge_broke",
        strategy=RenewsWorkers(signal="SIGTERM"),
        traffic=often_slow(),
    )


def test_sigquit_lets_an_nginx_worker_finish(shows: ShowsArm) -> None:
    shows(
        6,
        Kind.avoids,
        "old workers get SIGQUIT",
        strategy=RenewsWorkers(signal="SIGQUIT"),
        traffic=often_slow(),
    )
