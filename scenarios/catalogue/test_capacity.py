"""What the serving ones can take while others come and go."""

import pytest
from procedures import LetGoFirst, ShowsArm

from harness.catalogue.model import Kind
from harness.mixes import mixed
from harness.model.traffic import ArrivalKind, Traffic
from harness.stack.variation import Variation

pytestmark = pytest.mark.catalogue

CHECKS = "default-server inter 200ms fastinter 50ms downinter 50ms fall 2 rise 1"


def some_slow() -> Traffic:
    """Some fifteen requests are under way at any moment, as slow ones take 1.2 s."""
    return mixed("default", 150, rates={"slow": 12.0}, timeout_s=10.0, arrivals=ArrivalKind.even)


def at_most_ten() -> Variation:
    return Variation(
        name="a website gets 10 requests at once", balancer={CHECKS: f"{CHECKS} maxconn 10"}
    )


def test_one_that_does_the_work_of_two_lets_requests_queue(shows: ShowsArm) -> None:
    """Drained, stopped, then replaced, one after another: each time the other one serves alone."""
    shows(
        28,
        Kind.drops,
        "of two, each is let go of before another comes",
        cause=("queued", "queue_timeout"),
        strategy=LetGoFirst(),
        replicas=2,
        traffic=some_slow(),
        variation=at_most_ten(),
    )


def test_two_are_there_at_any_moment(shows: ShowsArm) -> None:
    shows(
        28,
        Kind.avoids,
        "of two, each is let go of once another has come",
        swap="rolling",
        replicas=2,
        traffic=some_slow(),
        variation=at_most_ten(),
    )


def test_the_first_answers_of_a_cold_release_are_slow(shows: ShowsArm) -> None:
    """It says that it is ready, and loads what it needs when it is first asked for something. Here
    a visitor asks first: the harness's own question before it is admitted is left out, as that
    would warm it up.
    """
    shows(
        27,
        Kind.drops,
        "loads 0.5 s at the first request",
        cause="website_slow",
        swap="drain",
        smoke=False,
        rate=150.0,
        variation=Variation(
            name="the website loads for 0.5 s when first asked", website={"COLD_MS": "500"}
        ),
    )


def test_a_release_that_warms_up_before_it_is_ready_is_not(shows: ShowsArm) -> None:
    shows(
        27,
        Kind.avoids,
        "loads 0.5 s before it listens",
        swap="drain",
        smoke=False,
        rate=150.0,
        variation=Variation(
            name="the website loads for 0.5 s before it listens",
            website={"COLD_MS": "500", "WARM_UP": "1"},
        ),
    )
