"""How the balancer notices that an instance comes or goes."""

import pytest
from procedures import (
    NO_SECOND_TRY,
    ONE_TRY,
    DrainThenReuse,
    DrainThenStop,
    ShowsArm,
    StopOnly,
    StopOnlyAndReuse,
)

from harness.catalogue.model import Kind
from harness.stack.variation import Variation

pytestmark = pytest.mark.catalogue

HOME_PAGE = {"option httpchk GET /ready": "option httpchk GET /"}
CHECKS = "default-server inter 200ms fastinter 50ms downinter 50ms fall 2 rise 1"
RARE = "default-server inter 2s fall 3 rise 1"
SHUT = f"{CHECKS} on-marked-down shutdown-sessions"


@pytest.mark.chosen
def test_a_check_of_the_home_page_does_not_see_that_a_website_is_about_to_stop(
    shows: ShowsArm,
) -> None:
    """The website says 503 on /ready and serves on for 0.5 s; whoever looks at the home page, or at
    the port, sees nothing of it, and is told by refused connections.
    """
    shows(
        3,
        Kind.drops,
        "a check of the home page",
        cause="not_connected",
        strategy=StopOnly(),
        variation=Variation(
            name="HAProxy checks the home page, and tries once", balancer=HOME_PAGE | ONE_TRY
        ),
    )


@pytest.mark.chosen
def test_a_check_of_readiness_takes_it_out_while_it_still_serves(shows: ShowsArm) -> None:
    shows(
        3,
        Kind.avoids,
        "a check of readiness",
        strategy=StopOnly(),
        variation=Variation(
            name="HAProxy tries once",
            balancer=ONE_TRY,
        ),
    )


def test_checks_every_two_seconds_notice_too_late(shows: ShowsArm) -> None:
    """Three failures 2 s apart: requests are sent for some 5 s to a website that is gone. Its
    address is dead, so each waits out `timeout connect` (250 ms) before it is sent elsewhere.
    """
    shows(
        7,
        Kind.drops,
        "inter 2s fall 3",
        cause="sent_elsewhere",
        strategy=StopOnly(),
        after_s=8.0,
        variation=Variation(name="HAProxy checks every 2 s", balancer={CHECKS: RARE}),
    )


def test_a_drain_needs_no_check(shows: ShowsArm) -> None:
    shows(
        7,
        Kind.avoids,
        "inter 2s fall 3, drained",
        strategy=DrainThenStop(),
        after_s=8.0,
        variation=Variation(name="HAProxy checks every 2 s", balancer={CHECKS: RARE}),
    )


def test_nobody_refuses_at_the_address_of_a_container_that_is_gone(shows: ShowsArm) -> None:
    """Until the check has failed often enough requests are sent to an address where nobody is. No
    reset comes back, so each of them waits out `timeout connect`, here 3 s, before it is sent
    elsewhere.
    """
    shows(
        9,
        Kind.drops,
        "stopped while it is known, timeout connect 3s",
        cause="sent_elsewhere",
        strategy=StopOnly(),
        after_s=10.0,
        variation=patient(),
    )


def test_an_address_that_the_balancer_has_forgotten_may_die(shows: ShowsArm) -> None:
    shows(
        9,
        Kind.avoids,
        "drained into maintenance first, timeout connect 3s",
        strategy=DrainThenStop(),
        after_s=10.0,
        variation=patient(),
    )


def patient() -> Variation:
    return Variation(
        name="HAProxy checks every 2 s and waits 3 s for a connection",
        balancer={CHECKS: RARE, "timeout connect 250ms": "timeout connect 3s"},
    )


def test_a_server_that_dns_names_is_up_before_it_listens(shows: ShowsArm) -> None:
    """HAProxy 3.0 takes a server that it has just learned of as up (`init-state` came with 3.1)."""
    shows(
        8,
        Kind.drops,
        "found by DNS, sent to at once",
        cause=("sent_elsewhere", "tried_again"),
        swap="scale-then-stop",
    )


def test_a_server_in_drain_is_checked_before_it_is_sent_anything(shows: ShowsArm) -> None:
    shows(8, Kind.avoids, "offered in drain, checked, then ready", swap="drain")


def test_an_address_that_the_balancer_still_knows_is_somebody_elses(shows: ShowsArm) -> None:
    """The engine gives the lowest address that is free: the next container of that network has the
    one of the website that was stopped. It says that it is ready, so HAProxy, which was told
    nothing, takes the server for one that has come back.
    """
    shows(
        15,
        Kind.drops,
        "stopped while it is known, the address used again",
        cause="not_the_website",
        strategy=StopOnlyAndReuse(),
        rate=150.0,
    )


def test_an_address_that_the_balancer_has_forgotten_may_be_somebody_elses(
    shows: ShowsArm,
) -> None:
    shows(
        15,
        Kind.avoids,
        "drained into maintenance first, the address used again",
        strategy=DrainThenReuse(),
        rate=150.0,
    )


def test_sessions_shut_down_with_their_server_are_cut(shows: ShowsArm) -> None:
    """The website lingers and would finish its slow requests; HAProxy cuts them.

    NGINX would send a GET once more where a kept connection breaks under it, and hide that: it may
    not here, as it may not for what is no GET.
    """
    shows(
        30,
        Kind.drops,
        "on-marked-down shutdown-sessions",
        cause=("killed", "kept_connection_broke"),
        strategy=StopOnly(),
        variation=Variation(
            name="HAProxy shuts sessions of a server that is down, NGINX tries once",
            balancer={CHECKS: SHUT},
            edge=NO_SECOND_TRY,
        ),
    )


def test_sessions_of_a_server_that_is_down_are_finished(shows: ShowsArm) -> None:
    shows(
        30,
        Kind.avoids,
        "no such option",
        strategy=StopOnly(),
        variation=Variation(name="NGINX tries once", edge=NO_SECOND_TRY),
    )


def test_stop_before_start_leaves_nobody(shows: ShowsArm) -> None:
    """What `docker compose up` does to a service whose image has changed."""
    shows(31, Kind.drops, "stopped, then started", cause="no_server", swap="recreate")


def test_start_before_stop_always_leaves_one(shows: ShowsArm) -> None:
    shows(31, Kind.avoids, "started, then stopped", swap="drain")


@pytest.mark.chosen
def test_a_balancer_less_patient_than_the_website_gives_up(shows: ShowsArm) -> None:
    """Slow requests take 1.2 s."""
    shows(
        32,
        Kind.drops,
        "timeout server 1s",
        cause="answer_timeout",
        swap="drain",
        variation=Variation(
            name="HAProxy waits 1 s for an answer",
            balancer={"timeout server 55s": "timeout server 1s"},
        ),
    )


@pytest.mark.chosen
def test_timeouts_that_rise_towards_the_client_cut_nothing(shows: ShowsArm) -> None:
    shows(32, Kind.avoids, "timeout server 55s", swap="drain")
