"""A body that is written slowly, and a long one that is checked to its last byte."""

import socket
import threading
from collections.abc import Callable

import pytest
from scripted import Peer, says, whole
from talk import Start, stream

from harness.model.arrivals import Arrival
from harness.model.made import made
from harness.model.outcome import Outcome
from harness.model.row import Sample
from harness.model.traffic import Traffic
from harness.traffic.client import Client

LONG = "begins\n{made 100000}ends\n"


@pytest.fixture
def hasty() -> Callable[[bytes], tuple[Sample, str]]:
    """Sends a slow upload to a server that answers so, and ends, once it has the head."""

    def send(answer: bytes) -> tuple[Sample, str]:
        listener = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            with listener.accept()[0] as sock:
                while b"\r\n\r\n" not in sock.recv(65536):
                    pass
                sock.sendall(answer)
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65536):
                    pass

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        slow = stream(method="POST", body="{made 5000}", upload_s=5.0, expect_body={"*": "thanks"})
        details: list[str] = [""]
        client = Client(
            host="127.0.0.1",
            port=listener.getsockname()[1],
            authority="site.test",
            run="r1",
            traffic=Traffic(streams=(slow,)),
            detail=lambda _seq, _outcome, text: details.append(text),
        )
        sample = client.send(Arrival(0, 0, 1))
        client.close()
        serving.join(5)
        listener.close()
        return sample, details[-1]

    return send


def body_of(request):
    return request.partition(b"\r\n\r\n")[2]


def test_a_slow_upload_takes_its_time_and_arrives_whole(start: Start):
    talk = start(
        says(whole(b"thanks")),
        method="POST",
        body="{made 5000}",
        upload_s=0.2,
        expect_body={"*": "thanks"},
    )
    sample = talk.send()
    assert sample.outcome is Outcome.ok
    assert body_of(talk.server.requests[0]) == made(5000).encode()
    assert sample.first_byte_ns - sample.sent_ns >= 200_000_000, "no byte before the last was sent"


def test_an_answer_before_the_upload_is_whole_is_no_success(hasty):
    sample, details = hasty(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nthanks")
    assert sample.outcome is Outcome.malformed
    assert details == "an answer came before the request was whole"


def test_a_refusal_in_mid_upload_is_told_as_what_it_is(hasty):
    sample, _ = hasty(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
    assert (sample.outcome, sample.status) == (Outcome.wrong_status, 502)


def test_an_end_in_mid_upload_is_told_as_what_it_is(hasty):
    sample, _ = hasty(b"")
    assert sample.outcome is Outcome.closed_before_answer


def test_a_long_body_is_right_to_its_last_byte(start: Start):
    right = f"begins\n{made(100_000)}ends\n".encode()
    wrong = right[:60_000] + b"X" + right[60_001:]

    def twice(peer: Peer) -> None:
        peer.send(whole(right if peer.index == 0 else wrong))

    talk = start(twice, expect_body={"*": LONG})
    assert talk.send().outcome is Outcome.ok
    assert talk.send().outcome is Outcome.wrong_body
    assert "at byte 60000" in talk.details[-1][2]
