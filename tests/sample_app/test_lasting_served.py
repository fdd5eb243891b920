"""What lasts, asked of the real gunicorn by the harness's own client, over a stop too."""

import os
import signal
import socket
import sys
from dataclasses import replace

import gevent
import pytest
from serving import DEADLINE_S, Website, launched, until

from harness.heavy_mix import heavy_mix
from harness.model.arrivals import Arrival
from harness.model.outcome import Outcome
from harness.model.traffic import Traffic
from harness.traffic.client import Client
from harness.traffic.joining import join

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the launcher is made for containers: sigtimedwait, /proc"
)
ALONE = ("download", "upload", "idle", "events", "websocket")
"""What needs neither store nor edge."""


@pytest.fixture
def website(tmp_path):
    log = tmp_path / "stderr"
    access = tmp_path / "access.jsonl"
    with launched(log, LINGER_S="0.3", ACCESS_LOG=str(access)) as process:
        yield Website(process, log)


@pytest.fixture
def visits():
    return []


@pytest.fixture
def client(website, visits):
    streams = tuple(
        replace(
            each,
            path=each.path.replace("ms=3000", "ms=500"),
            upload_s=min(each.upload_s, 0.5),
            visit=each.visit and replace(each.visit, lasts_s=0.5),
        )
        for each in heavy_mix(300).streams
        if each.name in ALONE
    )
    client = Client(
        host="127.0.0.1",
        port=website.port,
        authority="localhost",
        run="r1",
        traffic=Traffic(streams=streams),
        visited=visits.append,
    )
    yield client
    client.close()


def test_each_that_lasts_is_whole(client, visits, tmp_path):
    sending = [gevent.spawn(client.send, Arrival(n, n, 1)) for n in range(len(ALONE))]
    assert join(sending, 30)
    samples = dict(zip(ALONE, [each.value for each in sending], strict=True))
    assert {name: each.outcome for name, each in samples.items()} == dict.fromkeys(
        ALONE, Outcome.ok
    )
    assert {each.release for each in samples.values()} == {"v1"}
    assert samples["download"].bytes == 400_000 + len("v1 begins\nv1 ends\n")
    assert [each.closed for each in visits] == [0, 0, 0]
    said = '"path": "/websocket", "status": 101'
    until(lambda: said in (tmp_path / "access.jsonl").read_text(), "the log tells of it")


def test_a_website_that_is_told_to_stop_finishes_what_ends_and_closes_what_does_not(
    website, client, visits
):
    """A download and an upload end whole; events and WebSocket end in order, and whoever then asks
    again, where nobody listens any more, is refused: that is a failure, and told as one.
    """
    sending = {
        name: gevent.spawn(client.send, Arrival(n, n, 1))
        for n, name in enumerate(ALONE)
        if name != "idle"
    }
    gevent.sleep(0.15)
    website.tell(signal.SIGTERM)
    assert join(list(sending.values()), 30)
    outcomes = {name: each.value.outcome for name, each in sending.items()}
    assert outcomes["download"] is outcomes["upload"] is Outcome.ok
    assert website.exit_code() == 0
    assert [each.closed for each in visits] == [1, 1]
    for name in ("events", "websocket"):
        assert outcomes[name] in {
            Outcome.refused,
            Outcome.reset,
            Outcome.closed_before_answer,
            Outcome.answer_timeout,
        }, name


def test_after_its_close_frame_a_websocket_s_connection_ends_without_another_byte(website):
    with socket.create_connection(("127.0.0.1", website.port), timeout=DEADLINE_S) as sock:
        sock.sendall(
            b"GET /websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        heard = b""
        while b"\r\n\r\n" not in heard:
            heard += sock.recv(65536)
        # RFC 6455, 1.3: the answer to that key.
        assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in heard
        sock.sendall(b"\x88\x82\0\0\0\0\x03\xe8")
        after = heard.partition(b"\r\n\r\n")[2]
        while more := sock.recv(65536):
            after += more
    assert after == b"\x88\x02\x03\xe8"


def test_a_website_that_is_killed_cuts_what_lasts_and_none_of_it_is_a_success(website, client):
    sending = {name: gevent.spawn(client.send, Arrival(n, n, 1)) for n, name in enumerate(ALONE)}
    gevent.sleep(0.15)
    os.killpg(website.process.pid, signal.SIGKILL)
    assert join(list(sending.values()), 30)
    outcomes = {name: each.value.outcome for name, each in sending.items()}
    cut, unanswered = {Outcome.truncated, Outcome.reset}, {Outcome.reset}
    assert outcomes["download"] in cut
    assert outcomes["events"] in cut
    assert outcomes["websocket"] in cut
    assert outcomes["upload"] in unanswered | {Outcome.closed_before_answer}
    assert outcomes["idle"] in unanswered | {Outcome.refused}
