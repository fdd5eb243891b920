"""What is known of a failed or slow request, from the logs that it passed: what causes rest on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.analysis.loglines import BalancerLine, EdgeLine, WebsiteLine
from harness.analysis.logs import NO_SERVER, Logs
from harness.model.outcome import Cache, Outcome

__all__ = ["Fact", "Passed", "certificate_fault", "facts", "facts_of_run", "parts_ms", "passed"]

Fact = str | int | float | bool
_PLACES: Final = (
    "sender", "before_edge", "edge", "balancer", "queue", "connect", "before_website", "website",
    "store",
)  # fmt: skip
_VISITOR_LEFT: Final = 499
"""NGINX's status of a request that it did not answer in time."""
_UNREAD: Final = frozenset(
    outcome.name
    for outcome in (
        Outcome.refused,
        Outcome.unreachable,
        Outcome.connect_timeout,
        Outcome.closed_in_handshake,
        Outcome.handshake_timeout,
        Outcome.handshake_failed,
        Outcome.untrusted,
    )
)
"""Endings of what was never sent, as its connection did not come about."""
_TIMED_OUT: Final = frozenset({Outcome.answer_timeout.name, Outcome.read_timeout.name})
_GIVEN_UP: Final = _TIMED_OUT | {Outcome.unfinished.name}
_FAULTS: Final = {
    "certificate has expired": "expired",
    "certificate is not yet valid": "early",
    "mismatch, certificate is not valid for": "misnamed",
    "unable to get local issuer": "unknown",
    "self-signed": "unknown",
    "self signed": "unknown",
    "unable to verify the first certificate": "unknown",
}
"""What OpenSSL says of a certificate (X509_verify_cert_error_string), and Python of its name."""
_ROUNDED_NS: Final = 20_000_000
"""By how much the moments of lines may differ: NGINX counts in milliseconds, timers come late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """The lines of one request."""

    edge: EdgeLine | None = None
    balancer: BalancerLine | None = None
    website: WebsiteLine | None = None


def passed(row: Mapping[str, Any], logs: Logs, exchange_ns: int = 0) -> Passed:
    """The lines of a request; of a visit those of the exchange that failed, its last one.

    `exchange_ns` is how long an exchange of a visit may take; 0: it is none. All of a visit's carry
    one id, and each log's last line of it may be an earlier exchange's, where the one that failed
    did not come that far.
    """
    seq = int(row["seq"])
    edge, balancer, website = logs.edge.get(seq), logs.balancer.get(seq), logs.website.get(seq)
    if not exchange_ns or edge is None:
        return Passed(edge=edge, balancer=balancer, website=website)
    is_read = str(row["outcome"]) not in _UNREAD
    if str(row["outcome"]) in _GIVEN_UP:
        is_read = _is_since(edge.at_ns, int(row["finished_ns"]) - exchange_ns)
    if not is_read:
        return Passed()
    if not edge.tries:
        return Passed(edge=edge)
    since_ns = edge.begun_ns
    if balancer is not None and not _is_since(balancer.at_ns, since_ns):
        balancer = None
    since_ns = since_ns if balancer is None else max(since_ns, balancer.begun_ns)
    if website is not None and not _is_since(website.at_ns, since_ns):
        website = None
    return Passed(edge=edge, balancer=balancer, website=website)


def _is_since(at_ns: int, since_ns: int) -> bool:
    """Whether a line of that moment is not older; one that does not say counts as such."""
    return not at_ns or at_ns >= since_ns - _ROUNDED_NS


def facts(
    row: Mapping[str, Any], logs: Logs, *, is_slow: bool, exchange_ns: int = 0
) -> dict[str, Fact]:
    """Facts by name (causes.toml lists them); `row` is one of analysis.requests, `exchange_ns` as
    for `passed`.
    """
    lines = passed(row, logs, exchange_ns)
    found: dict[str, Fact] = {
        "state": "slow" if is_slow else "failed",
        "outcome": str(row["outcome"]),
        "status": int(row["status"]),
        "copied": str(row["cache"]) == Cache.hit.name,
        "reused": int(row["reuse"]) > 0,
    }
    for component, line in (
        ("edge", lines.edge),
        ("balancer", lines.balancer),
        ("website", lines.website),
    ):
        if line is not None or component in logs.known:
            found[f"at_{component}"] = line is not None
    found["reload_failed"] = logs.reload_failed
    if lines.edge is not None:
        found |= {"edge_status": lines.edge.status, "edge_asked": lines.edge.tries > 0}
        if lines.edge.lost:
            found["balancer_lost"] = lines.edge.lost
    if lines.balancer is not None:
        found |= {
            "termination": lines.balancer.termination,
            "has_server": lines.balancer.server != NO_SERVER,
            "retries": lines.balancer.retries,
            "passed_on": lines.balancer.status == int(row["status"]),
        }
    if lines.website is not None:
        found["website_status"] = lines.website.status
        is_other = lines.website.status != int(row["status"])
        found["website_seen"] = not (row["outcome"] == Outcome.wrong_status.name and is_other)
        if lines.website.lacks:
            found["website_lacks"] = lines.website.lacks
    if lines.edge is not None and not is_slow:
        found |= _outside(row, lines.edge, exchange_ns)
    if is_slow and "edge" in logs.known:
        parts = parts_ms(row, lines.edge, lines.balancer, lines.website)
        found["longest"] = max(_PLACES, key=lambda place: parts.get(place, 0.0))
    return found


def _outside(row: Mapping[str, Any], edge: EdgeLine, exchange_ns: int) -> dict[str, Fact]:
    """`outside_edge`; of a visit by the exchange that failed, whose beginning is known where it
    was out of time.
    """
    if exchange_ns:
        if str(row["outcome"]) not in _TIMED_OUT:
            return {}
        began_ns = int(row["finished_ns"]) - exchange_ns
        row = {**row, "due_ns": began_ns, "sent_ns": began_ns}
    parts = parts_ms(row, edge, None, None)
    return {
        "outside_edge": edge.status != _VISITOR_LEFT
        and parts["before_edge"] > sum(parts.values()) / 2
    }


def facts_of_run(environment: Mapping[str, Fact]) -> dict[str, Fact]:
    """What holds of every request, by the run's recorded environment; facts by name."""
    found: dict[str, Fact] = {"app_unlogged": environment.get("website_logs") is False}
    if "certificate_until" in environment:
        found["certificate_until"] = environment["certificate_until"]
    edge, balancer = (environment.get(f"{who}_keeps_ms") for who in ("edge", "balancer"))
    if isinstance(edge, int) and isinstance(balancer, int):
        found["edge_keeps_longer"] = edge >= balancer
    return found


def certificate_fault(said: str) -> dict[str, Fact]:
    """`certificate`, by what the visitor's TLS said of one that does not verify; nothing where that
    is none of the known faults.
    """
    found = next((fault for text, fault in _FAULTS.items() if text in said), "")
    return {"certificate": found} if found else {}


def parts_ms(
    row: Mapping[str, Any],
    edge: EdgeLine | None,
    balancer: BalancerLine | None,
    website: WebsiteLine | None,
) -> dict[str, float]:
    """Where a request's time went, in ms from due to finished; the parts add up to it.

    A component that wrote no line keeps its part with the one before it. Milliseconds that are
    rounded in the logs may make a part slightly negative: it is taken as 0.
    """
    total = (int(row["finished_ns"]) - int(row["due_ns"])) / 1e6
    sender = (int(row["sent_ns"]) - int(row["due_ns"])) / 1e6 if row["sent_ns"] else total
    left = total - sender
    parts = {"sender": sender}
    if edge is None:
        return _held(parts | {"before_edge": left})
    parts["before_edge"] = left - edge.request_ms
    parts["edge"] = edge.request_ms - edge.response_ms
    if balancer is None:
        return _held(parts | {"balancer": edge.response_ms})
    waited = [balancer.queue_ms, balancer.connect_ms, balancer.response_ms]
    queue, connect, response = (max(0, value) for value in waited)
    parts |= {"queue": queue, "connect": connect}
    parts["balancer"] = edge.response_ms - queue - connect - response
    if website is None:
        return _held(parts | {"before_website": response})
    own = min(website.duration_ms, response)
    store = min(website.store_ms, own)
    return _held(parts | {"website": own - store, "store": store, "before_website": response - own})


def _held(parts: dict[str, float]) -> dict[str, float]:
    return {place: max(0.0, value) for place, value in parts.items()}
