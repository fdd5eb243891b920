"""What lasts longer than anybody waits for."""

from dataclasses import replace

import pytest
from procedures import DrainUntil, ShowsArm, lasting

from harness.catalogue.model import Kind
from harness.model.traffic import Traffic
from harness.stack.variation import Variation

pytestmark = pytest.mark.catalogue

SHORT_GRACE = {"LINGER_S": "0", "GRACE_S": "1"}
"""The website's own wait for what is in flight, seconds."""


def transfers() -> Traffic:
    """Three seconds each; the other slow requests, of 1.2 s, are over within drain and grace."""
    return lasting(150, download=6, upload=4)


def test_transfers_longer_than_the_drain_are_cut(shows: ShowsArm) -> None:
    """The drain is over after 0.5 s, the website's grace a second later: what had more than that to
    go is cut, downloads and uploads alike.
    """
    shows(
        23,
        Kind.drops,
        "transfers of 3 s, a drain of 0.5 s",
        cause=("cut_in_mid_answer", "kept_connection_broke"),
        traffic=transfers(),
        strategy=DrainUntil(),
        drain_timeout_s=0.5,
        variation=Variation(name="the website waits for 1 s", website=SHORT_GRACE),
    )


def test_a_drain_that_outlasts_the_longest_transfer_cuts_none(shows: ShowsArm) -> None:
    shows(
        23,
        Kind.avoids,
        "transfers of 3 s, a drain of up to 10 s",
        traffic=transfers(),
        strategy=DrainUntil(),
        drain_timeout_s=10.0,
        variation=Variation(name="the website waits for 1 s", website=SHORT_GRACE),
    )


def listeners() -> Traffic:
    """Who came stays until the run is over, whatever the swap."""
    traffic = lasting(150, events=1, websocket=1)
    return replace(
        traffic,
        streams=tuple(
            replace(each, visit=replace(each.visit, lasts_s=600.0, until=None))
            if each.visit is not None
            else each
            for each in traffic.streams
        ),
    )


def test_listeners_who_are_not_told_to_go_block_the_drain_and_are_cut(shows: ShowsArm) -> None:
    """A WebSocket and a stream of events have no end to wait for. The drain is over after 2 s, all
    are still there, and the website ends under them.
    """
    shows(
        22,
        Kind.drops,
        "listeners who never end, a drain of 2 s",
        cause=("cut_in_mid_answer", "conversation_cut"),
        traffic=listeners(),
        strategy=DrainUntil(),
        drain_timeout_s=2.0,
        variation=Variation(
            name="the website tells no listener to go, and waits for 1 s",
            website=SHORT_GRACE | {"FAREWELL": "0"},
        ),
    )


def test_listeners_who_are_told_to_go_come_back(shows: ShowsArm) -> None:
    """The drain ends by its deadline as well. Then the website closes each in order, and all are
    answered by the new release.
    """
    shows(
        22,
        Kind.avoids,
        "listeners who are told to go, a drain of 2 s",
        traffic=listeners(),
        strategy=DrainUntil(),
        drain_timeout_s=2.0,
        variation=Variation(name="the website waits for 1 s", website=SHORT_GRACE),
    )
