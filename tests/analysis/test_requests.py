"""When what failed a request showed."""

from dataclasses import replace

import pytest
from synthetic import STREAMS, Draft, S, at, clean

from harness.model.outcome import Outcome
from harness.model.traffic import Traffic
from harness.model.visit import Visit, VisitKind

TIMEOUT_S = 10.0
TIMEOUTS = (
    Outcome.connect_timeout,
    Outcome.handshake_timeout,
    Outcome.answer_timeout,
    Outcome.read_timeout,
    Outcome.unfinished,
)


def visiting() -> Draft:
    """A clean run whose slow stream makes visits."""
    draft = clean()
    visits = replace(
        STREAMS[3], visit=Visit(kind=VisitKind.session, lasts_s=3.0), timeout_s=TIMEOUT_S
    )
    draft.scenario(traffic=Traffic(streams=(*STREAMS[:3], visits)))
    return draft


def failed_at(draft: Draft, seq: int) -> int:
    rows = draft.history().requests
    return int(rows.loc[rows["seq"] == seq, "failed_ns"].iloc[0])


@pytest.mark.parametrize("outcome", TIMEOUTS)
def test_a_timeout_showed_as_its_request_was_sent(outcome: Outcome):
    draft = clean()
    [seq, *_] = draft.seqs("get-new", 9.5)
    draft.fail([seq], outcome, sent_ns=at(9.6), finished_ns=at(19.6))
    assert failed_at(draft, seq) == at(9.6)


@pytest.mark.parametrize("outcome", TIMEOUTS)
def test_a_visit_s_timeout_showed_as_its_last_exchange_was_begun(outcome: Outcome):
    draft = visiting()
    [seq, *_] = draft.seqs("slow", 9.5)
    draft.fail([seq], outcome, sent_ns=at(9.6), finished_ns=at(24))
    assert failed_at(draft, seq) == at(24) - int(TIMEOUT_S * S)


@pytest.mark.parametrize("finished_ns", [at(10), 0])
def test_a_visit_s_timeout_showed_no_sooner_than_the_visit_began(finished_ns: int):
    draft = visiting()
    [seq, *_] = draft.seqs("slow", 9.5)
    draft.fail([seq], Outcome.answer_timeout, sent_ns=at(9.6), finished_ns=finished_ns)
    assert failed_at(draft, seq) == at(9.6)


def test_a_visit_that_was_never_sent_showed_it_when_it_was_due():
    draft = visiting()
    [seq, *_] = draft.seqs("slow", 9.5)
    draft.fail([seq], Outcome.connect_timeout, sent_ns=0, finished_ns=at(24), due_ns=at(9.5))
    assert failed_at(draft, seq) == at(9.5)


@pytest.mark.parametrize("make", [clean, visiting])
def test_what_is_no_timeout_showed_at_its_ending(make):
    draft = make()
    [seq, *_] = draft.seqs("slow", 9.5)
    draft.fail([seq], Outcome.reset, sent_ns=at(9.6), finished_ns=at(24))
    assert failed_at(draft, seq) == at(24)
