"""How HAProxy is reloaded, and what becomes of who is connected to it then."""

import pytest
from connecting import PONG, STANDS_MS, SUCCESSORS, connections, succeeded
from procedures import NO_SECOND_TRY, ReloadAndHope, ReloadOften, ShowsArm

from harness.catalogue.model import Kind
from harness.heavy_mix import heavy_mix
from harness.stack.variation import Reloads, Variation

pytestmark = pytest.mark.catalogue

RELOADS = 30


def test_a_successor_loses_what_was_queued_for_its_predecessor(shows: ShowsArm) -> None:
    """`haproxy -sf`: the new process binds the same port beside the old one, and the kernel shares
    connections out among both. The old one closes its listener as soon as it is told to finish:
    what the kernel had queued there by then is reset. The queue is empty while HAProxy has cores to
    itself, and is not where it has to wait for them, as in a container with a limit.
    """
    shows(
        16,
        Kind.drops,
        f"{SUCCESSORS} reloads by -sf",
        cause="reload_broke",
        strategy=ReloadOften(SUCCESSORS),
        traffic=connections(),
        variation=succeeded(hands_over=False),
        limit_p99_margin_ms=STANDS_MS,
    )


def test_listeners_that_are_handed_over_lose_nothing(shows: ShowsArm) -> None:
    """`-x`: the new process takes over the very listeners, and so what is queued for them."""
    shows(
        16,
        Kind.avoids,
        f"{SUCCESSORS} reloads by -sf, with -x",
        strategy=ReloadOften(SUCCESSORS),
        traffic=connections(),
        variation=succeeded(hands_over=True),
        limit_p99_margin_ms=STANDS_MS,
    )


def test_idle_connections_that_a_reload_closes_may_have_a_request_on_their_way(
    shows: ShowsArm,
) -> None:
    """The former worker closes connections that are idle at once. To NGINX, which keeps them, each
    looks open until the end has arrived, and what it sends by then is lost.
    """
    shows(
        17,
        Kind.drops,
        f"{RELOADS} reloads, idle connections closed at once",
        cause="reload_broke",
        strategy=ReloadOften(RELOADS),
        traffic=connections(),
        variation=Variation(
            name="HAProxy closes idle connections at a reload, NGINX tries once",
            balancer=PONG | {"option idle-close-on-response": ""},
            edge=NO_SECOND_TRY,
        ),
    )


def test_idle_connections_that_end_with_an_answer_lose_nothing(shows: ShowsArm) -> None:
    shows(
        17,
        Kind.avoids,
        f"{RELOADS} reloads, idle-close-on-response",
        strategy=ReloadOften(RELOADS),
        traffic=connections(),
        variation=Variation(name="NGINX tries once", balancer=PONG, edge=NO_SECOND_TRY),
    )


def test_a_hard_stop_cuts_what_the_former_process_still_has(shows: ShowsArm) -> None:
    """Downloads and uploads take 3 s and stay with the process where they began; after 1 s that
    process ends, and they with it.
    """
    shows(
        18,
        Kind.drops,
        "hard-stop-after 1s",
        cause="hard_stopped",
        swap="reload",
        traffic=heavy_mix(300),
        variation=Variation(
            name="HAProxy stops hard 1 s after a reload",
            balancer={"hard-stop-after 30s": "hard-stop-after 1s"},
        ),
    )


def test_a_hard_stop_beyond_the_longest_request_cuts_nothing(shows: ShowsArm) -> None:
    shows(18, Kind.avoids, "hard-stop-after 30s", swap="reload", traffic=heavy_mix(300))


GONE = "server website-spare website-spare:8000 check"


def test_a_reload_that_is_skipped_in_silence_leaves_the_old_servers(shows: ShowsArm) -> None:
    """The configuration names a server that does not resolve: HAProxy's master says so where nobody
    looks, and its worker serves on by the former one. Then the old instance is stopped.
    """
    shows(
        19,
        Kind.drops,
        "a name that does not resolve",
        cause="reload_failed",
        strategy=ReloadAndHope(),
        variation=Variation(
            name="the swap's configuration names a server that is gone, and nobody looks",
            reloads=Reloads(is_looked_at=False, adds=GONE),
        ),
    )


def test_a_configuration_that_starts_without_every_name_is_taken(shows: ShowsArm) -> None:
    """The same with `init-addr`; and it is checked, and the reload is looked for."""
    shows(
        19,
        Kind.avoids,
        "checked first and looked for, init-addr last,libc,none",
        swap="reload",
        variation=Variation(
            name="the swap's configuration names a server that is gone, and says it may be",
            reloads=Reloads(adds=f"{GONE} init-addr last,libc,none"),
        ),
    )
