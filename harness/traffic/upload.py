"""A request's body, written slowly: a visitor with a thin line."""

from collections.abc import Callable
from typing import Final

import gevent

from harness.traffic.connection import Wire

__all__ = ["upload"]

_PIECE_NS: Final = 50_000_000
_BLANK_LINE: Final = b"\r\n\r\n"


def upload(
    wire: Wire, request: bytes, over_ns: int, deadline_ns: int, clock_ns: Callable[[], int]
) -> bool:
    """Writes the request's head at once and its body evenly over `over_ns`.

    False where the peer spoke, or ended, before the body was whole: the rest is not written then.
    Raises as Wire.transmit.
    """
    start = request.index(_BLANK_LINE) + len(_BLANK_LINE)
    body = request[start:]
    pieces = max(1, over_ns // _PIECE_NS)
    size = max(1, -(-len(body) // pieces))
    wire.transmit(request[:start], deadline_ns, clock_ns)
    began_ns = clock_ns()
    for number, at in enumerate(range(0, len(body), size), 1):
        left_ns = began_ns + over_ns * number // pieces - clock_ns()
        gevent.sleep(max(0, left_ns) / 1e9)
        if not wire.quiet():
            return False
        wire.transmit(body[at : at + size], deadline_ns, clock_ns)
    return True
