"""Visitors whom the balancer keeps to one server."""

from dataclasses import replace

import pytest
from procedures import ONE_TRY, ShowsArm, Weightless

from harness.catalogue.model import Kind
from harness.mix import default_mix
from harness.model.traffic import Traffic
from harness.stack.variation import Variation

pytestmark = pytest.mark.catalogue

FIRST = "slot1"
"""The server that the old release is given."""
CHECKS = "default-server inter 200ms fastinter 50ms downinter 50ms fall 2 rise 1"
EASY = "default-server inter 500ms fall 2 rise 1"
KEEPS_TO = {
    CHECKS: EASY,
    "balance roundrobin": "balance roundrobin\ncookie SERVER",
    f"server {FIRST} 0.0.0.0:8000 check disabled": (
        f"server {FIRST} 0.0.0.0:8000 check disabled cookie {FIRST}"
    ),
}


def with_a_cookie() -> Traffic:
    """Most visitors of the home page have the old server's cookie."""
    traffic = default_mix(150)
    return replace(
        traffic,
        streams=tuple(
            replace(each, headers={**each.headers, "Cookie": f"SERVER={FIRST}"})
            if each.name == "get-reused"
            else each
            for each in traffic.streams
        ),
    )


def keeping() -> Variation:
    return Variation(
        name="HAProxy keeps who has a cookie to its server, checks rarely, tries once; no linger",
        balancer=KEEPS_TO | ONE_TRY,
        website={"LINGER_S": "0"},
    )


def test_a_drain_admits_who_has_the_servers_cookie(shows: ShowsArm) -> None:
    """A weight of 0 keeps newcomers away and nobody else. As soon as nothing is in flight the
    server is stopped, and those with its cookie go on being sent there until checks fail.
    """
    shows(
        24,
        Kind.drops,
        "a weight of 0, and stopped once idle",
        cause=("not_connected", "connect_timeout"),
        traffic=with_a_cookie(),
        strategy=Weightless(),
        variation=keeping(),
    )


def test_maintenance_sends_them_to_another(shows: ShowsArm) -> None:
    """The same wait, and then maintenance: HAProxy does not know such a server's cookie."""
    shows(
        24,
        Kind.avoids,
        "drained, then in maintenance",
        traffic=with_a_cookie(),
        swap="drain",
        variation=keeping(),
    )
