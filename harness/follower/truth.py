"""What is true of the containers, as far as the engine has told: by listings, and by events between
them, which may come twice, late, out of order, or not at all.
"""

from collections.abc import Iterable, Mapping

from harness.follower.model import Container, Event, EventKind

__all__ = ["STOPPING_NS", "Truth"]

_SETTLES_NS = 1_000_000_000
"""For so long after a container's death a listing may still have it as running."""
STOPPING_NS = 90_000_000_000
"""One that still runs so long after its stop signal has outlived it: Docker kills after 10 s, and
few give more than a minute.
"""


class Truth:
    """Each event is dated by the engine, and so is each listing by when it was asked for: what is
    older than what is known changes nothing.
    """

    def __init__(self) -> None:
        self._listed: dict[str, Container] = {}
        self._asked_ns = 0
        self._started_ns: dict[str, int] = {}
        self._died_ns: dict[str, int] = {}
        self._signalled: dict[str, Event] = {}

    @property
    def is_known(self) -> bool:
        """Whether the engine has listed them at all."""
        return self._asked_ns > 0

    def hear(self, event: Event) -> bool:
        """Whether a listing is needed to know what follows from it."""
        known = event.container
        if event.kind is EventKind.started:
            self._started_ns[known] = max(event.at_ns, self._started_ns.get(known, 0))
            signalled = self._signalled.get(known)
            if signalled is not None and signalled.at_ns < event.at_ns:
                del self._signalled[known]
            return True
        if event.at_ns < self._started_ns.get(known, 0):
            return False  # of its former life
        if event.kind is EventKind.signalled:
            if event.at_ns >= self._died_ns.get(known, 0):
                self._signalled.setdefault(known, event)
            return False
        if event.kind is EventKind.died:
            self._died_ns[known] = max(event.at_ns, self._died_ns.get(known, 0))
            if event.at_ns >= self._asked_ns:
                self._listed.pop(known, None)
                self._signalled.pop(known, None)
            return False
        return True

    def list(self, containers: Iterable[Container], asked_ns: int) -> None:
        """All that run, as of some moment after `asked_ns`."""
        if asked_ns < self._asked_ns:
            return
        self._asked_ns = asked_ns
        # One that has died since it was asked may still be in it.
        self._listed = {each.id: each for each in containers if not self._has_died_since(each.id)}
        self._forget_old(asked_ns)

    def containers(self) -> Mapping[str, Container]:
        """Those that run, by id."""
        return self._listed

    def stopping(self, now_ns: int) -> Mapping[str, Event]:
        """Of those that run: who was sent a stop signal, and has not outlived it."""
        return {
            known: event
            for known, event in self._signalled.items()
            if known in self._listed and now_ns - event.at_ns < STOPPING_NS
        }

    def _has_died_since(self, known: str) -> bool:
        died_ns = self._died_ns.get(known, 0)
        is_since = died_ns + _SETTLES_NS > self._asked_ns if died_ns else False
        return is_since and died_ns >= self._started_ns.get(known, 0)

    def _forget_old(self, now_ns: int) -> None:
        """What no event of now can be about."""
        for dated in (self._started_ns, self._died_ns):
            for known in [each for each, at_ns in dated.items() if now_ns - at_ns > STOPPING_NS]:
                del dated[known]
        for known, event in list(self._signalled.items()):
            if now_ns - event.at_ns > STOPPING_NS:
                del self._signalled[known]
