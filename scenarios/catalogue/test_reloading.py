"""How HAProxy is reloaded, and what becomes of who is connected to it then."""

from dataclasses import replace

import pytest
from procedures import NO_SECOND_TRY, ReloadAndHope, ReloadOften, ShowsArm

from harness.catalogue.model import Kind
from harness.heavy_mix import heavy_mix
from harness.mix import default_mix
from harness.model.traffic import Stream, Traffic
from harness.stack.variation import Reloads, Variation

pytestmark = pytest.mark.catalogue

RELOADS = 30
SUCCESSORS = 20
"""As many as make it sure: with a fifth of a core each loses between none and some ten of 600 new
connections a second. With whole cores it is a race of microseconds: 3 in 46, 1 and 0 in 100 were
lost.
"""
CORES = 0.2
"""HAProxy's, as a container's limit: the new process starts and has them all, the former one stands
still for the rest of 100 ms, and finds the order to finish beside a queue.
"""
STANDS_MS = 300
"""What that limit itself may add at p99; both arms have it."""
PONG = {
    "bind :8080": "bind :8080\nhttp-request return status 200 content-type text/plain "
    "string pong if { path /pong }"
}
"""Of haproxy.cfg: what HAProxy answers by itself, so that connections cost little."""
PEER = "server balancer:{} max_fails=0;"
A_CONNECTION_EACH = {
    "keepalive 128;": "",
    PEER.format(8080): "\n".join(PEER.format(8080 + more) for more in range(4)),
}
"""Of nginx.conf: each request has a connection to HAProxy of its own, to one of four ports, as to
one port there are only some 14,000 a minute before the kernel has to look for a free one.
"""


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


def connections() -> Traffic:
    """Many that HAProxy answers itself, and beside them some of the website's."""
    pong = Stream(name="pong", path="/pong", rate_hz=540, expect_body={"*": "pong"}, cached_s=0.0)
    return Traffic(streams=(replace(default_mix(60).streams[0], rate_hz=60), pong))


def succeeded(*, hands_over: bool) -> Variation:
    how = "hands its listeners over" if hands_over else "keeps its listeners"
    return Variation(
        name=f"HAProxy on {CORES:g} cores is succeeded by -sf and {how}, NGINX keeps no connection "
        "and tries once",
        edge=A_CONNECTION_EACH | NO_SECOND_TRY,
        balancer={"bind :8080": PONG["bind :8080"].replace(":8080", ":8080-8083")},
        balancer_cpus=CORES,
        reloads=Reloads(by_successor=True, hands_over=hands_over),
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
