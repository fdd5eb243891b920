"""The real launcher with the real gunicorn, on a loopback port of its own."""

import json
import os
import re
import signal
import socket
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from serving import DEADLINE_S, Website, launched, until

from sample_app import launcher

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the launcher is made for containers: sigtimedwait, /proc"
)


@pytest.fixture
def serve(tmp_path):
    @contextmanager
    def serving(**settings):
        log = tmp_path / "stderr"
        with launched(log, **settings) as process:
            yield Website(process, log)

    return serving


def test_told_to_stop_it_turns_unready_and_serves_on_until_a_second_signal(serve):
    with serve(LINGER_S="60") as website:
        website.tell()
        until(lambda: website.get("/ready") == (503, "draining"), "the website is unready")
        assert website.get("/") == (200, "Hello beautiful world!")
        website.tell()
        assert website.exit_code() == 0


def test_the_linger_ends_by_itself_and_not_before(serve):
    with serve(LINGER_S="0.8") as website:
        begun = time.monotonic()
        website.tell(signal.SIGINT)
        until(lambda: "Handling signal: term" in website.log.read_text(), "gunicorn is told")
        assert time.monotonic() - begun >= 0.8
        assert website.exit_code() == 0


def test_a_request_in_flight_is_finished(serve):
    """The linger is shorter than the request, so gunicorn was told while it was in flight."""
    with serve(LINGER_S="0.3") as website:
        connection = website.connect()
        connection.request("GET", "/slow?ms=1500", headers={"Connection": "close"})
        website.tell()
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"waited 1500 ms")
        assert website.exit_code() == 0
        connection.close()


def test_a_slow_request_holds_up_no_other(serve):
    with serve() as website:
        connection = website.connect()
        connection.request("GET", "/slow?ms=60000")
        assert website.get("/")[0] == 200
        connection.close()


def test_a_request_longer_than_the_grace_does_not_hold_up_the_stop(serve):
    with serve(GRACE_S="1", LINGER_S="0.3") as website:
        connection = website.connect()
        connection.request("GET", "/slow?ms=60000")
        website.tell()
        website.exit_code()
        connection.close()


def test_gunicorn_killed_is_an_exit_with_128_and_the_signal(serve):
    with serve() as website:
        os.kill(website.gunicorn(), signal.SIGKILL)
        assert website.exit_code() == 128 + signal.SIGKILL


def test_gunicorn_ended_unasked_is_never_an_exit_with_0(serve):
    with serve() as website:
        os.kill(website.gunicorn(), signal.SIGTERM)
        assert website.exit_code() == 1


def test_gunicorn_that_cannot_start_is_an_exit_with_its_code(tmp_path):
    log, missing = tmp_path / "stderr", tmp_path / "missing" / "access.log"
    with launched(log, ACCESS_LOG=str(missing)) as process:
        assert process.wait(DEADLINE_S) == 1
    assert str(missing) in log.read_text()


def test_linger_and_grace_end_within_dockers_stop_timeout():
    folder = Path(launcher.__file__).parent
    linger = re.search(r'"LINGER_S", "(.+?)"', (folder / "launcher.py").read_text())
    grace = re.search(r'"GRACE_S", "(.+?)"', (folder / "gunicorn.conf.py").read_text())
    # gunicorn looks at its workers once a second.
    assert float(linger[1]) + float(grace[1]) + 1 < 10


def test_orphans_are_reaped_with_the_child(monkeypatch):
    ended = [(7, 0), (42, 3 << 8), (8, signal.SIGKILL), (0, 0)]
    asked = set()
    monkeypatch.setattr("os.waitpid", lambda *asking: asked.add(asking) or ended.pop(0))
    assert launcher.reap(42) == 3
    assert asked == {(-1, os.WNOHANG)}
    assert ended == []


def test_a_store_that_refuses_is_a_503_from_the_real_client(serve):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with serve(STORE_PORT=str(bound.getsockname()[1])) as website:
            assert website.get("/visits") == (503, "store unavailable")


def test_the_access_log_has_a_line_of_json_a_request(serve, tmp_path):
    path = tmp_path / "access.log"
    with serve(ACCESS_LOG=str(path)) as website:
        with socket.create_connection(("127.0.0.1", website.port)) as raw:
            head = b'GET /a"b\\c%00?q=1 HTTP/1.1\r\nHost: h\r\nX-Request-Id: run-"7\\\xff\r\n'
            raw.sendall(head + b"Connection: close\r\n\r\n")
            answer = b"".join(iter(lambda: raw.recv(4096), b""))
            assert answer.startswith(b"HTTP/1.1 404")
        assert website.get("/slow?ms=50")[0] == 200
        website.tell()
        assert website.exit_code() == 0
    *_ready, odd, slow = map(json.loads, path.read_text().splitlines())
    assert (odd["request"], odd["path"], odd["status"]) == ('run-"7\\\xff', '/a"b\\c%00', 404)
    assert 50_000 <= slow.pop("duration_us") < 10_000_000
    assert abs(slow.pop("at_ns") - time.time_ns()) < 60e9
    who = {"release": "v1", "instance": "website-1"}
    idle = {"store_us": 0, "lacks": ""}
    assert slow == {"request": "", "method": "GET", "path": "/slow", "status": 200, **idle} | who
