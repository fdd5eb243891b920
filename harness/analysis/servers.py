"""Which instance a server of the balancer was, at which moment: by addresses."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.analysis.loglines import Served, ServerChange
from harness.analysis.logs import Logs
from harness.model.mark import Mark, MarkKind

__all__ = ["Servers"]

_ADDRESS = re.compile(r" (?:IP changed|changed its IP) from .* to '?([0-9a-fA-F.:]+)'? by")
_STARTS = "start "
_SOON_NS = 1_000_000_000
"""Within it the balancer's checks find out that a server does not accept."""
_NEVER_NS = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class _Since:
    at_ns: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tenure:
    """From when to when the balancer sent requests to an address: until it said that the server is
    down or let go of, whatever had become of the container.
    """

    since_ns: int
    until_ns: int
    address: str
    """Empty where none of them was answered from there."""
    pool: str


_NOBODY = Served(server="", address="", first_ns=0, last_ns=0)


class Servers:
    """Names of instances by address and by server; empty where they are not known."""

    def __init__(self, marks: Iterable[Mark], logs: Logs) -> None:
        marks = tuple(marks)
        self._by_address: dict[str, list[_Since]] = {}
        for mark in sorted(marks, key=lambda mark: mark.at_ns):
            address = str(mark.detail.get("address", ""))
            if mark.kind is MarkKind.event and mark.name.startswith(_STARTS) and address:
                named = _Since(at_ns=mark.at_ns, name=str(mark.detail["instance"]))
                self._by_address.setdefault(address, []).append(named)
        self._changes = sorted(logs.changes, key=lambda change: change.at_ns)
        self._served = sorted(logs.served, key=lambda served: served.first_ns)
        self._tenures = tuple(_tenures(self._changes, self._served))
        self.events = tuple(mark for mark in marks if mark.kind is MarkKind.event)

    def at(self, address: str, moment_ns: int) -> str:
        """The instance that had the address then."""
        # An event is dated a little after what it tells of.
        known = self._by_address.get(address, [])
        found = [since for since in known if since.at_ns <= moment_ns]
        return (found or known[:1] or [_Since(at_ns=0, name="")])[-1].name

    def named(self, server: str, moment_ns: int) -> str:
        """The instance that the balancer's server stood for then."""
        address = ""
        for change in self._changes:
            if change.at_ns > moment_ns:
                break
            match = _ADDRESS.search(change.text)
            if change.server == server and match:
                address = match[1]
        if not address:
            # Told of in mode `dns` alone; else by whom it answered from.
            own = [one for one in self._served if one.server == server]
            before = [one for one in own if one.first_ns <= moment_ns]
            address = (before[-1:] or own[:1] or [_NOBODY])[-1].address
        return self.at(address, moment_ns)

    def not_accepting(self, answered_by: str, moment_ns: int) -> str:
        """Who did not accept a request at that moment that the address `answered_by` answered in
        the end: whom the balancer found down soon after, else the only other one that requests
        were sent to then, or where there was no other that same one. Empty where it cannot be told.
        """
        down = self.marked_down(moment_ns, moment_ns + _SOON_NS, why="Layer4")
        if down:
            return self.named(down[0].server, down[0].at_ns)
        if any(
            change.is_up and moment_ns - _SOON_NS <= change.at_ns <= moment_ns
            for change in self._changes
        ):
            # One that has just come may be it, and has answered nothing so far.
            return ""
        sent_to = [
            tenure
            for tenure in self._tenures
            if tenure.since_ns <= moment_ns <= tenure.until_ns + _SOON_NS
        ]
        # What one of a pool does not take is sent to another of that pool alone.
        pools = {tenure.pool for tenure in sent_to if tenure.address == answered_by} - {""}
        beside = [tenure for tenure in sent_to if not pools or tenure.pool in {*pools, ""}]
        others = {tenure.address for tenure in beside} - {answered_by}
        if len(others) > 1:
            return ""
        return self.at((others or {answered_by}).pop(), moment_ns)

    def ended(self, name: str, since_ns: int, until_ns: int) -> bool:
        """Whether its container, or of a component one of its, ended within [since, until]."""
        ends = re.compile(rf"die {re.escape(name)}(-\d+)?")
        return any(
            ends.fullmatch(mark.name) and since_ns <= mark.at_ns <= until_ns for mark in self.events
        )

    def marked_down(self, since_ns: int, until_ns: int, *, why: str = "") -> Sequence[ServerChange]:
        """What the balancer found down in [since, until], for a reason that holds `why`."""
        return [
            change
            for change in self._changes
            if change.is_down and since_ns <= change.at_ns <= until_ns and why in change.text
        ]


def _tenures(changes: Sequence[ServerChange], served: Sequence[Served]) -> Iterator[_Tenure]:
    """Of all servers. `changes` are in the order of their moments, `served` of their first ones."""
    for server in {one.server for one in changes} | {one.server for one in served}:
        said = [change for change in changes if change.server == server]
        own = [one for one in served if one.server == server]
        pool = said[0].pool if said else ""
        for since_ns, until_ns in _sent_to(said, own):
            answering = [one for one in own if one.first_ns <= until_ns and one.last_ns >= since_ns]
            begins = [since_ns, *(one.first_ns for one in answering[1:])]
            addresses = [one.address for one in answering] or [""]
            for begin_ns, end_ns, address in zip(
                begins, (*begins[1:], until_ns), addresses, strict=True
            ):
                yield _Tenure(since_ns=begin_ns, until_ns=end_ns, address=address, pool=pool)


def _sent_to(said: Sequence[ServerChange], own: Sequence[Served]) -> Iterator[tuple[int, int]]:
    """(since, until) of each time in which requests were sent to a server."""
    # Of a server that is there from the start nothing is said as it comes.
    is_there = own and not (said and said[0].at_ns <= own[0].first_ns)
    since_ns = own[0].first_ns if is_there else None
    for change in said:
        if change.is_let_go and since_ns is not None and change.at_ns > since_ns:
            yield since_ns, change.at_ns
            since_ns = None
        elif change.is_up and since_ns is None:
            since_ns = change.at_ns
    if since_ns is not None:
        yield since_ns, _NEVER_NS
