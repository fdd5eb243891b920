import json
from dataclasses import replace

import pytest
from synthetic import STREAMS, SWAP_AT, Draft, at, clean

from harness.analysis.history import load
from harness.checks.visits import check
from harness.model.finding import Verdict
from harness.model.outcome import Outcome
from harness.model.traffic import Traffic
from harness.model.visit import Until, Visit, Visited, VisitKind

ADMITTED = 12.1


def visiting(until: Until = Until.admitted, kind: VisitKind = VisitKind.events) -> Draft:
    """A clean run whose slow stream makes visits; three of them are held over the swap."""
    draft = clean()
    visit = Visit(kind=kind, lasts_s=0.4, until=until)
    streams = (*STREAMS[:3], replace(STREAMS[3], visit=visit))
    draft.scenario(traffic=Traffic(streams=streams))
    held = set(held_ones(draft))
    draft.set(held, finished_ns=at(ADMITTED if until is Until.admitted else 14.0))
    draft.visits = tuple(
        Visited(seq=seq, asked=1, answered=3, let_go_ns=1, is_held=seq in held)
        for seq in draft.seqs("slow")
    )
    return draft


def held_ones(draft: Draft) -> list[int]:
    return draft.seqs("slow", since=SWAP_AT - 0.3, until=SWAP_AT - 0.01)


def altered(draft: Draft, seq: int, **changes: object) -> None:
    draft.visits = tuple(
        replace(one, **changes) if one.seq == seq else one  # type: ignore[arg-type]
        for one in draft.visits
    )


def test_visits_that_cross_the_swap_whole_pass():
    finding = check(visiting().history())
    assert (finding.verdict, finding.message) == (
        Verdict.passed,
        "180 visits went well, 3 held over a swap: none closed by the other side",
    )
    assert finding.evidence == {
        "visits": {"slow": 180},
        "held": 3,
        "closed": 0,
        "longest_reconnect_ms": None,
    }


def test_a_traffic_without_visits_is_not_asked():
    assert check(clean().history()).message == "no stream makes visits: none asked"


def test_an_orderly_close_that_is_soon_answered_again_passes():
    draft = visiting()
    altered(draft, held_ones(draft)[0], closed=2, reconnect_ms=(34.0, 2_000.0))
    finding = check(draft.history())
    assert finding.verdict is Verdict.passed
    assert finding.message.endswith("1 closed in order and answered again, within 2,000 ms")


def test_a_close_that_is_answered_again_too_late_is_a_fail():
    draft = visiting()
    altered(draft, held_ones(draft)[0], closed=1, reconnect_ms=(2_000.1,))
    finding = check(draft.history())
    assert finding.verdict is Verdict.failed
    assert "1 visit waited too long after an orderly close" in finding.message


@pytest.mark.parametrize("until", Until)
def test_an_idle_connection_whose_close_was_announced_crossed_nothing(until: Until):
    draft = visiting(until, VisitKind.idle)
    end_ns = at(ADMITTED if until is Until.admitted else 14.0)
    for seq in held_ones(draft):
        altered(draft, seq, left_ns=end_ns - 1, closed=1, reconnect_ms=(3.0,))
    finding = check(draft.history())
    assert finding.verdict is Verdict.inconclusive
    assert finding.message.endswith("of swap 1; an answer announced the close of each")
    altered(draft, held_ones(draft)[0], left_ns=end_ns, closed=0, reconnect_ms=())
    assert check(draft.history()).verdict is Verdict.passed


def test_a_session_needs_no_connection_to_cross_a_swap():
    draft = visiting(kind=VisitKind.session)
    for seq in held_ones(draft):
        altered(draft, seq, left_ns=at(SWAP_AT), closed=1, reconnect_ms=(3.0,))
    assert check(draft.history()).verdict is Verdict.passed


def test_a_visit_that_failed_is_a_fail_though_its_last_status_was_200():
    draft = visiting()
    draft.set(held_ones(draft)[:1], outcome=Outcome.wrong_body.name)
    finding = check(draft.history())
    assert finding.verdict is Verdict.failed
    assert finding.message.startswith("1 of 180 visits failed (slow 1); first #")
    assert "200 (wrong_body)" in finding.message


def test_a_visit_without_its_account_is_inconclusive():
    draft = visiting()
    draft.visits = draft.visits[1:]
    finding = check(draft.history())
    assert finding.verdict is Verdict.inconclusive
    assert finding.message.startswith("1 visit left no account in visits.jsonl")


def test_a_swap_that_no_visit_was_open_over_is_inconclusive():
    """Let go before the new instance was admitted, or not before the swap began."""
    for early in ({"finished_ns": at(ADMITTED) - 1}, {"sent_ns": at(SWAP_AT) + 1}):
        draft = visiting()
        draft.set(held_ones(draft), **early)
        finding = check(draft.history())
        assert finding.verdict is Verdict.inconclusive
        assert "slow over the first 1.1 s of swap 1" in finding.message


def test_those_that_wait_for_the_swap_must_be_open_to_its_end():
    assert check(visiting(Until.swapped).history()).verdict is Verdict.passed
    draft = visiting(Until.swapped)
    draft.set(held_ones(draft), finished_ns=at(13.9))
    finding = check(draft.history())
    assert finding.verdict is Verdict.inconclusive
    assert "slow over the first 3.0 s of swap 1" in finding.message


def test_without_a_step_that_admits_they_are_open_to_the_swap_s_end():
    draft = visiting()
    draft.marks = [mark for mark in draft.marks if not mark.name.startswith("admit")]
    assert check(draft.history()).verdict is Verdict.inconclusive
    draft.set(held_ones(draft), finished_ns=at(14.0))
    assert check(draft.history()).verdict is Verdict.passed


def test_no_visit_at_all_is_inconclusive():
    draft = visiting()
    draft.drop(draft.seqs("slow"))
    assert check(draft.history()).verdict is Verdict.inconclusive


def test_accounts_are_read_from_the_run_folder(tmp_path):
    draft = visiting()
    account = {"closed": 1, "reconnect_ms": (7.5,), "left_ns": 5, "last_sent_ns": 6}
    altered(draft, held_ones(draft)[0], **account, last_release="v2", last_instance="i")
    assert load(draft.write(tmp_path / "run")).visits == draft.visits


def test_accounts_that_tell_nothing_of_last_answers_are_read_too(tmp_path):
    draft = visiting()
    folder = draft.write(tmp_path / "run")
    path = folder / "visits.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        for name in ("left_ns", "last_sent_ns", "last_release", "last_instance"):
            del line[name]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    history = load(folder)
    assert (history.visits, history.damage) == (draft.visits, ())
