"""Paying one visit to a scripted server."""

import hashlib
from collections.abc import Callable

from scripted import Behaviour, Peer, Scripted
from talk import stream

from harness.model.arrivals import Arrival
from harness.model.row import Sample
from harness.model.traffic import Traffic
from harness.model.visit import Visit, Visited, VisitKind
from harness.traffic.client import Client
from sample_app import websocket

CSS = b".line-1 { order: 1; }"
ASSET = f"/assets/site-{hashlib.sha256(CSS).hexdigest()[:12]}.css"
PAGE = f'<link rel="stylesheet" href="{ASSET}">'

STREAMS = {
    VisitKind.idle: {},
    VisitKind.page: {"path": "/page", "expect_body": {"v1": PAGE}},
    VisitKind.session: {
        "path": "/login", "method": "POST", "body": "user-{operation} basket-{operation}",
        "expect_body": {"*": "welcome user-{operation}"},
    },
    VisitKind.events: {"path": "/events", "expect_body": None, "expect_text": "data: "},
    VisitKind.websocket: {"path": "/websocket", "expect_body": None, "expect_status": 101},
}  # fmt: skip
THEN = {
    VisitKind.page: {"then_path": "/{asset}", "then_text": ".line-1 "},
    VisitKind.session: {
        "then_path": "/account",
        "then_body": {"*": "user user-{operation} holds basket-{operation}"},
    },
}

Pay = Callable[..., tuple[Sample, Visited, str]]


def pay_visit(
    kind: VisitKind,
    script: Behaviour | list[Behaviour],
    *,
    lasts_s: float = 0.1,
    timeout_s: float = 5.0,
) -> tuple[Sample, Visited, str]:
    """Its sample, its account, and why it failed."""
    what = Visit(kind=kind, lasts_s=lasts_s, every_s=0.02, **THEN.get(kind, {}))  # type: ignore[arg-type]
    visited: list[Visited] = []
    details = [""]
    with Scripted(script) as server:
        client = Client(
            host="127.0.0.1",
            port=server.port,
            authority="site.test",
            run="r1",
            traffic=Traffic(streams=(stream(visit=what, timeout_s=timeout_s, **STREAMS[kind]),)),
            detail=lambda _seq, _outcome, text: details.append(text),
            visited=visited.append,
        )
        sample = client.send(Arrival(0, 0, 1))
        client.close()
    (account,) = visited
    return sample, account, details[-1]


def accepting(peer: Peer) -> bytes:
    """The answer to a WebSocket's handshake."""
    lines = peer.request.decode().split("\r\n")
    key = next(line[19:] for line in lines if line.lower().startswith("sec-websocket-key: "))
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {websocket.accepted(key)}\r\n"
        "X-Release: v1\r\nX-Instance: i1\r\n\r\n"
    ).encode()
