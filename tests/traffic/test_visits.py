"""Visits: what is asked, what ends them, and what is noted of them."""

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from driving import until
from scripted import Behaviour, Peer, Scripted, chunked, whole
from talk import stream

from harness.model.arrivals import Arrival
from harness.model.outcome import Outcome
from harness.model.row import Sample
from harness.model.traffic import Traffic
from harness.model.visit import Until, Visit, Visited, VisitKind
from harness.traffic.client import Client
from harness.traffic.holding import Holding
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


@pytest.fixture
def pay() -> Pay:
    """Pays one visit to a scripted server: its sample, its account, and why it failed."""

    def visit(
        kind: VisitKind, script: Behaviour | list[Behaviour], *, lasts_s: float = 0.1
    ) -> tuple[Sample, Visited, str]:
        what = Visit(kind=kind, lasts_s=lasts_s, every_s=0.02, **THEN.get(kind, {}))  # type: ignore[arg-type]
        visited: list[Visited] = []
        details = [""]
        with Scripted(script) as server:
            client = Client(
                host="127.0.0.1",
                port=server.port,
                authority="site.test",
                run="r1",
                traffic=Traffic(streams=(stream(visit=what, **STREAMS[kind]),)),
                detail=lambda _seq, _outcome, text: details.append(text),
                visited=visited.append,
            )
            sample = client.send(Arrival(0, 0, 1))
            client.close()
        (account,) = visited
        return sample, account, details[-1]

    return visit


def routes(answers: dict[str, bytes]) -> Behaviour:
    def behave(peer: Peer) -> None:
        peer.send(answers[peer.request.split()[1].decode()])

    return behave


def closing(data: bytes) -> Behaviour:
    def behave(peer: Peer) -> None:
        peer.send(data)
        peer.close()

    return behave


def says(data: bytes) -> Behaviour:
    return lambda peer: peer.send(data)


# An idle connection.


def test_an_idle_connection_is_used_again(pay: Pay):
    sample, account, _ = pay(VisitKind.idle, says(whole()))
    assert (sample.outcome, sample.release, sample.instance) == (Outcome.ok, "v1", "i1")
    assert (account.asked, account.answered, account.closed) == (2, 2, 0)
    assert sample.finished_ns - sample.sent_ns >= 100_000_000, "it lasts as long as it is to"


def test_an_idle_connection_that_is_closed_in_order_is_opened_again(pay: Pay):
    sample, account, _ = pay(VisitKind.idle, [closing(whole()), says(whole())])
    assert sample.outcome is Outcome.ok
    assert (account.asked, account.answered, account.closed) == (2, 2, 1)
    assert len(account.reconnect_ms) == 1


def test_an_announced_close_is_in_order_too(pay: Pay):
    sample, account, _ = pay(VisitKind.idle, says(whole(extra=b"Connection: close\r\n")))
    assert (sample.outcome, account.answered, account.closed) == (Outcome.ok, 2, 0)


def test_an_idle_connection_that_is_reset_is_a_failure(pay: Pay):
    def reset_later(peer: Peer) -> None:
        peer.send(whole())
        peer.pause(0.03)
        peer.reset()

    sample, account, _ = pay(VisitKind.idle, reset_later)
    assert (sample.outcome, account.answered) == (Outcome.reset, 1)


def test_a_connection_that_closes_as_it_is_used_is_a_failure(pay: Pay):
    sample, _, _ = pay(VisitKind.idle, [says(whole()), lambda peer: peer.close()])
    assert sample.outcome is Outcome.closed_on_reuse


# A page and its asset.


def test_the_asset_that_a_page_names_is_fetched(pay: Pay):
    script = routes({"/page": whole(PAGE.encode()), ASSET: whole(CSS)})
    sample, account, _ = pay(VisitKind.page, script)
    assert (sample.outcome, account.answered) == (Outcome.ok, 2)
    assert sample.bytes == len(PAGE) + len(CSS)


def test_an_asset_that_is_gone_is_a_failure(pay: Pay):
    script = routes({"/page": whole(PAGE.encode()), ASSET: whole(b"", "404 Not Found")})
    sample, account, _ = pay(VisitKind.page, script)
    assert (sample.outcome, sample.status) == (Outcome.wrong_status, 404)
    assert (account.asked, account.answered) == (2, 1)


def test_an_asset_that_is_not_what_its_name_says_is_a_failure(pay: Pay):
    script = routes({"/page": whole(PAGE.encode()), ASSET: whole(CSS + b" ")})
    sample, _, why = pay(VisitKind.page, script)
    assert sample.outcome is Outcome.wrong_body
    assert "is not what its name says" in why


# A session.

WELCOME = whole(b"welcome user-r1-0", extra=b"Set-Cookie: session=t0k_en; Path=/; HttpOnly\r\n")
ACCOUNT = whole(b"user user-r1-0 holds basket-r1-0")


def test_a_session_is_asked_for_by_its_cookie_until_the_visit_is_over(pay: Pay):
    asked: list[bytes] = []

    def behave(peer: Peer) -> None:
        asked.append(peer.request)
        peer.send(WELCOME if peer.index == 0 else ACCOUNT)

    sample, account, _ = pay(VisitKind.session, behave)
    assert sample.outcome is Outcome.ok
    assert account.asked == account.answered == len(asked) >= 2
    assert asked[0].endswith(b"\r\n\r\nuser-r1-0 basket-r1-0")
    assert all(b"\r\nCookie: session=t0k_en\r\n" in each for each in asked[1:])
    assert all(b"\r\nX-Request-Id: r1-0\r\n" in each for each in asked)


@pytest.mark.parametrize("body", [b"nobody is logged in", b"user user-r1-0 holds basket-r1-1"])
def test_a_session_that_is_lost_or_changed_is_a_failure_though_the_status_is_200(
    pay: Pay, body: bytes
):
    sample, _, _ = pay(VisitKind.session, [says(WELCOME), says(ACCOUNT), says(whole(body))])
    assert (sample.outcome, sample.status) == (Outcome.wrong_body, 200)


def test_a_login_without_a_cookie_is_a_failure(pay: Pay):
    sample, _, _ = pay(VisitKind.session, says(whole(b"welcome user-r1-0")))
    assert sample.outcome is Outcome.wrong_header


# Server-sent events.


def event(number: int, who: str = "v1 i1") -> bytes:
    return f"id: {number}\ndata: {who} {number}\n\n".encode()


HEAD = chunked()[: -len(b"0\r\n\r\n")]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def streaming(first: int, *, count: int = 10_000) -> Behaviour:
    """So many events, in halves, and then the orderly end."""

    def behave(peer: Peer) -> None:
        peer.send(HEAD)
        for number in range(first, first + count):
            peer.send(chunk(event(number)[:9]))
            peer.send(chunk(event(number)[9:]))
            peer.pause(0.01)
        peer.send(b"0\r\n\r\n")

    return behave


def test_events_are_listened_to_until_the_visit_is_over(pay: Pay):
    sample, account, _ = pay(VisitKind.events, streaming(1))
    assert (sample.outcome, sample.status, sample.release) == (Outcome.ok, 200, "v1")
    assert account.asked == 1
    assert account.answered > 2
    assert account.closed == 0


def test_a_stream_that_ends_in_order_is_asked_for_again_from_the_last_event_on(pay: Pay):
    asked: list[bytes] = []

    def behave(peer: Peer) -> None:
        asked.append(peer.request)
        (streaming(1, count=3) if peer.index == 0 else streaming(4))(peer)

    sample, account, _ = pay(VisitKind.events, behave)
    assert sample.outcome is Outcome.ok
    assert (account.asked, account.closed, len(account.reconnect_ms)) == (2, 1, 1)
    assert b"Last-Event-ID" not in asked[0]
    assert b"\r\nLast-Event-ID: 3\r\n" in asked[1]


def test_an_empty_stream_is_asked_for_again_and_not_taken_for_an_answer(pay: Pay):
    script = [streaming(1, count=3), streaming(4, count=0), streaming(4)]
    sample, account, _ = pay(VisitKind.events, script)
    assert sample.outcome is Outcome.ok
    assert (account.asked, account.closed, len(account.reconnect_ms)) == (3, 1, 1)
    assert account.reconnect_ms[0] >= 100


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (chunk(event(1)) + chunk(event(3)), Outcome.wrong_body),
        (chunk(event(1)) + chunk(event(2, "v2 i2")), Outcome.wrong_body),
        (chunk(event(1)), Outcome.truncated),
        (chunk(event(1)) + chunk(event(2)[:-1]) + b"0\r\n\r\n", Outcome.truncated),
    ],
    ids=["a gap", "another release", "no end", "half an event"],
)
def test_a_stream_that_is_not_right_is_a_failure(pay: Pay, data: bytes, outcome: Outcome):
    sample, account, _ = pay(VisitKind.events, closing(HEAD + data), lasts_s=1.0)
    assert (sample.outcome, account.answered) == (outcome, 1)


def test_a_stream_that_is_refused_when_asked_for_again_is_a_failure(pay: Pay):
    script = [streaming(1, count=2), says(whole(b"\n\n", "503 Service Unavailable"))]
    sample, account, _ = pay(VisitKind.events, script, lasts_s=1.0)
    assert (sample.outcome, sample.status) == (Outcome.wrong_status, 503)
    assert (account.closed, account.reconnect_ms) == (1, ())


# A WebSocket: the other side is the sample website's own.


def echoes(
    told_to_stop: Callable[[], bool] = lambda: False, who: str = "v1 i1", *, ends: bool = True
) -> Behaviour:
    def behave(peer: Peer) -> None:
        lines = peer.request.decode().split("\r\n")
        key = next(line[19:] for line in lines if line.lower().startswith("sec-websocket-key: "))
        names = {"X-Release": "v1", "X-Instance": "i1"}
        websocket.serve(peer.sock, key, names, lambda text: f"{who} {text}", told_to_stop)
        if ends:
            peer.close()

    return behave


def test_a_websocket_is_answered_and_closed_in_order(pay: Pay):
    sample, account, _ = pay(VisitKind.websocket, echoes())
    assert (sample.outcome, sample.status, sample.release) == (Outcome.ok, 101, "v1")
    assert account.answered >= 2
    assert account.asked == account.answered + 1, "the handshake"
    assert account.closed == 0


def test_a_website_that_goes_away_in_order_is_talked_to_again(pay: Pay):
    told = threading.Event()

    def stops(peer: Peer) -> None:
        timer = threading.Timer(0.1, told.set)
        timer.start()
        echoes(told.is_set)(peer)
        timer.join()

    sample, account, _ = pay(VisitKind.websocket, [stops, echoes()], lasts_s=0.4)
    assert sample.outcome is Outcome.ok
    assert (account.closed, len(account.reconnect_ms)) == (1, 1)


def test_a_closed_connection_has_ended_before_another_is_asked_for(pay: Pay):
    ended: list[str] = []

    def lingers(peer: Peer) -> None:
        echoes(lambda: True, ends=False)(peer)
        peer.pause(0.4)
        ended.append("ended")
        peer.close()

    def again(peer: Peer) -> None:
        ended.append("asked again")
        echoes()(peer)

    sample, _, _ = pay(VisitKind.websocket, [lingers, again])
    assert sample.outcome is Outcome.ok
    assert ended == ["ended", "asked again"]


def test_a_websocket_that_is_cut_is_a_failure(pay: Pay):
    def cut(peer: Peer) -> None:
        threading.Timer(0.05, lambda: peer.sock.shutdown(2)).start()
        echoes()(peer)

    sample, _, why = pay(VisitKind.websocket, cut, lasts_s=5.0)
    assert sample.outcome is Outcome.truncated
    assert "without a close frame" in why


def test_an_answer_of_another_release_is_a_failure(pay: Pay):
    sample, _, _ = pay(VisitKind.websocket, echoes(who="v2 i2"))
    assert sample.outcome is Outcome.wrong_body


def test_a_handshake_that_is_refused_is_told_by_its_status(pay: Pay):
    sample, account, _ = pay(VisitKind.websocket, says(whole(b"", "503 Service Unavailable")))
    assert (sample.outcome, sample.status) == (Outcome.wrong_status, 503)
    assert account.answered == 0


def test_a_close_with_a_code_that_says_error_is_not_in_order(pay: Pay):
    def errs(peer: Peer) -> None:
        websocket.GOING_AWAY, before = 1011, websocket.GOING_AWAY
        try:
            echoes(lambda: True)(peer)
        finally:
            websocket.GOING_AWAY = before

    sample, _, why = pay(VisitKind.websocket, errs)
    assert sample.outcome is Outcome.malformed
    assert "closed with code 1011" in why


# Holding.


class Clock:
    now = 1_000_000_000

    def __call__(self) -> int:
        return self.now


def test_only_what_is_open_when_a_swap_begins_is_held_and_until_what_it_waits_for():
    clock = Clock()
    holding = Holding(clock)
    short = Visit(kind=VisitKind.events, lasts_s=2.0, until=Until.admitted)
    whole_swap, alone = replace(short, until=Until.swapped), replace(short, until=None)
    clock.now += 1_000_000_000
    holding.hold()
    opened, ended, later = clock.now - 1_000_000_000, clock.now - 3_000_000_000, clock.now + 1
    clock.now += 60_000_000_000
    assert holding.goes_on(short, opened)
    assert holding.goes_on(whole_swap, opened)
    assert not holding.goes_on(alone, opened)
    assert not holding.goes_on(short, ended)
    assert not holding.goes_on(short, later)
    holding.let_go(Until.admitted)
    assert not holding.goes_on(short, opened)
    assert holding.goes_on(whole_swap, opened)
    holding.end()
    assert not holding.goes_on(whole_swap, opened)


def test_the_child_holds_a_visit_until_it_is_told_to_let_go(drive):
    visit = Visit(kind=VisitKind.idle, lasts_s=0.4, every_s=0.02, until=Until.swapped)
    run = drive(says(whole()), stream(rate_hz=10.0, visit=visit))
    run.start()
    run.sender.probe(10)
    run.go()
    path = run.folder / "visits.jsonl"

    def lines() -> list[dict]:
        return [json.loads(line) for line in path.read_text().splitlines()]

    until(lines, "a visit that ended by itself")
    run.sender.hold()
    before = len(lines())
    until(lambda: len(lines()) >= before + 8, "visits that came later, which are not held")
    run.sender.let_go(Until.swapped)
    until(lambda: any(each["is_held"] for each in lines()), "those that were held")
    first_held = next(number for number, each in enumerate(lines()) if each["is_held"])
    assert first_held >= before + 3
    run.finish(3.0)
    samples = run.recorded()
    assert set(samples["outcome"]) == {"ok"}
    assert sorted(each["seq"] for each in lines()) == sorted(samples["seq"])
