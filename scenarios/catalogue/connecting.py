"""Many new connections to HAProxy, and a successor that is handed its listeners, or is not."""

from dataclasses import replace

from procedures import NO_SECOND_TRY

from harness.mix import default_mix
from harness.model.traffic import Stream, Traffic
from harness.stack.variation import Reloads, Variation

__all__ = ["PONG", "STANDS_MS", "SUCCESSORS", "connections", "succeeded"]

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
