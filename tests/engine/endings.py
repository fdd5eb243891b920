"""What each bad release must end in, under each strategy that claims safety: data.

A strategy that is added gets a column here, or shares one.
"""

from collections.abc import Mapping
from typing import Final

from trial import End, Ending

SLOTS: Final = ("drain", "rolling", "blue-green", "canary")
"""Those that admit an instance once it has answered: until then no visitor is sent there."""
RELOAD: Final = ("reload",)
"""As those, but for the counters: each process of HAProxy's begins with its own."""
DNS: Final = ("stop-signal",)
"""Here a new instance gets requests as soon as DNS names it."""
FOLLOWER: Final = ("follow",)
"""Here as soon as HAProxy's own check has passed, before its first answer is looked at."""


def refused(told: str, *, most: int = 0) -> Ending:
    return Ending(end=End.refused, told=told, most=most)


def rolled_back(*, most: int) -> Ending:
    return Ending(end=End.rolled_back, told="rolled back at", most=most)


_BOTH: Final = {
    "is never ready": refused("I only wait"),
    "exits": refused("exited with code 7"),
    "is ready after 30 s": refused("was not ready within 2.5 s"),
}

_BY_SLOTS: Final = _BOTH | {
    "crashes under its first request": refused("exited with code 137"),
    "answers 500": refused("GET / was answered with status 500"),
    "answers another text": refused("GET / was answered with another text"),
}

_ASKED_MEANWHILE: Final = _BOTH | {
    "crashes under its first request": refused("exited with code 137", most=16),
    "answers 500": refused("GET / was answered with status 500", most=40),
    "answers another text": refused("GET / was answered with another text", most=40),
    "leaks until it is killed": Ending(end=End.unseen, least=1, most=1_000),
}

ENDINGS: Final[Mapping[str, Mapping[str, Ending]]] = {
    # Visitors meet what breaks under them: each of two instances kills a worker with what it has
    # under way, 8 visitors' at most, before it is looked at again.
    "drain": _BY_SLOTS | {"leaks until it is killed": rolled_back(most=40)},
    "rolling": _BY_SLOTS | {"leaks until it is killed": rolled_back(most=40)},
    "blue-green": _BY_SLOTS | {"leaks until it is killed": rolled_back(most=80)},
    "canary": _BY_SLOTS | {"leaks until it is killed": rolled_back(most=20)},
    # Nobody looks at a new process's counters, so what breaks later replaces the old one.
    "reload": _BY_SLOTS | {"leaks until it is killed": Ending(end=End.unseen, least=1, most=1_000)},
    # Seen as soon as it is asked, and by then some visitors have asked too. What breaks later is
    # seen by nobody: no strategy that is silent towards the balancer can ask it.
    "stop-signal": _ASKED_MEANWHILE,
    "follow": _ASKED_MEANWHILE,
}

STOPS: Final = ("ignores the stop signal", "hangs in the stop signal")
"""They serve well, and are to be swapped out."""

STOPPED: Final[Mapping[str, int]] = dict.fromkeys((*SLOTS, *RELOAD, *FOLLOWER), 0) | {
    # Nobody tells the balancer: one that ignores the signal is asked until it is killed.
    "stop-signal": 40,
}
"""Most visits that may fail while those are swapped out."""
