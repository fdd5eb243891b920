"""The measured path: whether a container's own address can be reached from here."""

import socket
from typing import Final

from harness.timeline import Timekeeper

__all__ = ["listens"]

_LISTENS_S: Final = 5.0
_ANSWERS_S: Final = 2.0
_POLL_S: Final = 0.02


def listens(host: str, port: int, clock: Timekeeper, *, is_reachable: bool = False) -> bool:
    """Whether somebody does within 5 s; where nothing there answers at all, within 2 s.

    A refusal is an answer: that address can be reached. `is_reachable` says so beforehand.
    """
    began_ns = clock.now_ns()
    while True:
        accepts = _accepts(host, port)
        if accepts:
            return True
        is_reachable = is_reachable or accepts is not None
        patience_s = _LISTENS_S if is_reachable else _ANSWERS_S
        if clock.now_ns() - began_ns > patience_s * 1e9:
            return False
        clock.sleep(_POLL_S)


def _accepts(host: str, port: int) -> bool | None:
    """A bare connection tells; it carries no request. None: nobody answers there."""
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except ConnectionRefusedError:
        return False
    except OSError:
        return None
