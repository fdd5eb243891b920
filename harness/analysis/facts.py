"""What is known of a failed or slow request, from the logs that it passed: what causes rest on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.analysis.loglines import BalancerLine, EdgeLine, WebsiteLine
from harness.analysis.logs import NO_SERVER, Logs
from harness.model.outcome import Cache

__all__ = ["Fact", "facts", "facts_of_run", "parts_ms"]

Fact = str | int | float | bool
_PLACES: Final = (
    "sender", "before_edge", "edge", "balancer", "queue", "connect", "before_website", "website",
    "store",
)  # fmt: skip
_VISITOR_LEFT: Final = 499
"""NGINX's status of a request that it did not answer in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passed:
    """The lines of one request."""

    edge: EdgeLine | None
    balancer: BalancerLine | None
    website: WebsiteLine | None


def facts(row: Mapping[str, Any], logs: Logs, *, is_slow: bool) -> dict[str, Fact]:
    """Facts by name (causes.toml lists them); `row` is one of analysis.requests."""
    seq = int(row["seq"])
    passed = _Passed(
        edge=logs.edge.get(seq), balancer=logs.balancer.get(seq), website=logs.website.get(seq)
    )
    found: dict[str, Fact] = {
        "state": "slow" if is_slow else "failed",
        "outcome": str(row["outcome"]),
        "status": int(row["status"]),
        "copied": str(row["cache"]) == Cache.hit.name,
    }
    for component, line in (
        ("edge", passed.edge),
        ("balancer", passed.balancer),
        ("website", passed.website),
    ):
        if component in logs.known:
            found[f"at_{component}"] = line is not None
    found["reload_failed"] = logs.reload_failed
    if passed.edge is not None:
        found["edge_status"] = passed.edge.status
        if passed.edge.lost:
            found["balancer_lost"] = passed.edge.lost
    if passed.balancer is not None:
        found |= {
            "termination": passed.balancer.termination,
            "has_server": passed.balancer.server != NO_SERVER,
            "retries": passed.balancer.retries,
        }
    if passed.website is not None:
        found["website_status"] = passed.website.status
        if passed.website.lacks:
            found["website_lacks"] = passed.website.lacks
    if passed.edge is not None and not is_slow:
        parts = parts_ms(row, passed.edge, None, None)
        found["outside_edge"] = (
            passed.edge.status != _VISITOR_LEFT and parts["before_edge"] > sum(parts.values()) / 2
        )
    if is_slow and "edge" in logs.known:
        parts = parts_ms(row, passed.edge, passed.balancer, passed.website)
        found["longest"] = max(_PLACES, key=lambda place: parts.get(place, 0.0))
    return found


def facts_of_run(environment: Mapping[str, Fact]) -> dict[str, Fact]:
    """What holds of every request, by the run's recorded environment; facts by name."""
    edge, balancer = (environment.get(f"{who}_keeps_ms") for who in ("edge", "balancer"))
    if not isinstance(edge, int) or not isinstance(balancer, int):
        return {}
    return {"edge_keeps_longer": edge >= balancer}


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
