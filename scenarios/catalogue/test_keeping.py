"""Who closes a kept connection first, and who sends a request on it just then."""

from dataclasses import replace

import pytest
from procedures import DrainThenStop, ShowsArm

from harness.catalogue.model import Kind
from harness.mix import LEAST_MIX_RATE
from harness.mixes import mixed
from harness.model.traffic import ArrivalKind, Burst, Traffic
from harness.stack.variation import Variation

pytestmark = pytest.mark.catalogue

LEFT_OUT = dict.fromkeys(
    ("get-new", "https-new", "https-resume", "https-page", "cached", "asset"), 0.0
)
"""Of the default mix: what opens connections, or goes over TLS, or stays at the edge."""


def writing(gets_hz: float, writes_hz: float, **others_hz: float) -> Traffic:
    """A GET that meets a closed connection is sent again by NGINX, a POST is lost: so many are."""
    return mixed(
        "default",
        LEAST_MIX_RATE,
        rates=LEFT_OUT | {"get-reused": gets_hz, "write": writes_hz} | others_hz,
        timeout_s=10.0,
        arrivals=ArrivalKind.even,
    )


WRITES = replace(writing(100.0, 150.0, slow=12.0), arrivals=ArrivalKind.poisson)
"""Evenly spaced ones would all find their connection equally long idle. Of the slow ones 14 are
under way at a time, so that by chance there is never none.
"""
IN_BURSTS = replace(writing(20.0, 40.0), burst=Burst(period_s=1.2, share=0.05, factor=19.8))
"""Some 70 within 60 ms, and then next to nothing for a second, in which connections idle."""
LONGER = {"steady_s": 8.0, "after_s": 6.0}
"""Of that each burst loses one, or a few."""


def test_a_balancer_that_closes_idle_connections_first_loses_writes(shows: ShowsArm) -> None:
    """HAProxy keeps an idle connection for 5 ms, NGINX for 20 s: some requests are on their way as
    it is closed. A longer limit loses fewer, and none is long enough.
    """
    shows(
        11,
        Kind.drops,
        "timeout http-keep-alive 5ms, NGINX keeps for 20 s",
        cause="balancer_closed_idle",
        strategy=DrainThenStop(),
        traffic=WRITES,
        variation=Variation(
            name="HAProxy closes idle connections after 5 ms",
            balancer={"timeout http-keep-alive 60s": "timeout http-keep-alive 5ms"},
        ),
    )


def test_an_edge_that_closes_idle_connections_first_loses_none(shows: ShowsArm) -> None:
    shows(
        11,
        Kind.avoids,
        "timeout http-keep-alive 60s, NGINX keeps for 20 s",
        strategy=DrainThenStop(),
        traffic=WRITES,
    )


def test_a_website_that_closes_idle_connections_first_loses_writes(shows: ShowsArm) -> None:
    """gunicorn closes a connection that was idle for a second, HAProxy keeps it for five. From a
    visitor's second request on HAProxy sends on such connections (`http-reuse safe`), and closes
    without a word where one breaks: NGINX sends a GET again, and a POST is lost.
    """
    shows(
        10,
        Kind.drops,
        "gunicorn keeps for 1 s, HAProxy for 5 s",
        cause="kept_connection_broke",
        strategy=DrainThenStop(),
        traffic=IN_BURSTS,
        **LONGER,
        variation=kept_for("--keep-alive 1"),
    )


def test_a_website_that_keeps_connections_longer_loses_none(shows: ShowsArm) -> None:
    shows(
        10,
        Kind.avoids,
        "gunicorn keeps for 75 s, HAProxy for 5 s",
        strategy=DrainThenStop(),
        traffic=IN_BURSTS,
        **LONGER,
        variation=kept_for("--keep-alive 75"),
    )


def kept_for(how: str) -> Variation:
    return Variation(
        name=f"gunicorn {how}, and HAProxy checks every 2 s",
        balancer={CHECKS: RARE},
        website={"GUNICORN_CMD_ARGS": how},
    )


CHECKS = "default-server inter 200ms fastinter 50ms downinter 50ms fall 2 rise 1"
RARE = "default-server inter 2s fastinter 50ms downinter 50ms fall 2 rise 1"
"""Each check has gunicorn look for connections to close; between two it does not."""
