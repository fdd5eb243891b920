"""HAProxy replaced under load, each way with what it loses where one thing is otherwise."""

import pytest
from connecting import STANDS_MS, SUCCESSORS, connections, succeeded
from haproxies import (
    SERVES_AT,
    STANDS_IN_AT,
    ExchangesBinary,
    ReloadsHaproxy,
    ReplacesContainer,
)
from replacing import Shows

from harness.stack.variation import Reloads, Variation

pytestmark = pytest.mark.edge


def test_a_reload_loses_nothing(loses_nothing: Shows) -> None:
    loses_nothing(ReloadsHaproxy())


def test_a_reload_whose_former_process_has_too_little_time_cuts_what_lasts(loses: Shows) -> None:
    """Downloads and uploads take 3 s and stay with the process where they began, which ends after
    one.
    """
    loses(
        ReloadsHaproxy(),
        cause="hard_stopped",
        variation=Variation(
            name="HAProxy stops hard 1 s after a reload",
            balancer={"hard-stop-after 30s": "hard-stop-after 1s"},
        ),
    )


def test_a_new_binary_that_is_handed_the_listeners_loses_nothing(loses_nothing: Shows) -> None:
    loses_nothing(
        ExchangesBinary(),
        variation=Variation(
            name="HAProxy is succeeded by -sf and hands its listeners over",
            reloads=Reloads(by_successor=True, hands_over=True),
        ),
    )


def test_a_new_binary_with_listeners_of_its_own_loses_what_was_queued(loses: Shows) -> None:
    """The former process closes its listeners with all that the kernel had queued there; how often
    it has to be done until that shows, and why by so little CPU, is the catalogue's number 16,
    where the twin of this is too.
    """
    loses(
        ExchangesBinary(times=SUCCESSORS),
        cause="reload_broke",
        traffic=connections(),
        variation=succeeded(hands_over=False),
        limit_p99_margin_ms=STANDS_MS,
    )


FIRST, SECOND = (f"server balancer:{port} max_fails=0" for port in (SERVES_AT, STANDS_IN_AT))


def in_turn(name: str, *, peers: str) -> Variation:
    """One HAProxy after the other at one address, by two ports of which NGINX knows `peers`."""
    return Variation(
        name=name,
        held=("balancer",),
        balancer_ports=(SERVES_AT, STANDS_IN_AT),
        # The old one has ended once its last visitor is gone: none is kept for long, and no kept
        # connection ends before an answer.
        balancer={"http-reuse safe": "http-reuse safe\noption idle-close-on-response"},
        edge={
            "keepalive_timeout 20s;": "keepalive_timeout 1s;",
            f"{FIRST};": peers,
        },
    )


BOTH = in_turn("NGINX knows two ports of HAProxy", peers=f"{FIRST};\n{SECOND} backup;")


def test_a_new_container_behind_two_upstreams_loses_nothing(loses_nothing: Shows) -> None:
    """GET and POST both: who is refused at the one goes to the other, and nothing was sent yet."""
    loses_nothing(ReplacesContainer(), variation=BOTH)


def test_a_new_container_behind_one_upstream_is_away_meanwhile(loses: Shows) -> None:
    loses(
        ReplacesContainer(),
        cause="balancer_away",
        variation=in_turn("NGINX knows one port of HAProxy", peers=f"{FIRST};"),
    )


def test_an_old_container_that_is_sent_sigterm_cuts_what_it_has_in_flight(loses: Shows) -> None:
    """The engine's own stop signal is HAProxy's hard stop: two upstreams do not help then."""
    loses(
        ReplacesContainer(signal="SIGTERM"),
        cause=("balancer_broke", "balancer_away"),
        variation=BOTH,
    )
