"""What a server says that it did not process is asked again, where a stream says so."""

import pytest
from h2.errors import ErrorCodes
from scripted_http2 import (
    Asked,
    Behaviour,
    Peer,
    answers,
    begins,
    ends,
    goes_away,
    resets_stream,
    says,
    silent,
)
from talk import Start, stream

from harness.model.outcome import Outcome
from harness.model.traffic import Connection, Tls, Traffic
from harness.traffic.client import Client

SHORT_S = 0.5
REFUSES = resets_stream(ErrorCodes.REFUSED_STREAM)
REFUSALS = [
    pytest.param(REFUSES, 1, id="the-stream"),
    pytest.param(says(goes_away(0)), 2, id="the-connection"),
]


@pytest.mark.parametrize(("refuses", "connections"), REFUSALS)
def test_what_was_refused_is_asked_again_and_is_one_request(
    start_http2: Start, refuses: Behaviour, connections: int
) -> None:
    talk = start_http2([refuses, answers()], asks_again=True, method="POST", body="x", write=True)
    sample = talk.send()
    assert (sample.outcome, sample.again, sample.status) == (Outcome.ok, 1, 200), talk.details
    assert sample.connection == connections == talk.client.opened
    assert talk.details == []
    first, second = talk.server.requests
    assert first.fields == second.fields
    assert first.body == second.body == b"x"
    assert talk.send().again == 0


@pytest.mark.parametrize(("refuses", "connections"), REFUSALS)
def test_a_stream_that_asks_once_does_not(
    start_http2: Start, refuses: Behaviour, connections: int
) -> None:
    talk = start_http2([refuses, answers()])
    sample = talk.send()
    assert (sample.outcome, sample.again) == (Outcome.refused_stream, 0)
    assert len(talk.server.requests) == 1
    assert talk.send().connection == connections


@pytest.mark.parametrize(("refuses", "connections"), REFUSALS)
def test_what_is_refused_three_times_has_failed(
    start_http2: Start, refuses: Behaviour, connections: int
) -> None:
    talk = start_http2([refuses, refuses, refuses, answers()], asks_again=True)
    sample = talk.send()
    assert (sample.outcome, sample.again) == (Outcome.refused_stream, 2)
    assert talk.details[0][2].endswith("asked 3 times")
    assert len(talk.server.requests) == 3
    assert talk.client.opened == (1 if connections == 1 else 3)
    assert talk.send().outcome is Outcome.ok, talk.details


def test_without_kept_connections_each_try_has_one_of_its_own(start_http2: Start) -> None:
    talk = start_http2([REFUSES, answers()], asks_again=True, connection=Connection.new)
    sample = talk.send()
    assert (sample.outcome, sample.again, sample.connection) == (Outcome.ok, 1, 2), talk.details


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (resets_stream(ErrorCodes.INTERNAL_ERROR), Outcome.reset),
        (resets_stream(ErrorCodes.REFUSED_STREAM, after=begins()), Outcome.reset),
        (says(goes_away(1), goes_away(1)), Outcome.answer_timeout),
        (ends(Peer.cut), Outcome.closed_before_answer),
        (ends(Peer.reset), Outcome.reset),
        (answers(status="503"), Outcome.wrong_status),
    ],
)
def test_what_may_have_been_processed_is_never_asked_again(
    start_http2: Start, behaviour: Behaviour, outcome: Outcome
) -> None:
    talk = start_http2([behaviour, answers()], asks_again=True, timeout_s=SHORT_S)
    sample = talk.send()
    assert (sample.outcome, sample.again) == (outcome, 0), talk.details
    assert len(talk.server.requests) == 1


def test_all_tries_share_one_time(start_http2: Start) -> None:
    talk = start_http2([REFUSES, silent, answers()], asks_again=True, timeout_s=SHORT_S)
    sample = talk.send()
    assert (sample.outcome, sample.again) == (Outcome.answer_timeout, 1)
    assert "asked" not in talk.details[0][2]
    assert len(talk.server.requests) == 2


def test_who_finds_nobody_as_he_asks_again_is_told_so(start_http2: Start) -> None:
    """The server leaves, and its listener is gone by then."""

    def leaves(peer: Peer, _asked: Asked) -> None:
        talk.server.refuse()
        peer.say(goes_away(0))

    talk = start_http2(leaves, asks_again=True)
    sample = talk.send()
    assert (sample.outcome, sample.again) == (Outcome.refused, 1), talk.details
    assert sample.sent_ns > 0


def test_asking_again_is_for_http2_alone() -> None:
    traffic = Traffic(streams=(stream(tls=Tls.off, asks_again=True),))
    with pytest.raises(ValueError, match="asks_again is for HTTP/2"):
        Client(host="127.0.0.1", port=1, authority="site.test", run="r1", traffic=traffic)
