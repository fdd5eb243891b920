"""Visits: what is asked, what ends them, and what is noted of them."""

import gzip
import json
from dataclasses import replace

import pytest
from driving import until
from paying import ASSET, CSS, PAGE, Pay
from scripted import Behaviour, Peer, chunked, whole
from talk import stream

from harness.model.outcome import Cache, Outcome
from harness.model.visit import Until, Visit, VisitKind
from harness.traffic.holding import Holding


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


CLOSE = b"Connection: close\r\n"


def test_an_announced_close_is_in_order_too_and_the_next_answer_is_waited_for_as_long(pay: Pay):
    def slow(peer: Peer) -> None:
        peer.pause(0.3)
        peer.send(whole(extra=CLOSE))

    sample, account, _ = pay(VisitKind.idle, [says(whole(extra=CLOSE)), slow])
    assert (sample.outcome, account.answered, account.closed) == (Outcome.ok, 2, 1)
    assert len(account.reconnect_ms) == 1
    assert account.reconnect_ms[0] >= 300
    held_ms = (sample.finished_ns - sample.sent_ns) / 1e6
    assert account.reconnect_ms[0] < held_ms - 90, "the visitor's own wait is no part of it"
    assert sample.sent_ns < account.left_ns < sample.finished_ns - 300_000_000


def test_a_close_that_the_last_answer_announces_ends_nothing_that_goes_on(pay: Pay):
    sample, account, _ = pay(VisitKind.idle, [says(whole()), says(whole(extra=CLOSE))])
    assert (sample.outcome, account.closed, account.reconnect_ms) == (Outcome.ok, 0, ())
    assert account.left_ns > sample.sent_ns + 100_000_000


def by(data: bytes, release: bytes, instance: bytes) -> bytes:
    return data.replace(b"X-Release: v1", b"X-Release: " + release).replace(
        b"X-Instance: i1", b"X-Instance: " + instance
    )


def test_who_answers_first_and_who_answers_last_are_both_told(pay: Pay):
    """The first by the sample; the last with when that was asked."""
    script = [says(by(WELCOME, b"v2", b"i2")), says(ACCOUNT)]
    sample, account, _ = pay(VisitKind.session, script)
    assert (sample.outcome, sample.release, sample.instance) == (Outcome.ok, "v2", "i2")
    assert (account.last_release, account.last_instance) == ("v1", "i1")
    assert sample.sent_ns + 100_000_000 <= account.last_sent_ns < sample.finished_ns


def test_a_copy_from_a_cache_is_not_who_answered_last(pay: Pay):
    hit = whole(CSS, extra=b"X-Cache: HIT\r\n")
    script = routes({"/page": whole(PAGE.encode(), extra=b"X-Cache: MISS\r\n"), ASSET: hit})
    sample, account, _ = pay(VisitKind.page, script)
    assert (sample.outcome, sample.release, sample.cache) == (Outcome.ok, "v1", Cache.miss)
    assert (account.answered, account.last_sent_ns, account.last_release) == (2, 0, "")


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


def test_a_page_and_its_asset_may_both_come_compressed(pay: Pay):
    def packed(body: bytes) -> bytes:
        return whole(gzip.compress(body), extra=b"Content-Encoding: gzip\r\n")

    script = routes({"/page": packed(PAGE.encode()), ASSET: packed(CSS)})
    sample, account, why = pay(VisitKind.page, script)
    assert (sample.outcome, account.answered) == (Outcome.ok, 2), why
    other = routes({"/page": packed(PAGE.encode()), ASSET: packed(CSS + b" ")})
    sample, _, why = pay(VisitKind.page, other)
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
    assert (account.asked, account.last_sent_ns) == (1, 0)
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
    assert (account.last_release, account.last_instance) == ("v1", "i1")
    assert sample.sent_ns < account.last_sent_ns < sample.finished_ns


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
