"""What NGINX's error log alone tells: how its connections to the balancer were lost, and when
workers of its were told to finish.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

__all__ = [
    "CLOSED",
    "REFUSED",
    "RESET",
    "TAKEN_OUT",
    "Lost",
    "lost_last",
    "read_finishing",
    "read_lost",
]

ERRORS_LOG: Final = "nginx-error.log"
CLOSED, RESET, REFUSED, TAKEN_OUT = "closed", "reset", "refused", "taken_out"
_SAYS: Final = {
    b"upstream prematurely closed": CLOSED,
    b"Connection reset by peer": RESET,
    b"Connection refused": REFUSED,
    b"no live upstreams": TAKEN_OUT,
}
_LINE: Final = re.compile(rb"(\S+ \S+) \[error\] \S+ \*(\d+) (.*?), client: ")
_FINISHES: Final = re.compile(rb"(\S+ \S+) \[notice\] \S+ gracefully shutting down")
_SECOND: Final = 1.0
_ASKED_TWO: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """`at_s` is since the epoch, in whole seconds, as NGINX dates errors."""

    at_s: float
    how: str


def read_lost(folder: Path) -> Mapping[int, Sequence[Lost]]:
    """By the number of the visitor's connection, in the order of time. Empty without a log."""
    found: dict[int, list[Lost]] = {}
    for line in _lines(folder):
        match = _LINE.match(line)
        how = next((how for text, how in _SAYS.items() if match and text in match[3]), "")
        if match is None or not how:
            continue
        at_s = _date_s(match[1])
        if at_s is not None:
            found.setdefault(int(match[2]), []).append(Lost(at_s=at_s, how=how))
    return found


def read_finishing(folder: Path) -> Sequence[float]:
    """When workers were told to finish, by a reload, an upgrade or a stop in order: in whole
    seconds since the epoch, each once, in the order of time. Empty without a log.
    """
    matches = (_FINISHES.match(line) for line in _lines(folder))
    dates = (_date_s(match[1]) for match in matches if match is not None)
    return sorted({at_s for at_s in dates if at_s is not None})


def lost_last(
    lost: Mapping[int, Sequence[Lost]], connection: int, over_s: float, tries: int = 0
) -> str:
    """How it was lost in the second before a request on that connection was over; empty where it
    was not. Who had asked two addresses or more, by its `tries`, of which the last is then nobody,
    has run out of those: they need not have been taken out.
    """
    near = [one for one in lost.get(connection, ()) if 0 <= over_s - one.at_s < 2 * _SECOND]
    if tries > _ASKED_TWO:
        near = [one for one in near if one.how != TAKEN_OUT]
    return near[-1].how if near else ""


def _lines(folder: Path) -> Iterator[bytes]:
    try:
        yield from (folder / ERRORS_LOG).read_bytes().splitlines()
    except OSError:
        return


def _date_s(text: bytes) -> float | None:
    """None for what is no date."""
    try:
        # The containers' clocks have no zone of their own.
        return datetime.strptime(f"{text.decode('ascii')}Z", "%Y/%m/%d %H:%M:%S%z").timestamp()
    except ValueError:
        return None
