"""Log lines as the stack's components write them."""

import json
from datetime import UTC, datetime

from synthetic import RUN, START, S

WALL = 1_767_323_045 * S
"""Since the epoch, when the monotonic clock of the synthetic run reads START."""


def edge(seq, **changes):
    line = {
        "at_s": 1.0, "request_id": f"{RUN}-{seq}", "method": "GET", "uri": "/", "status": 200,
        "bytes": 12, "request_s": 0.003, "upstream": "10.0.0.3:8080", "upstream_status": "200",
        "connect_s": "0.000", "header_s": "0.002", "response_s": "0.002", "cache": "MISS",
        "tls": "", "tls_resumed": "", "gzip_ratio": "", "connection": 1,
        "connection_requests": 1, "completion": "OK",
    }  # fmt: skip
    return json.dumps(line | changes, separators=(",", ":"))


def stamp(at_s):
    """HAProxy's date of a moment, in seconds since the schedule began."""
    moment = datetime.fromtimestamp((WALL + int(at_s * S)) // 1_000 / 1e6, UTC)
    return moment.isoformat(timespec="microseconds")


def balancer(seq, at_s=1.0, **changes):
    line = {
        "request_id": f"{RUN}-{seq}", "accepted_s": 1, "accepted_ms": 1, "server": "slot1",
        "address": "10.0.0.4", "status": 200, "termination": "----", "request_ms": 0,
        "queue_ms": 0, "connect_ms": 0, "response_ms": 2, "active_ms": 2, "retries": 0,
        "bytes": 186, "method": "GET", "uri": "/", "server_queue": 0, "backend_queue": 0,
        "server_connections": 1,
    }  # fmt: skip
    return f"{stamp(at_s)} {json.dumps(line | changes)}"


def said(at_s, text):
    """What HAProxy says of a server."""
    return f"{stamp(at_s)} {text}"


def website(seq, **changes):
    line = {
        "at_ns": WALL, "request": f"{RUN}-{seq}", "method": "GET", "path": "/", "status": 200,
        "duration_us": 1_000, "instance": "website-1", "release": "v1",
    }  # fmt: skip
    return json.dumps(line | changes)


def write(folder, *, edges=(), balancers=(), websites=()):
    """The logs of a run folder."""
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    for name, lines in (
        ("nginx.jsonl", edges), ("haproxy.log", balancers), ("website-1.jsonl", websites),
    ):  # fmt: skip
        (logs / name).write_text("".join(f"{line}\n" for line in lines))


def monotonic(wall_ns):
    return wall_ns - WALL + START
