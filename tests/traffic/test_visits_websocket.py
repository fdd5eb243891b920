"""A visit over a WebSocket: the other side is the sample website's own, or a test's."""

import struct
import threading
from collections.abc import Callable

import pytest
from paying import Pay, accepting
from scripted import Behaviour, Peer, whole

from harness.model.outcome import Outcome
from harness.model.visit import VisitKind
from sample_app import websocket
from sample_app.websocket import CLOSE, PING, PONG, TEXT, frame


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
    assert (account.last_release, account.last_instance) == ("v1", "i1")
    assert sample.sent_ns < account.last_sent_ns < sample.finished_ns
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
    sample, account, _ = pay(
        VisitKind.websocket, lambda peer: peer.send(whole(b"", "503 Service Unavailable"))
    )
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


# Frame by frame.

Replies = Callable[[int, bytes], bytes]


def closing(code: int = 1000) -> bytes:
    return frame(CLOSE, struct.pack("!H", code))


def answer(text: bytes) -> bytes:
    return frame(TEXT, b"v1 i1 " + text)


def replies(to_text: Callable[[bytes], bytes] = answer, to_close: bytes = closing()) -> Behaviour:
    """Each text and the close frame are answered with those bytes, in one segment."""

    def behave(peer: Peer) -> None:
        peer.send(accepting(peer))
        heard = bytearray()
        while data := peer.sock.recv(65_536):
            heard += data
            for opcode, payload in websocket.frames(heard):
                if opcode == TEXT:
                    peer.send(to_text(payload))
                elif opcode == CLOSE:
                    peer.send(to_close)
                    peer.cut_and_drain()
                    return

    return behave


def test_a_ping_with_the_reply_to_a_close_is_passed_over(pay: Pay):
    script = replies(to_close=frame(PING, b"x") + closing())
    assert pay(VisitKind.websocket, script)[0].outcome is Outcome.ok


def test_a_ping_with_a_close_hides_nothing_of_it(pay: Pay):
    script = replies(lambda text: answer(text) + frame(PING, b"x") + closing(1011))
    sample, account, why = pay(VisitKind.websocket, script)
    assert (sample.outcome, why) == (Outcome.malformed, "closed with code 1011: ")
    assert account.answered == 1


def test_a_ping_is_answered_and_a_pong_that_nobody_asked_for_is_passed_over(pay: Pay):
    heard: list[int] = []

    def behave(peer: Peer) -> None:
        peer.send(accepting(peer) + frame(PING, b"x") + frame(PONG, b""))
        data = bytearray()
        while len(heard) < 2:
            data += peer.sock.recv(65_536)
            for opcode, payload in websocket.frames(data):
                heard.append(opcode)
                peer.send(frame(PONG, b"y") + (answer(payload) if opcode == TEXT else b""))
        peer.send(closing(1001))
        peer.cut_and_drain()

    sample, account, _ = pay(VisitKind.websocket, [behave, replies()])
    assert (sample.outcome, account.closed) == (Outcome.ok, 1)
    assert heard == [PONG, TEXT]


@pytest.mark.parametrize("pieces", [2, 3, 20])
def test_a_text_that_comes_in_pieces_is_one(pay: Pay, pieces: int):
    def behave(peer: Peer) -> None:
        peer.send(accepting(peer))
        heard = bytearray()
        while data := peer.sock.recv(65_536):
            heard += data
            for opcode, payload in websocket.frames(heard):
                said = answer(payload) if opcode == TEXT else closing()
                for at in range(0, len(said), pieces):
                    peer.send(said[at : at + pieces])
                    peer.pause(0.002)

    sample, account, why = pay(VisitKind.websocket, behave)
    assert (sample.outcome, why) == (Outcome.ok, "")
    assert account.answered >= 1


def test_a_text_in_several_frames_is_one(pay: Pay):
    def in_two(text: bytes) -> bytes:
        return b"\x01\x03v1 " + b"\x80" + bytes([3 + len(text)]) + b"i1 " + text

    assert pay(VisitKind.websocket, replies(in_two))[0].outcome is Outcome.ok


def test_a_close_within_a_text_is_a_failure(pay: Pay):
    script = replies(lambda _: b"\x01\x03v1 " + closing(1001))
    sample, _, why = pay(VisitKind.websocket, script)
    assert (sample.outcome, why) == (Outcome.truncated, "closed within a text: 'v1 '")


@pytest.mark.parametrize(
    ("said", "outcome", "why"),
    [
        (closing(1011), Outcome.malformed, "closed with code 1011"),
        (frame(CLOSE, b""), Outcome.ok, ""),
        (b"\xff\xff", Outcome.malformed, "closed with code 1002"),
        (frame(TEXT, b"lost 3") + closing(), Outcome.wrong_body, "lost 3"),
        (frame(TEXT, b"lost 3") + closing(1011), Outcome.wrong_body, "lost 3"),
        (b"", Outcome.truncated, "without a close frame"),
    ],
    ids=["error", "no code", "no frame", "a text", "a text and an error", "nothing"],
)
def test_a_close_is_answered_by_a_close_in_order_or_it_is_a_failure(
    pay: Pay, said: bytes, outcome: Outcome, why: str
):
    sample, account, observed = pay(VisitKind.websocket, replies(to_close=said))
    assert sample.outcome is outcome
    assert why in observed
    assert account.answered >= 1


def test_a_text_that_answers_nothing_is_a_failure_though_it_would_be_the_next_answer(pay: Pay):
    script = replies(lambda text: answer(text) + answer(b"%d" % (int(text) + 1)))
    sample, account, why = pay(VisitKind.websocket, script)
    assert (sample.outcome, account.answered) == (Outcome.wrong_body, 1)
    assert "nothing was said" in why


@pytest.mark.parametrize("junk", [b"\xff", b"\x00"])
def test_a_handshake_with_bytes_that_no_header_holds_is_a_failure(pay: Pay, junk: bytes):
    def behave(peer: Peer) -> None:
        peer.send(accepting(peer).replace(b"n: Upgrade", b"n: Upg" + junk + b"rade"))
        peer.cut_and_drain()

    sample, account, why = pay(VisitKind.websocket, behave)
    assert (sample.outcome, account.answered) == (Outcome.malformed, 0)
    assert why.startswith("not a WebSocket's: ")
