"""What each component of the stack wrote of a request, joined by the request's id."""

import json
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeVar

from harness.analysis.edge_errors import lost_last, read_finishing, read_lost
from harness.analysis.loglines import (
    BalancerLine,
    EdgeLine,
    ProcessEnd,
    Served,
    ServerChange,
    WebsiteLine,
    balancer_line,
    edge_line,
    process_end,
    server_change,
    wall_ns_of,
    website_line,
)

__all__ = ["Logs", "read_logs"]

EDGE_LOG: Final = "nginx.jsonl"
BALANCER_LOGS: Final = "haproxy*.log"
BALANCER_PRINTED: Final = "balancer.printed.txt"
_FAILURE: Final = b": Loading failure!"
_WEBSITE_LOGS: Final = "website-*.jsonl"
T = TypeVar("T")
MISSING: Final = "gathering-errors.txt"
_MOST_MISSING: Final = 500
_MOST_DIGITS: Final = 20
"""Of a seq: it takes 64 bits."""
_UNTRIED: Final = b'"retries": 0,'
NO_SERVER: Final = "<NOSRV>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """By seq; only of the requests that were asked for, but for `retried`."""

    edge: dict[int, EdgeLine] = field(default_factory=dict)
    balancer: dict[int, BalancerLine] = field(default_factory=dict)
    website: dict[int, WebsiteLine] = field(default_factory=dict)
    retried: dict[int, BalancerLine] = field(default_factory=dict)
    """Every request that HAProxy sent, or tried to send, more than once."""
    edge_retried: dict[int, EdgeLine] = field(default_factory=dict)
    """Every request for which NGINX asked the balancer more than once."""
    changes: tuple[ServerChange, ...] = ()
    ends: tuple[ProcessEnd, ...] = ()
    """Of HAProxy's processes."""
    finishing: tuple[int, ...] = ()
    """When workers of NGINX's were told to finish, monotonic, rounded down to a second."""
    reload_failed: bool = False
    """Whether HAProxy's master said of a reload that it failed; it does not say when."""
    served: tuple[Served, ...] = ()
    """Of every request that HAProxy logged."""
    known: frozenset[str] = frozenset()
    """Which of `edge`, `balancer` and `website` left a log: the website where each instance did."""
    unread: int = 0
    """Lines that could not be read; the last of a container that died may be cut."""
    missing: str = ""
    """What could not be gathered of them, and why: untrusted text."""


def read_logs(
    folder: Path,
    run: str,
    wanted: Container[int],
    mono_ns: Callable[[int], int],
    *,
    instances: Iterable[str] = (),
) -> Logs:
    """The lines of the wanted requests of `run`, and of all that were tried again.

    `mono_ns` turns nanoseconds since the epoch into monotonic ones; `instances` are those of the
    website that there were. Lines of others (health checks, other programs) are passed over;
    raises nothing for what cannot be read. A proxy's log without a line is none: each writes one
    of every request.
    """
    prefix = f"{run}-".encode()
    at_edge = _lines(folder / EDGE_LOG)
    at_balancer = _of_balancers(folder)
    paths = {*folder.glob(_WEBSITE_LOGS), *(folder / f"{name}.jsonl" for name in instances)}
    at_website = [_lines(path) for path in sorted(paths)]
    edge, again, bad = _of_edge(at_edge or (), prefix, wanted, mono_ns)
    lost = read_lost(folder)
    edge = {
        seq: replace(line, lost=lost_last(lost, line.connection, line.at_s, line.tries))
        for seq, line in edge.items()
    }
    balancer, said, served, worse = _of_balancer(at_balancer or (), prefix, wanted, mono_ns)
    website: dict[int, WebsiteLine] = {}
    for lines in at_website:
        for raw in lines or ():
            seq = _seq(raw, b'"request": "' + prefix)
            if seq is not None and seq in wanted:
                worse += not _keep_last(website, seq, raw, mono_ns)
    return Logs(
        edge=edge,
        balancer=balancer,
        website=website,
        retried={seq: line for seq, line in balancer.items() if line.retries},
        edge_retried={seq: edge[seq] for seq in again},
        changes=tuple(one for one in said if isinstance(one, ServerChange)),
        ends=tuple(one for one in said if isinstance(one, ProcessEnd)),
        finishing=tuple(mono_ns(int(at_s) * 10**9) for at_s in read_finishing(folder)),
        reload_failed=any(_FAILURE in line for line in _lines(folder / BALANCER_PRINTED) or ()),
        served=served,
        known=frozenset(
            name
            for name, is_known in (
                ("edge", at_edge),
                ("balancer", at_balancer),
                ("website", at_website and all(lines is not None for lines in at_website)),
            )
            if is_known
        ),
        unread=bad + worse,
        missing=_missing(folder / MISSING),
    )


def _missing(path: Path) -> str:
    """One line, bounded; empty where all was gathered."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return "; ".join(file.read(_MOST_MISSING).splitlines())
    except OSError:
        return ""


def _of_edge(
    lines: Iterable[bytes],
    prefix: bytes,
    wanted: Container[int],
    mono_ns: Callable[[int], int],
) -> tuple[dict[int, EdgeLine], list[int], int]:
    """Lines by seq, the seqs that NGINX asked for more than once, how many were unreadable."""
    found: dict[int, EdgeLine] = {}
    again: list[int] = []
    bad = 0
    for raw in lines:
        is_again = b", " in _between(raw, b'"upstream":"', b'"')
        seq = _seq(raw, b'"request_id":"' + prefix)
        if seq is not None and (is_again or _is_cut(raw) or seq in wanted):
            kept = _keep(found, seq, raw, partial(edge_line, mono_ns=mono_ns))
            bad += not kept
            again += [seq] if is_again and kept else []
    return found, again, bad


def _of_balancer(
    lines: Iterable[bytes],
    prefix: bytes,
    wanted: Container[int],
    mono_ns: Callable[[int], int],
) -> tuple[dict[int, BalancerLine], list[ServerChange | ProcessEnd], tuple[Served, ...], int]:
    """Lines by seq, what was said of servers and of processes, who served, how many were
    unreadable.
    """
    found: dict[int, BalancerLine] = {}
    said: list[ServerChange | ProcessEnd] = []
    served: dict[tuple[bytes, bytes], tuple[bytes, bytes]] = {}
    bad = 0
    for raw in lines:
        moment, _, rest = raw.partition(b" ")
        if not rest.startswith(b"{"):
            told = server_change(moment, rest, mono_ns) or process_end(moment, rest, mono_ns)
            said += [told] if told else []
            continue
        seq = _seq(rest, b'"request_id": "' + prefix)
        whom = _between(rest, b'"server": "', b'"'), _between(rest, b'"address": "', b'"')
        if whom[1]:
            served[whom] = served.get(whom, (moment, moment))[0], moment
        if seq is not None and (_UNTRIED not in rest or _is_cut(rest) or seq in wanted):
            wall_ns = wall_ns_of(moment)
            at_ns = mono_ns(wall_ns) if wall_ns is not None else 0
            bad += not _keep(found, seq, rest, partial(balancer_line, at_ns=at_ns))
    return found, said, tuple(_served(served, mono_ns)), bad


def _served(
    served: dict[tuple[bytes, bytes], tuple[bytes, bytes]], mono_ns: Callable[[int], int]
) -> Iterator[Served]:
    for (server, address), moments in served.items():
        first, last = (wall_ns_of(moment) for moment in moments)
        if first is not None and last is not None:
            yield Served(
                server=server.decode("utf-8", "replace"),
                address=address.decode("utf-8", "replace"),
                first_ns=mono_ns(first),
                last_ns=mono_ns(last),
            )


def _keep(found: dict[int, T], seq: int, raw: bytes, make: Callable[[Any], T]) -> bool:
    """False where the line cannot be read."""
    try:
        found[seq] = make(json.loads(raw))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return False
    return True


def _is_cut(raw: bytes) -> bool:
    """Whether a line's end is missing; it may have told of another try."""
    return not raw.endswith(b"}")


def _keep_last(
    found: dict[int, WebsiteLine], seq: int, raw: bytes, mono_ns: Callable[[int], int]
) -> bool:
    """As `_keep`; of several instances' lines of a visit the latest one stays, whoever wrote it."""
    before = found.get(seq)
    is_kept = _keep(found, seq, raw, partial(website_line, mono_ns=mono_ns))
    if before is not None and found[seq].at_ns < before.at_ns:
        found[seq] = before
    return is_kept


def _lines(path: Path) -> list[bytes] | None:
    """None where there is no such log."""
    try:
        return path.read_bytes().splitlines()
    except OSError:
        return None


def _of_balancers(folder: Path) -> list[bytes] | None:
    """Of all of them, each of which has a file of its own, in the order of the dates before lines.
    None where there is no such log.
    """
    files = [_lines(path) or [] for path in sorted(folder.glob(BALANCER_LOGS))]
    if len(files) > 1:
        return sorted(chain(*files), key=lambda line: line.partition(b" ")[0])
    return files[0] if files else None


def _seq(raw: bytes, before: bytes) -> int | None:
    """The number after `before`, up to a quote; None of what no seq can be."""
    digits = _between(raw, before, b'"')
    return int(digits) if digits.isdigit() and len(digits) <= _MOST_DIGITS else None


def _between(raw: bytes, before: bytes, after: bytes) -> bytes:
    start = raw.find(before)
    if start < 0:
        return b""
    start += len(before)
    return raw[start : raw.find(after, start)]
