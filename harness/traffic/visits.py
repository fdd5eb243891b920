"""What visitors do, and how each kind of visit goes. Each raises Ended where it fails."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from harness.model.outcome import Outcome
from harness.model.traffic import Stream
from harness.model.visit import VisitKind
from harness.traffic.events import listen
from harness.traffic.prepared import Prepared
from harness.traffic.visiting import Ended, Visiting
from harness.traffic.websocket import talk

__all__ = ["carry_out", "later"]

_COOKIE: Final = re.compile(rb"(?:^|[,\s])session=([!-+\--:<-~]+)")
_NAMED: Final = re.compile(rb'href="(/[!#-~]{1,200})"')
_HEADERS: Final[Mapping[VisitKind, Mapping[str, str]]] = {
    VisitKind.session: {"Cookie": "session={token}"},
    VisitKind.events: {"Last-Event-ID": "{last}"},
}


def later(stream: Stream) -> Stream:
    """The requests of a visit after its first, as a stream."""
    visit = stream.visit
    if visit is None:
        raise ValueError(f"stream {stream.name!r} has no visits")
    headers = {**stream.headers, **_HEADERS.get(visit.kind, {})}
    alike = replace(stream, visit=None, headers=headers)
    if not visit.then_path:
        return alike
    return replace(
        alike,
        path=visit.then_path,
        method="GET",
        body="",
        write=False,
        expect_body=visit.then_body,
        expect_text=visit.then_text,
    )


def carry_out(visiting: Visiting) -> tuple[Outcome, str]:
    """The whole visit: its outcome, and why where it is not `ok`. Raises OSError, MalformedError
    for what breaks its connection.
    """
    try:
        _VISITS[visiting.visit.kind](visiting)
    except Ended as ended:
        return ended.outcome, ended.text
    return Outcome.ok, ""


def _idle(v: Visiting) -> None:
    v.ask(v.first, _request(v, v.first))
    while v.goes_on():
        v.wait(v.visit.every_s)
    v.ask(v.then, _request(v, v.then))


def _page(v: Visiting) -> None:
    v.ask(v.first, _request(v, v.first))
    page, _ = v.first.expected.decoded(v.flight.answer)
    named = _NAMED.search(page)
    if named is None:
        raise Ended(Outcome.wrong_body, "the page names no asset")
    while v.goes_on():
        v.wait(v.visit.every_s)
    v.ask(v.then, _request(v, v.then).replace(b"/{asset}", named[1]))
    asset, _ = v.then.expected.decoded(v.flight.answer)
    digest = hashlib.sha256(asset).hexdigest()[:12]
    if digest.encode() not in named[1]:
        raise Ended(
            Outcome.wrong_body,
            f"the asset {named[1]!r} is not what its name says: its content's hash is {digest}",
        )


def _session(v: Visiting) -> None:
    v.ask(v.first, _request(v, v.first))
    cookie = _COOKIE.search(v.flight.answer.fields.get(b"set-cookie", b""))
    if cookie is None:
        raise Ended(Outcome.wrong_header, "the login gave no cookie named session")
    request = _request(v, v.then).replace(b"{token}", cookie[1])
    goes_on = True
    while goes_on:
        goes_on = v.wait(v.visit.every_s)
        # The last time too, after it was let go: that is when a swap is over.
        v.ask(v.then, request)


def _request(v: Visiting, prepared: Prepared) -> bytes:
    return prepared.request(v.flight.identity, v.account.seq)


_VISITS: Final[Mapping[VisitKind, Callable[[Visiting], None]]] = {
    VisitKind.idle: _idle,
    VisitKind.page: _page,
    VisitKind.session: _session,
    VisitKind.events: listen,
    VisitKind.websocket: talk,
}
