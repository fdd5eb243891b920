"""NGINX reloaded, its binary upgraded, and one container of it in another's place."""

from dataclasses import replace
from pathlib import Path

import pytest
from moving import AT_A_FREE_PORT, ListensBeside, MovesAddress
from nginxes import BY_DAEMON, FINISHES, Order, Reloads, Upgrades
from protocols import rows_over_http2
from replacing import Shows

from harness.catalogue.model import Arm
from harness.mix import default_mix
from harness.model.traffic import Connection, Stream, Traffic
from harness.stack.variation import Variation

pytestmark = pytest.mark.edge

CORES = 0.1
"""NGINX's, as a container's limit: what makes a race of microseconds one of milliseconds, as its
processes stand still for the rest of 100 ms once they have had them. At 20 reloads 621 of 29,333
requests were lost by it.
"""
BESIDE_CORES = 0.05
"""Of each where two share the load. When 10 were told to finish, 47 of 22,886 requests were lost at
5 of them, and 110 of 24,748 at 6; with 0.1 cores none of 15,687: the queue was empty each time.
"""
STANDS_MS = 1_000
"""What that limit itself may add at p99."""
RELOADS = 20
TIMES = 10
PONG = {
    "proxy_http_version 1.1;": "location = /pong {\n    return 200 pong;\n}\n\n"
    "proxy_http_version 1.1;"
}
"""Of nginx.conf: what NGINX answers by itself, so that requests cost little."""
AT_ONE_PORT = {
    f"listen {port} default_server backlog=4096;": (
        f"listen {port} default_server backlog=4096 reuseport;"
    )
    for port in ("80", "443 ssl")
}
MIGRATE = "net.ipv4.tcp_migrate_req"


def often(hz: float, connection: Connection) -> Traffic:
    """Many requests that NGINX answers itself, and beside them some of the website's, all by that
    policy.
    """
    home = replace(default_mix(60).streams[0], rate_hz=60, connection=connection)
    pong = Stream(
        name="pong",
        path="/pong",
        rate_hz=hz,
        connection=connection,
        expect_body={"*": "pong"},
        cached_s=0.0,
    )
    return Traffic(streams=(home, pong))


def test_a_reload_loses_nothing_once_kept_connections_have_ended(loses_nothing: Shows) -> None:
    """For as long as clients keep idle connections each answer ends its own: then none is idle
    that anybody still uses, and there is nothing to be closed under a request.
    """
    arm = loses_nothing(
        Reloads(),
        variation=Variation(name="NGINX can be told to keep no connection", edge=FINISHES),
    )
    leaves_over_http2(arm)


def test_a_reload_closes_idle_connections_with_requests_on_their_way(loses: Shows) -> None:
    """A worker that finishes closes its idle connections at once. To a client each looks open until
    the end has arrived, and what it sends by then is lost.
    """
    loses(
        Reloads(ends_kept=False, times=RELOADS),
        cause="edge_closed_idle",
        traffic=often(540, Connection.reuse),
        variation=Variation(name=f"NGINX on {CORES:g} cores", edge=PONG, edge_cpus=CORES),
    )


def test_a_binary_upgraded_with_its_listeners_handed_on_loses_nothing(loses_nothing: Shows) -> None:
    """USR2, WINCH, QUIT. The listeners are the same ones all along; for the former workers' idle
    connections it takes what a reload takes.
    """
    arm = loses_nothing(
        Upgrades(),
        variation=Variation(
            name="NGINX by `daemon on`, and can be told to keep no connection",
            edge=FINISHES,
            edge_shell=BY_DAEMON,
        ),
    )
    leaves_over_http2(arm)


@pytest.mark.parametrize(
    ("order", "cause"),
    [
        pytest.param(Order.cuts, "edge_broke", id="TERM"),
        pytest.param(Order.leaves_first, "edge_refused", id="the-old-one-first"),
    ],
)
def test_a_binary_upgraded_in_another_order_loses_requests(
    loses: Shows, order: str, cause: str
) -> None:
    """By TERM the former one cuts what it has in flight; where it leaves first nobody listens."""
    loses(
        Upgrades(ends_kept=False, order=order),
        cause=cause,
        variation=Variation(name="NGINX by `daemon on`", edge_shell=BY_DAEMON),
    )


def test_a_new_container_behind_a_moved_address_loses_nothing(loses_nothing: Shows) -> None:
    """New connections are sent to the new one from one moment on, by the kernel; the old one goes
    on with those that it has, ends each with an answer, and only then is told to finish.
    """
    arm = loses_nothing(
        MovesAddress(),
        variation=Variation(
            name="NGINX in the network of who holds its address, at the first free port",
            held=("edge",),
            edge=FINISHES,
            edge_shell=AT_A_FREE_PORT,
        ),
    )
    leaves_over_http2(arm)


def test_one_beside_the_other_at_one_port_loses_what_is_queued_for_the_old_one(
    loses: Shows,
) -> None:
    """SO_REUSEPORT: the kernel shares connections out among all who listen, and what is queued for
    one of them when it closes its listener is reset. The queue is empty while NGINX has cores to
    itself, and is not where it has to wait for them.
    """
    loses(
        ListensBeside(times=TIMES),
        cause="edge_queue_lost",
        traffic=often(400, Connection.new),
        variation=at_one_port("what is queued stays"),
    )


@pytest.mark.skipif(
    not Path("/proc/sys", *MIGRATE.split(".")).exists(),
    reason="the kernel hands no queue on: that takes Linux 5.14",
)
def test_a_kernel_that_hands_the_queue_on_loses_nothing(loses_nothing: Shows) -> None:
    """The same, but that what is queued goes to another who listens there."""
    loses_nothing(
        ListensBeside(times=TIMES),
        swaps=1,
        calibrate=False,
        traffic=often(400, Connection.new),
        variation=at_one_port("what is queued is handed on", **{MIGRATE: "1"}),
        limit_p99_margin_ms=STANDS_MS,
    )


def leaves_over_http2(arm: Arm) -> None:
    """Each replacement has ended what was spoken over HTTP/2, under load."""
    for rows in rows_over_http2(arm):
        assert rows["connection"].nunique() > TIMES


def at_one_port(does: str, **sysctls: str) -> Variation:
    return Variation(
        name=f"NGINX on {BESIDE_CORES:g} cores, beside another at one port, {does}",
        held=("edge",),
        sysctls=sysctls,
        edge=AT_ONE_PORT | PONG,
        edge_cpus=BESIDE_CORES,
    )
