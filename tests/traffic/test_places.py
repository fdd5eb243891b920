"""Streams to several origins: each by its own address, Host header, pool and trust."""

from collections.abc import Callable, Iterator

import pytest
from certificates import NAME, authority_pem, context, trust
from scripted import Behaviour, Scripted, says, whole
from talk import stream

from harness.model.arrivals import Arrival
from harness.model.outcome import Handshake, Outcome
from harness.model.place import Place
from harness.model.row import Sample
from harness.model.scenario import Scenario, Timing
from harness.model.traffic import Stream, Tls, Traffic
from harness.target import Endpoint
from harness.traffic.client import Client
from harness.traffic.sender import ChildSender

PLAIN, SECURE, OTHER = "http://a.test:81", f"https://{NAME}", "https://other.test:8443"
Ask = Callable[[int], Sample]


@pytest.fixture
def servers() -> Iterator[dict[str, Scripted]]:
    made = {
        PLAIN: Scripted(says(whole(b"plain"))),
        SECURE: Scripted(says(whole(b"secure")), context=context()),
        OTHER: Scripted(says(whole(b"other")), context=context("wrong-name")),
    }
    yield made
    for server in made.values():
        server.__exit__()


def places(servers: dict[str, Scripted], **names: str) -> dict[str, Place]:
    return {
        origin: Place(
            host="127.0.0.1",
            port=server.port,
            authority=origin.partition("//")[2],
            tls_name=names.get("tls_name", origin.split("/")[2].partition(":")[0])
            if origin.startswith("https")
            else "",
        )
        for origin, server in servers.items()
    }


def of(origin: str, **more: object) -> Stream:
    body = {PLAIN: "plain", SECURE: "secure", OTHER: "other"}[origin]
    tls = Tls.resume if origin.startswith("https") else Tls.off
    return stream(name=origin, origin=origin, tls=tls, expect_body={"*": body}, **more)


def client(servers: dict[str, Scripted], *streams: Stream, **names: str) -> Client:
    return Client(
        host="192.0.2.1",
        port=9,
        authority="nobody",
        run="r1",
        traffic=Traffic(streams=streams),
        trust=trust(),
        places=places(servers, **names),
    )


def asker(made: Client) -> Ask:
    return lambda seq: made.send(Arrival(seq, seq % 3, 123))


def test_each_stream_goes_to_its_own_origin_over_its_own_connection(
    servers: dict[str, Scripted],
) -> None:
    made = client(servers, of(PLAIN), of(SECURE), of(OTHER))
    samples = [asker(made)(seq) for seq in range(6)]
    assert {sample.outcome for sample in samples} == {Outcome.ok}
    assert [sample.handshake for sample in samples[:3]] == [
        Handshake.plain,
        Handshake.full,
        Handshake.full,
    ]
    assert [sample.reuse for sample in samples] == [0, 0, 0, 1, 1, 1]
    assert made.opened == 3
    for origin, server in servers.items():
        hosts = {
            line
            for request in server.requests
            for line in request.split(b"\r\n")
            if line.startswith(b"Host")
        }
        assert hosts == {b"Host: " + origin.partition("//")[2].encode()}
        assert len(server.requests) == 2
    made.close()


def test_a_certificate_must_be_for_the_name_of_its_origin(servers: dict[str, Scripted]) -> None:
    made = client(servers, of(OTHER), tls_name=NAME)
    assert made.send(Arrival(0, 0, 123)).outcome is Outcome.untrusted


def test_an_origin_without_a_place_is_refused(servers: dict[str, Scripted]) -> None:
    with pytest.raises(ValueError, match=r"'http://b.test' is without TLS to http://b\.test, and"):
        client(servers, stream(name="http://b.test", origin="http://b.test"))
    with pytest.raises(ValueError, match="is over TLS to http://a"):
        client(servers, stream(origin=PLAIN, tls=Tls.full))


def child(folder: object, servers: dict[str, Scripted], *streams: Stream) -> ChildSender:
    scenario = Scenario(
        name="n",
        target="url",
        swap="s",
        swaps=1,
        releases=("", ""),
        traffic=Traffic(streams=streams),
        timing=Timing(probe_every_s=0.01, probe_answer_s=5.0),
    )
    sender = ChildSender()
    endpoint = Endpoint(
        host="192.0.2.1", port=9, ca=authority_pem(), path="direct", places=places(servers)
    )
    sender.start("r1", scenario, endpoint, folder)  # type: ignore[arg-type]
    return sender


def test_a_real_child_asks_every_origin_before_the_load(
    tmp_path: object, servers: dict[str, Scripted]
) -> None:
    sender = child(tmp_path, servers, of(PLAIN), of(SECURE), of(OTHER))
    try:
        sender.probe(20)
        assert sender.sent().probes == 3
        assert [len(server.requests) for server in servers.values()] == [1, 1, 1]
    finally:
        sender.close()


def flaky(right_after: int) -> Behaviour:
    def behave(peer: object) -> None:
        body = b"other" if peer.index >= right_after else b"not yet"  # type: ignore[attr-defined]
        says(whole(body))(peer)  # type: ignore[arg-type]

    return behave


def test_a_question_is_asked_until_its_answer_is_right_and_none_before_is_asked_again(
    tmp_path: object, servers: dict[str, Scripted]
) -> None:
    servers[OTHER].__exit__()
    servers[OTHER] = Scripted(flaky(3), context=context("wrong-name"))
    sender = child(tmp_path, servers, of(PLAIN), of(OTHER))
    try:
        sender.probe(20)
        assert sender.sent().probes == 5
        assert len(servers[PLAIN].requests) == 1
    finally:
        sender.close()
