"""Attribution: each failed or slow request to a cause, a component and a step of the swap."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd

from harness.analysis.causes import Cause, cause_of
from harness.analysis.facts import Fact, Passed, certificate_fault, facts, passed
from harness.analysis.latency import Limit
from harness.analysis.logs import Logs
from harness.analysis.pauses import Pauses
from harness.analysis.phases import SECOND_NS, Step, begun_at
from harness.analysis.requests import FAILED, NOT_SENT, OK, UNKNOWN
from harness.analysis.servers import Servers
from harness.model.outcome import Outcome
from harness.model.result import Attribution

__all__ = ["attributions", "bad_requests"]

_EXAMPLES: Final = 20
_NOTICED_NS: Final = 5 * SECOND_NS
_CUT_NS: Final = SECOND_NS // 10
"""A cut may be seen before the log's line of it is written."""
_ROUNDED_NS: Final = SECOND_NS
"""NGINX dates what it says of itself in whole seconds."""
_MOST: Final = 5_000
"""Requests that are looked at one by one; beyond, they are spread evenly over all."""
_BESIDE: Final = 15
"""Requests before and after one in the order of their due times: 50 ms at 300/s."""
_NOT_CONNECTED: Final = frozenset({"SC", "sC"})
"""HAProxy's line then names whom it could not connect to; the website's is of an earlier try."""
UNATTRIBUTED: Final = "unattributed"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Blamed:
    """A request with what is to blame; `at_ns` is when it showed."""

    seq: int
    at_ns: int
    is_slow: bool
    cause: Cause | None
    instance: str
    step: Step | None
    told: dict[str, Any]


def bad_requests(requests: pd.DataFrame, limits: Mapping[str, Limit | None]) -> pd.DataFrame:
    """Those that failed, are unknown or were not sent, and successes above their stream's limit;
    with `is_slow`.
    """
    allowed = {name: limit.limit_ms for name, limit in limits.items() if limit is not None}
    most = requests["stream"].astype("str").map(allowed).fillna(np.inf).to_numpy(dtype=float)
    slow = ((requests["state"] == OK) & (requests["latency_ms"].to_numpy() > most)).to_numpy()
    failed = requests["state"].isin([FAILED, UNKNOWN, NOT_SENT]).to_numpy()
    return requests[slow | failed].assign(is_slow=slow[slow | failed])


def attributions(
    bad: pd.DataFrame,
    logs: Logs,
    servers: Servers,
    steps: Iterable[Step],
    start_ns: int,
    *,
    of_run: Mapping[str, Fact] = MappingProxyType({}),
    exchange_ns: Mapping[str, int] = MappingProxyType({}),
    details: Mapping[int, str] = MappingProxyType({}),
) -> tuple[Attribution, ...]:
    """One for each cause, instance and step, of failed and of slow requests apart; those of most
    requests first.

    `of_run` are the facts that hold of every request, `exchange_ns` says by stream that makes
    visits how long an exchange of theirs may take (analysis.facts.passed), `details` by seq what
    the sender wrote down of a failure. Of more than 5,000 bad requests an even choice is looked at,
    and the counts are scaled up.
    """
    ordered = list(steps)
    pauses = Pauses(servers.events, bad)
    rows = bad if len(bad) <= _MOST else bad.iloc[:: -(-len(bad) // _MOST)]
    scale = len(bad) / len(rows) if len(rows) else 1.0
    groups: dict[tuple[bool, str, str, str, int], list[_Blamed]] = {}
    for row in rows.to_dict("records"):
        known = {str(key): value for key, value in row.items()}
        one = _blamed(
            known,
            logs,
            servers,
            pauses,
            ordered,
            of_run=of_run,
            exchange_ns=exchange_ns.get(str(row["stream"]), 0),
            said=details.get(int(row["seq"]), ""),
        )
        name = one.cause.name if one.cause else UNATTRIBUTED
        step = (one.step.name, one.step.swap) if one.step else ("", 0)
        groups.setdefault((one.is_slow, name, one.instance, *step), []).append(one)
    found = [_attribution(group, servers, start_ns, scale) for group in groups.values()]
    return tuple(sorted(found, key=lambda one: (-(one.failed + one.slow), one.first_s)))


def _blamed(
    row: dict[str, Any],
    logs: Logs,
    servers: Servers,
    pauses: Pauses,
    steps: list[Step],
    *,
    of_run: Mapping[str, Fact],
    exchange_ns: int,
    said: str,
) -> _Blamed:
    is_slow = bool(row["is_slow"])
    at_ns = int(row["due_ns"]) if is_slow else int(row["failed_ns"]) or int(row["due_ns"])
    lines = passed(row, logs, exchange_ns)
    known = {
        **of_run,
        **facts(row, logs, is_slow=is_slow, exchange_ns=exchange_ns),
        **_around(row, lines, logs, servers, pauses, at_ns=at_ns, exchange_ns=exchange_ns),
    }
    if row["outcome"] == Outcome.untrusted.name:
        known |= certificate_fault(said)
    cause = cause_of(known)
    return _Blamed(
        seq=int(row["seq"]),
        at_ns=at_ns,
        is_slow=is_slow,
        cause=cause,
        instance=_instance(row, cause, lines, logs, servers, at_ns=at_ns),
        step=begun_at(steps, at_ns),
        told={
            "status": known["status"],
            "termination": known.get("termination", ""),
            "retries": known.get("retries", 0),
            "until": known.get("certificate_until", "a moment that is not known"),
        },
    )


def _around(
    row: dict[str, Any],
    lines: Passed,
    logs: Logs,
    servers: Servers,
    pauses: Pauses,
    *,
    at_ns: int,
    exchange_ns: int,
) -> dict[str, Fact]:
    """Facts of what went on around the request, beside what it passed."""
    since_ns = int(row["sent_ns"]) or int(row["due_ns"])
    until_ns = max(int(row["finished_ns"]), at_ns)
    if exchange_ns:
        # What came to pass in a visit before the exchange that failed has nothing to do with it.
        since_ns = max(since_ns, until_ns - exchange_ns)
    found: dict[str, Fact] = {
        "balancer_ended": servers.ended("balancer", at_ns - _NOTICED_NS, at_ns + SECOND_NS)
    }
    for name, is_hard, noticed_ns in (
        ("hard_stopped", True, _NOTICED_NS),
        ("reloaded", False, SECOND_NS),
    ):
        found[name] = any(
            end.at_ns - _CUT_NS <= at_ns <= end.at_ns + noticed_ns
            for end in logs.ends
            if end.is_hard is is_hard
        )
    found["edge_finishing"] = any(
        told_ns - _CUT_NS <= at_ns <= told_ns + _ROUNDED_NS + SECOND_NS
        for told_ns in logs.finishing
    )
    edge, line = lines.edge, lines.balancer
    asked = ["edge"] if edge is not None and not edge.tries else ["edge", "balancer"]
    for component in asked:
        if "paused" not in found and pauses.held_up(component, since_ns, until_ns):
            found["paused"] = component
    if line is not None and line.retries:
        # Unknown who it was counts as another: HAProxy chooses another where it has one.
        first = servers.not_accepting(line.address, at_ns)
        found["elsewhere"] = not first or first != servers.at(line.address, at_ns)
    return found


def _instance(
    row: dict[str, Any],
    cause: Cause | None,
    lines: Passed,
    logs: Logs,
    servers: Servers,
    *,
    at_ns: int,
) -> str:
    """The instance that is to blame, where one is."""
    if cause is None or cause.component != "website":
        return ""
    line = lines.balancer
    if cause.name == "sent_elsewhere" and line is not None:
        # Its line names who answered in the end.
        return servers.not_accepting(line.address, at_ns)
    if cause.name == "kept_connection_broke":
        # Who had it was chosen as it was sent, which of an upload is long before it broke.
        return _breaking(int(row["seq"]), logs, servers, int(row["sent_ns"]) or at_ns)
    is_connected = line is None or line.termination not in _NOT_CONNECTED
    if lines.website is not None and is_connected:
        return lines.website.instance
    return servers.at(line.address, at_ns) if line is not None else str(row["instance"])


def _breaking(seq: int, logs: Logs, servers: Servers, sent_ns: int) -> str:
    """Whose connections broke: no log says it of this request, but those that were due beside it
    and found nobody who accepted tell; else the only one that served as it was sent.
    """
    beside = [logs.retried.get(other) for other in range(seq - _BESIDE, seq + _BESIDE + 1)]
    addresses = {line.address for line in beside if line is not None} or {""}
    names = {servers.not_accepting(address, sent_ns) for address in addresses}
    return names.pop() if len(names) == 1 else ""


def _attribution(
    group: list[_Blamed], servers: Servers, start_ns: int, scale: float
) -> Attribution:
    first = min(group, key=lambda one: (one.at_ns, one.seq))
    last = max(group, key=lambda one: one.at_ns)
    count = round(len(group) * scale)
    cause, step = first.cause, first.step
    return Attribution(
        cause=cause.name if cause else UNATTRIBUTED,
        component=cause.component if cause else "",
        instance=first.instance,
        swap=step.swap if step else 0,
        step=step.name if step else "",
        failed=0 if first.is_slow else count,
        slow=count if first.is_slow else 0,
        first_s=round((first.at_ns - start_ns) / SECOND_NS, 6),
        last_s=round((last.at_ns - start_ns) / SECOND_NS, 6),
        sentence=_sentence(count, first, last, servers),
        remedy=cause.remedy if cause else "",
        examples=tuple(one.seq for one in group[:_EXAMPLES]),
    )


def _sentence(count: int, first: _Blamed, last: _Blamed, servers: Servers) -> str:
    """``14 requests failed: HAProxy could not connect to website-1, from 38 to 92 ms after
    `stop website-1` began, before HAProxy marked it down``.
    """
    whom = first.instance or "an instance"
    says = (
        first.cause.says.format(instance=whom, server=whom, **first.told)
        if first.cause
        else "nothing in the logs says why"
    )
    letters = first.told["termination"]
    code = f" ({letters})" if letters and letters != "--" and not first.is_slow else ""
    noun = "request was" if count == 1 else "requests were"
    subject = (
        f"{count:,} {noun} slow"
        if first.is_slow
        else (f"{count:,} request{'' if count == 1 else 's'} failed")
    )
    return f"{subject}: {says}{code}{_when(first, last)}{_noticed(first, last, servers)}"


def _when(first: _Blamed, last: _Blamed) -> str:
    step = first.step
    if step is None:
        return ", before any step of a swap"
    since, until = ((one.at_ns - step.begin_ns) / 1e6 for one in (first, last))
    span = f"{since:,.0f} ms" if until - since < 1 else f"from {since:,.0f} to {until:,.0f} ms"
    return f", {span} after `{step.name}` began"


def _noticed(first: _Blamed, last: _Blamed, servers: Servers) -> str:
    """What the balancer itself found, where that ended or came with it.

    One that is offered to it begins as down too, by our own word: that is no finding.
    """
    if not first.instance:
        return ""
    down = [
        change
        for change in servers.marked_down(
            first.at_ns - SECOND_NS, last.at_ns + _NOTICED_NS, why="reason:"
        )
        if servers.named(change.server, change.at_ns) == first.instance
    ]
    if not down:
        return ""
    return (
        f", before HAProxy marked it down {(down[0].at_ns - first.at_ns) / 1e6:,.0f} ms later"
        if down[0].at_ns > first.at_ns
        else ", after HAProxy had marked it down"
    )
