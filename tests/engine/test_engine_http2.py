"""HTTP/2 at the real NGINX: many requests on one connection, and what a reload does to it."""

from collections.abc import Iterator

import docker
import gevent
import pytest
from running import eventually
from stacks import Up, ask, brought_up

from harness.mix import HOME
from harness.model.arrivals import Arrival
from harness.model.outcome import Handshake, Outcome
from harness.model.row import Sample
from harness.model.traffic import Stream, Tls, Traffic
from harness.traffic.client import Client
from harness.traffic.tls import Trust

pytestmark = pytest.mark.engine

GET = Stream(name="get", path="/", rate_hz=1.0, tls=Tls.resume, http2=True, expect_body=HOME)
WRITE = Stream(
    name="write",
    method="POST",
    path="/operations",
    rate_hz=1.0,
    tls=Tls.resume,
    http2=True,
    body="{operation}",
    expect_body={"*": "operation {operation} applied"},
    write=True,
)
AT_ONCE = 30


@pytest.fixture(scope="module")
def up(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with brought_up(engine, tmp_path_factory.mktemp("http2")) as found:
        yield found


@pytest.fixture
def client(up: Up) -> Iterator[Client]:
    details: list[object] = []
    made = Client(
        host=up.endpoint.host,
        port=0,
        tls_port=up.endpoint.tls_port,
        trust=Trust(up.endpoint.tls_name, up.endpoint.ca),
        authority=up.endpoint.authority,
        run=up.run,
        traffic=Traffic(streams=(GET, WRITE)),
        detail=lambda *line: details.append(line),
    )
    yield made
    made.close()
    assert details == []


def together(client: Client, stream: int, first: int) -> list[Sample]:
    sending = [
        gevent.spawn(client.send, Arrival(first + number, stream, 1)) for number in range(AT_ONCE)
    ]
    gevent.joinall(sending, timeout=30)
    return [each.get(block=False) for each in sending]


@pytest.mark.parametrize("stream", [0, 1], ids=["get", "write"])
def test_many_requests_are_answered_on_one_connection(client: Client, stream: int) -> None:
    samples = together(client, stream, 1_000 * stream)
    assert {sample.outcome for sample in samples} == {Outcome.ok}
    assert {(s.status, s.connection, s.handshake) for s in samples} == {(200, 1, Handshake.full)}
    assert {sample.release for sample in samples} == {"v1"}
    assert sorted(sample.reuse for sample in samples) == list(range(AT_ONCE))


def test_an_idle_connection_ends_with_a_reload_and_the_next_one_resumes(
    engine: docker.DockerClient, up: Up, client: Client
) -> None:
    first = client.send(Arrival(5_000, 0, 1))
    edge = engine.containers.get(f"harness-{up.run}-edge")
    edge.kill("SIGHUP")

    def ended() -> bool:
        gevent.sleep(0.01)  # for its reader
        return client.closed_idle == 1

    eventually(ended, "the connection's end", 10)
    second = client.send(Arrival(5_001, 0, 1))
    assert [first.outcome, second.outcome] == [Outcome.ok] * 2
    assert [first.connection, second.connection] == [1, 2]
    assert [first.handshake, second.handshake] == [Handshake.full, Handshake.resumed]


def test_who_does_not_ask_for_http2_is_spoken_to_in_http_1(up: Up) -> None:
    status, body, _ = ask(up.endpoint, "GET", "/")
    assert (status, body) == (200, HOME["v1"])
