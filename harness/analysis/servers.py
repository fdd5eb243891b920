"""Which instance a server of the balancer was, at which moment: by addresses."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.analysis.logs import Logs, ServerChange
from harness.model.mark import Mark, MarkKind

__all__ = ["Servers"]

_ADDRESS = re.compile(r" (?:IP changed|changed its IP) from .* to '?([0-9a-fA-F.:]+)'? by")
_STARTS = "start "


@dataclass(frozen=True, slots=True, kw_only=True)
class _Since:
    at_ns: int
    name: str


class Servers:
    """Names of instances by address and by server; empty where they are not known."""

    def __init__(self, marks: Iterable[Mark], logs: Logs) -> None:
        self._by_address: dict[str, list[_Since]] = {}
        for mark in sorted(marks, key=lambda mark: mark.at_ns):
            address = str(mark.detail.get("address", ""))
            if mark.kind is MarkKind.event and mark.name.startswith(_STARTS) and address:
                named = _Since(at_ns=mark.at_ns, name=str(mark.detail["instance"]))
                self._by_address.setdefault(address, []).append(named)
        self._changes = sorted(logs.changes, key=lambda change: change.at_ns)

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
        return self.at(address, moment_ns)

    def marked_down(self, since_ns: int, until_ns: int, *, why: str = "") -> Sequence[ServerChange]:
        """What the balancer found down in [since, until], for a reason that holds `why`."""
        return [
            change
            for change in self._changes
            if change.is_down and since_ns <= change.at_ns <= until_ns and why in change.text
        ]
