"""Nothing is hidden: as many failures are reported as were made, whatever they are."""

from collections import Counter
from collections.abc import Callable

import gevent
import gevent.pool
import pytest
from scripted import Behaviour, Peer, chunked, closes, cuts, resets, says, whole
from talk import Place, Start

from harness.model.arrivals import Arrival
from harness.model.outcome import Outcome
from harness.model.row import Sample
from harness.model.traffic import Connection, Tls

REQUESTS, EVERY = 500, 50

FAULTS: dict[str, tuple[Behaviour, set[Outcome]]] = {
    "close": (closes(), {Outcome.closed_before_answer, Outcome.closed_on_reuse}),
    "reset": (resets(), {Outcome.reset}),
    "truncation": (closes(whole()[:-1]), {Outcome.truncated}),
    "ragged-truncation": (cuts(whole()[:-1]), {Outcome.truncated}),
    "wrong-answer": (says(whole(b"other")), {Outcome.wrong_body}),
    "503": (says(whole(b"sorry", "503 Away")), {Outcome.wrong_status}),
}


@pytest.mark.parametrize(
    ("connection", "greenlets"), [(Connection.reuse, 1), (Connection.reuse, 8), (Connection.new, 8)]
)
@pytest.mark.parametrize("fault", FAULTS)
def test_every_50th_request_fails_and_no_other(
    start: Start, connection: Connection, tls: Tls, fault: str, greenlets: int
) -> None:
    misbehave, names = FAULTS[fault]
    good = says(whole())

    def behave(peer: Peer) -> None:
        (misbehave if peer.index % EVERY == EVERY - 1 else good)(peer)

    talk = start(behave, connection=connection, tls=tls)
    pool = gevent.pool.Pool(greenlets)
    arrivals = [Arrival(seq, 0, 0) for seq in range(REQUESTS)]
    samples: list[Sample] = list(pool.imap_unordered(talk.client.send, arrivals))

    assert sorted(sample.seq for sample in samples) == list(range(REQUESTS))
    assert len(talk.server.requests) == REQUESTS
    outcomes = Counter(sample.outcome for sample in samples)
    made = REQUESTS // EVERY
    assert outcomes.pop(Outcome.ok) == REQUESTS - made
    assert set(outcomes) <= names
    assert outcomes.total() == made
    failed = {b"r1-%d" % sample.seq for sample in samples if sample.outcome is not Outcome.ok}
    assert failed == {
        request.partition(b"X-Request-Id: ")[2].partition(b"\r\n")[0]
        for request in talk.server.requests[EVERY - 1 :: EVERY]
    }
    if connection is Connection.reuse and greenlets == 1:
        assert set(outcomes) <= names - {Outcome.closed_before_answer}


@pytest.mark.parametrize("end", [closes, cuts])
@pytest.mark.parametrize("answer", [whole(), chunked(b"hel", b"lo")], ids=["length", "chunked"])
def test_answer_cut_at_any_byte_is_never_ok(
    start: Start, place: Place, tls: Tls, answer: bytes, end: Callable[[bytes], Behaviour]
) -> None:
    before = [says(whole())] * place.before
    script = [each for n in range(len(answer) + 1) for each in (*before, end(answer[:n]))]
    talk = start(script, connection=place.connection, tls=tls)
    samples = []
    for _ in range(len(answer) + 1):
        assert [talk.send().outcome for _ in before] == [Outcome.ok] * place.before
        samples.append(talk.send())
        assert samples[-1].reuse == place.before
    assert len(talk.server.requests) == len(script)
    assert [s.outcome for s in samples] == [
        Outcome.closed_on_reuse if place.before else Outcome.closed_before_answer,
        *[Outcome.truncated] * (len(answer) - 1),
        Outcome.ok,
    ]
