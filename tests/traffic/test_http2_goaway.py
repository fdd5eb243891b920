"""A server that finishes: who was taken is answered, who was not is told, and nobody asks again."""

import pytest
from h2.errors import ErrorCodes
from hyperframe.frame import DataFrame
from scripted_http2 import Asked, Behaviour, Peer, answers, begins, goes_away, says, silent
from talk import Start

from harness.model.outcome import Outcome

MOST = 2**31 - 1


def at(count: int, then: Behaviour) -> Behaviour:
    """Says nothing to so many requests of the first connection but `then` at the last of them; any
    other connection is answered.
    """
    seen: list[Asked] = []

    def behave(peer: Peer, asked: Asked) -> None:
        if asked.connection:
            peer.answer(asked)
            return
        seen.append(asked)
        if len(seen) == count:
            then(peer, asked)

    return behave


def answers_all(peer: Peer, up_to: int) -> None:
    for number in sorted(peer.asked):
        if number <= up_to:
            peer.answer(peer.asked[number])


def test_who_was_taken_is_answered_after_goaway_and_who_was_not_is_refused(
    start_http2: Start,
) -> None:
    def leaves(peer: Peer, _asked: Asked) -> None:
        peer.say(goes_away(5))
        answers_all(peer, 5)
        peer.close()

    talk = start_http2(at(5, leaves))
    samples = talk.together(5)
    outcomes = [sample.outcome for sample in sorted(samples, key=lambda sample: sample.reuse)]
    assert outcomes == [Outcome.ok] * 3 + [Outcome.refused_stream] * 2, talk.details
    assert {sample.connection for sample in samples} == {1}
    for _, outcome, text in talk.details:
        assert outcome is Outcome.refused_stream
        assert "was not processed: GOAWAY (NO_ERROR, last stream 5)" in text
    sample = talk.send()
    assert (sample.outcome, sample.connection, sample.reuse) == (Outcome.ok, 2, 0)
    assert len(talk.server.requests) == 6, "something was sent twice"
    assert (talk.client.closed_idle, talk.client.unasked) == (0, 0)


def test_goaway_and_what_follows_may_come_in_one_piece(start_http2: Start) -> None:
    def leaves(peer: Peer, asked: Asked) -> None:
        begins()(peer, asked)
        end = DataFrame(asked.number, data=b"lo", flags=["END_STREAM"])
        peer.say(goes_away(asked.number), end)

    talk = start_http2([leaves, answers()])
    samples = [talk.send(), talk.send()]
    assert [sample.outcome for sample in samples] == [Outcome.ok] * 2, talk.details
    assert [sample.connection for sample in samples] == [1, 2]


def test_goaway_may_come_twice_the_second_time_with_the_truth(start_http2: Start) -> None:
    """As servers do that let a round trip pass before they refuse (RFC 9113, 6.8)."""

    def leaves(peer: Peer, _asked: Asked) -> None:
        peer.say(goes_away(MOST))
        peer.say(goes_away(3))
        answers_all(peer, 3)

    talk = start_http2(at(3, leaves))
    outcomes = [sample.outcome for sample in talk.together(3)]
    assert sorted(outcomes) == [Outcome.ok, Outcome.ok, Outcome.refused_stream], talk.details


def test_nothing_is_sent_after_goaway_while_others_are_still_answered(start_http2: Start) -> None:
    kept: list[tuple[Peer, Asked]] = []

    def behave(peer: Peer, asked: Asked) -> None:
        if asked.connection == 0:
            kept.append((peer, asked))
            peer.say(goes_away(asked.number))
            return
        peer.answer(asked)
        first, still = kept[0]
        first.answer(still)

    talk = start_http2(behave)
    slow = talk.spawn()
    talk.until(lambda: talk.server.served)
    sample = talk.send()
    assert (sample.outcome, sample.connection) == (Outcome.ok, 2)
    assert (slow.get(timeout=10).outcome, slow.get().connection) == (Outcome.ok, 1)
    talk.until(lambda: talk.server.farewells == 1)


def test_who_was_taken_and_is_then_cut_is_not_refused(start_http2: Start) -> None:
    def leaves(peer: Peer, _asked: Asked) -> None:
        begins()(peer, peer.asked[1])
        peer.say(goes_away(3, ErrorCodes.INTERNAL_ERROR, b"sorry"))
        peer.close()

    talk = start_http2(at(3, leaves))
    samples = sorted(talk.together(3), key=lambda sample: sample.reuse)
    assert [sample.outcome for sample in samples] == [
        Outcome.truncated,
        Outcome.closed_on_reuse,
        Outcome.refused_stream,
    ]
    texts = {outcome: text for _, outcome, text in talk.details}
    assert "after GOAWAY (INTERNAL_ERROR, last stream 3, b'sorry')" in texts[Outcome.truncated]


def test_what_a_server_refuses_and_answers_all_the_same_disturbs_nobody(
    start_http2: Start,
) -> None:
    def leaves(peer: Peer, _asked: Asked) -> None:
        peer.say(goes_away(1))
        answers_all(peer, 3)

    talk = start_http2(at(2, leaves))
    outcomes = sorted(sample.outcome for sample in talk.together(2))
    assert outcomes == [Outcome.ok, Outcome.refused_stream], talk.details
    assert talk.client.unasked == 0


@pytest.mark.parametrize("first", [says(goes_away(0)), silent])
def test_a_refused_write_is_sent_once(start_http2: Start, first: Behaviour) -> None:
    talk = start_http2([first, answers()], method="POST", body="x", write=True, timeout_s=0.5)
    talk.send()
    talk.send()
    asked = [each.value(b"x-operation-id") for each in talk.server.requests]
    assert asked == [b"r1-0", b"r1-1"]


def test_a_server_that_leaves_before_anything_was_asked_refuses(start_http2: Start) -> None:
    def greets(peer: Peer) -> None:
        peer.h2.initiate_connection()
        peer.say(goes_away(0))
        peer.close()

    talk = start_http2(answers(), server={"greets": greets})
    sample = talk.send()
    assert sample.outcome is Outcome.refused_stream, talk.details
    assert talk.server.requests == []
