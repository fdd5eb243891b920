"""Waiting for greenlets to end."""

from collections.abc import Sequence
from typing import Any

import gevent

__all__ = ["join"]


def join(greenlets: "Sequence[gevent.Greenlet[..., Any]]", within_s: float) -> bool:
    """Waits for all to end, for at most so long from now; whether they have.

    `gevent.joinall(greenlets, timeout)` counts from the loop's idea of now, which is as old as its
    last turn: where the thread was elsewhere for that long, it returns at once.
    """
    with gevent.Timeout(within_s, False):  # type: ignore[arg-type]  # gevent's own: silently
        gevent.joinall(greenlets)
    return all(greenlet.dead for greenlet in greenlets)
