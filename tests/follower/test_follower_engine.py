"""What the engine says, as it says it; and that it is asked by two calls alone."""

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.follower.engine import Engine, UnheardError, container_of, event_of
from harness.follower.model import EventKind, Health

ID = "4f" * 32
NET = "n" * 64


def entry(**settings):
    return {
        "Id": ID,
        "Names": ["/shop-website-1"],
        "Labels": {"com.docker.compose.service": "website"},
        "Status": "Up 5 seconds",
        "Ports": [{"PrivatePort": 8000, "Type": "tcp"}],
        "NetworkSettings": {
            "Networks": {"shop_default": {"NetworkID": NET, "IPAddress": "172.18.0.4"}}
        },
    } | settings


def told(action, **attributes):
    return {
        "Type": "container",
        "Action": action,
        "Actor": {"ID": ID, "Attributes": attributes},
        "timeNano": 123,
    }


@pytest.fixture
def engine(tmp_path):
    path = tmp_path / "engine.sock"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.server.asked.append(self.path)
            status, chunks = self.server.answers[urlsplit(self.path).path]
            self.send_response(status)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for chunk in chunks:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            if self.server.is_whole:
                self.wfile.write(b"0\r\n\r\n")
            self.close_connection = True

        def log_message(self, *_):
            pass

        def address_string(self):
            return ""

    server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
    server.daemon_threads = True
    server.asked, server.answers, server.is_whole = [], {}, True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    made = Engine(str(path))
    made.server = server
    yield made
    server.shutdown()
    server.server_close()
    thread.join(5)


def asked(engine):
    parts = urlsplit(engine.server.asked[-1])
    query = parse_qs(parts.query)
    return parts.path, json.loads(query["filters"][0]), query


def test_containers_are_listed_by_one_call(engine):
    engine.server.answers["/containers/json"] = (200, [json.dumps([entry()]).encode()])
    assert engine.containers(network=[NET]) == [entry()]
    path, filters, _ = asked(engine)
    assert path == "/containers/json"
    assert filters == {"status": ["running", "paused"], "network": [NET]}


@pytest.mark.parametrize(
    ("status", "body"), [(403, b"no"), (500, b"[]"), (200, b"{"), (200, b'{"message": "x"}')]
)
def test_an_answer_that_is_no_list_is_no_empty_list(engine, status, body):
    engine.server.answers["/containers/json"] = (status, [body])
    with pytest.raises(UnheardError):
        engine.containers()


def test_an_engine_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UnheardError, match=r"does not answer at .*none\.sock"):
        Engine(str(tmp_path / "none.sock")).containers()


def test_events_come_as_lines_those_since_a_moment_first(engine):
    lines = [
        json.dumps(told("start")).encode() + b"\n",
        json.dumps(told("exec_create: ls")).encode() + b"\n",
        json.dumps(told("kill", signal="15")).encode() + b"\n",
    ]
    engine.server.answers["/events"] = (200, lines)
    kinds = [event.kind for event in engine.events(5_000_000_007)]
    assert kinds == [EventKind.started, EventKind.signalled]
    path, filters, query = asked(engine)
    assert (path, filters) == ("/events", {"type": ["container", "network"]})
    assert query["since"] == ["5.000000007"]


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_stream_that_ends_or_breaks_is_over_after_what_it_said(engine, is_whole):
    engine.server.is_whole = is_whole
    engine.server.answers["/events"] = (200, [json.dumps(told("die")).encode() + b"\n"])
    assert [event.kind for event in engine.events(0)] == [EventKind.died]


def test_a_refused_stream_is_told(engine):
    engine.server.answers["/events"] = (403, [b"no"])
    with pytest.raises(UnheardError, match="the engine answered 403: no"):
        next(engine.events(0))


@pytest.mark.parametrize(
    ("signal", "name"),
    [("15", "TERM"), ("SIGTERM", "TERM"), ("9", "KILL"), ("2", "INT"), ("sigquit", "QUIT")],
)
def test_signals_that_stop_are_told_by_number_or_name(signal, name):
    event = event_of(told("kill", signal=signal))
    assert (event.kind, event.signal, event.at_ns) == (EventKind.signalled, name, 123)


@pytest.mark.parametrize("signal", ["1", "HUP", "10", "28", ""])
def test_other_signals_ask_for_something_else(signal):
    assert event_of(told("kill", signal=signal)) is None


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("die", EventKind.died),
        ("destroy", EventKind.died),
        ("health_status: healthy", EventKind.changed),
        ("unpause", EventKind.changed),
    ],
)
def test_what_else_may_change_who_serves_is_heard(action, kind):
    assert event_of(told(action)).kind is kind


def test_a_network_that_is_connected_or_not_is_an_event_of_its_container():
    event = event_of(
        {
            "Type": "network",
            "Action": "disconnect",
            "Actor": {"ID": NET, "Attributes": {"container": ID}},
            "timeNano": 9,
        }
    )
    assert (event.kind, event.container) == (EventKind.changed, ID)


@pytest.mark.parametrize("what", [{}, {"Type": "image", "Action": "pull"}, told("top")])
def test_the_rest_says_nothing(what):
    assert event_of(what) is None


def test_an_entry_is_a_container_with_its_address_in_that_network():
    one = container_of(entry(), network=NET, service="website", port=0)
    assert (one.id, one.name, one.address, one.port) == (ID, "shop-website-1", "172.18.0.4", 8000)
    assert one.health is Health.untold


def test_one_without_an_address_there_is_none():
    assert container_of(entry(), network="another", service="website", port=0) is None
    starting = {"Networks": {"a": {"NetworkID": NET, "IPAddress": ""}}}
    assert (
        container_of(entry(NetworkSettings=starting), network=NET, service="website", port=0)
        is None
    )


@pytest.mark.parametrize(
    ("ports", "given", "port"),
    [
        ([3000], 0, 3000),
        ([3000, 9000], 0, 8000),
        ([], 0, 8000),
        ([3000], 80, 80),
    ],
)
def test_the_port_is_the_one_that_is_set_or_the_only_one_exposed(ports, given, port):
    told_ports = [{"PrivatePort": each, "Type": "tcp"} for each in ports]
    # A published one is listed once for each address that it is published on.
    one = container_of(entry(Ports=told_ports * 2), network=NET, service="website", port=given)
    assert one.port == port


@pytest.mark.parametrize(
    ("status", "health"),
    [
        ("Up 2 seconds (health: starting)", Health.starting),
        ("Up 2 seconds (healthy)", Health.good),
        ("Up 2 minutes (unhealthy)", Health.ill),
        ("Up 2 minutes (Paused)", Health.untold),
    ],
)
def test_health_is_read_from_the_status_in_words(status, health):
    one = container_of(entry(Status=status), network=NET, service="website", port=0)
    assert one.health is health
