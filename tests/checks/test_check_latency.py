from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import clean

from harness.checks.latency import _by_chance, check
from harness.model.finding import Finding, Verdict
from harness.model.mark import MarkKind
from harness.model.outcome import Outcome
from harness.model.traffic import Traffic


def told(draft):
    finding = check(draft.history())
    return finding.verdict, finding.message


def test_fast_answers_pass_with_both_p99():
    finding = check(clean().history())
    assert finding.verdict is Verdict.passed
    assert finding.message == (
        "p99 5.0 ms steady, 5.0 ms in the swap window; 0 of 1,450 above 105.0 ms"
    )
    assert finding.evidence["steal_share"] == 0.01
    assert finding.evidence["streams"]["all"] == {
        "steady": 2900,
        "in_window": 1450,
        "steady_p99_ms": 5.0,
        "window_p99_ms": 5.0,
        "above": 0,
        "limit_ms": 105.0,
        "drawn_from": "p99",
        "drawn_from_ms": 5.0,
        "drawn_from_stream": "all",
    }
    assert "slow" not in finding.evidence["streams"]


def test_a_slow_swap_fails_by_stream():
    draft = clean()
    draft.delay(draft.seqs("get-reused", 12, 13)[:20], 300)
    assert told(draft) == (
        Verdict.failed,
        (
            "all: 20 of 1,450 answers in the swap window took longer than 105.0 ms (from "
            "steady p99 "
            "5.0 ms), allowed 14; get-reused: 20 of 750 answers in the swap window took "
            "longer than "
            "105.0 ms (from steady p99 5.0 ms), allowed 7"
        ),
    )


def test_one_in_a_hundred_may_be_slow():
    draft = clean()
    draft.delay(draft.seqs("get-reused", 12, 13)[:7], 300)
    assert told(draft)[0] is Verdict.passed


def test_what_chance_gives_at_one_in_a_hundred_says_nothing_against_a_stream():
    """Of 200 writes 2 may be slow: 5 or more come by chance in 1 of 20 cases."""
    draft = clean()
    draft.delay(draft.seqs("write", 12, 14)[:4], 300)
    assert len(draft.seqs("write", 11, 16)) == 200
    assert told(draft)[0] is Verdict.passed


def test_more_than_chance_gives_but_fewer_than_ten_cannot_be_told():
    draft = clean()
    draft.delay(draft.seqs("write", 12, 14)[:6], 300)
    assert told(draft) == (
        Verdict.inconclusive,
        (
            "write: 6 of 200 answers in the swap window took longer than 105.0 ms "
            "(from steady p99 5.0 ms of all streams, its own is not resolved), allowed 2; "
            "too few samples to tell: raise its rate or make more swaps"
        ),
    )


@given(answers=st.integers(10, 3_000))
def test_chance_is_the_binomials_quantile_and_never_reaches_a_fail(answers):
    most = _by_chance(answers)
    shares = [comb(answers, k) * 0.01**k * 0.99 ** (answers - k) for k in range(most + 1)]
    assert most <= 9
    assert sum(shares) >= 0.95 or most == 9
    assert sum(shares[:-1]) < 0.95


def test_what_settles_after_the_swap_is_judged_with_it():
    draft = clean()
    draft.delay(draft.seqs("get-reused", 15.9, 16)[:15], 300)
    assert told(draft)[0] is Verdict.failed
    draft = clean()
    draft.delay(draft.seqs("get-reused", 16, 17)[:15], 300)
    assert told(draft)[0] is Verdict.passed


def test_a_stream_without_a_p99_of_its_own_is_judged_by_that_of_all():
    draft = clean()
    draft.delay(draft.seqs("write", 12, 13)[:20], 300)
    assert told(draft)[1].endswith(
        "; write: 20 of 200 answers in the swap window took longer than 105.0 ms (from steady p99 "
        "5.0 ms of all streams, its own is not resolved), allowed 2"
    )


def test_a_thin_stream_is_not_blamed_for_the_tail_that_its_steady_state_had_too():
    """Its p90 is quiet, 5 % of the steady state took 150 ms: 5 % of the swap may as well."""
    draft = clean()
    for name in ("get-reused", "get-new", "write"):
        draft.delay(draft.seqs(name)[::20], 145)
    assert told(draft)[0] is Verdict.passed


def test_a_lower_percentile_is_used_and_said_where_no_p99_is_resolved():
    draft = clean()
    for name in ("get-reused", "get-new", "write"):
        draft.fail(draft.seqs(name, 1, 11)[200:], Outcome.refused)
    draft.delay(draft.seqs("write", 12, 13)[:20], 300)
    assert told(draft)[1].endswith(
        "; write: 20 of 200 answers in the swap window took longer than 105.0 ms (from steady p90 "
        "5.0 ms, stricter than p99 would be), allowed 2"
    )


def test_the_factor_counts_where_it_gives_more_than_the_margin():
    draft = clean()
    draft.delay(draft.seqs("get-reused"), 80)
    draft.delay(draft.seqs("get-reused", 12, 13), 239)
    assert told(draft)[0] is Verdict.passed
    draft.delay(draft.seqs("get-reused", 12, 13), 241)
    assert told(draft)[0] is Verdict.failed


def test_fewer_than_20_steady_answers_are_inconclusive():
    draft = clean()
    draft.fail(draft.seqs("write", 1, 11)[19:], Outcome.refused)
    assert told(draft) == (
        Verdict.inconclusive,
        "write: 19 answers in the steady state, 20 are needed; raise its rate or lengthen steady_s",
    )


def test_fewer_than_10_answers_in_the_swap_are_inconclusive():
    """A fail takes 10 above the limit, so with 9 in all it could not have been seen."""
    draft = clean()
    draft.fail(draft.seqs("write", 11, 16)[9:], Outcome.refused)
    assert told(draft) == (
        Verdict.inconclusive,
        (
            "write: 0 of 9 answers in the swap window took longer than 105.0 ms (from "
            "steady p99 5.0 ms of all streams, its own is not resolved), allowed 0; too few "
            "samples to tell: raise its rate or make more swaps"
        ),
    )


def test_streams_that_are_slow_on_purpose_are_not_judged():
    draft = clean()
    draft.delay(draft.seqs("slow", 11, 16), 9_000)
    assert told(draft)[0] is Verdict.passed


def test_a_starved_machine_is_not_blamed_on_the_target():
    draft = clean()
    draft.delay(draft.seqs("get-reused", 12, 13)[:20], 300)
    draft.steal(0.32, 11, 16)
    verdict, message = told(draft)
    assert verdict is Verdict.inconclusive
    assert message.startswith(
        "all: 20 of 1,450 answers in the swap window took longer than 105.0 ms (from steady p99 "
        "5.0 ms), allowed 14; not blamed on the target: 32 % of the CPU was stolen meanwhile, "
        "more than 5.0 %; run on a quieter machine"
    )


def test_steal_outside_of_the_swap_excuses_nothing():
    draft = clean()
    draft.delay(draft.seqs("get-reused", 12, 13)[:20], 300)
    draft.steal(0.9, 2, 10)
    assert told(draft)[0] is Verdict.failed


def test_a_pass_stays_a_pass_on_a_starved_machine():
    draft = clean()
    draft.steal(0.32, 11, 16)
    assert told(draft)[0] is Verdict.passed


def test_where_steal_was_not_measured_a_fail_stands():
    draft = clean()
    draft.delay(draft.seqs("get-reused", 12, 13)[:20], 300)
    draft.machine = []
    finding = check(draft.history())
    assert finding.verdict is Verdict.failed
    assert finding.evidence["steal_share"] is None


@pytest.mark.parametrize(("swap_at", "verdict"), [(11, "inconclusive"), (20, "fail")])
def test_a_starved_swap_excuses_itself_alone(swap_at, verdict):
    """Both are slow in swap 3 (19 s to 24 s); steal in another excuses nothing of it."""
    draft = clean(swaps=3)
    draft.steal(0.4, swap_at - 0.5, swap_at + 1)
    slow = 11.5 if swap_at == 11 else 12.5
    draft.delay(draft.seqs("get-reused", slow, slow + 0.5), 300)
    assert told(draft)[0] == verdict


def test_no_window_is_inconclusive():
    draft = clean()
    draft.marks = [mark for mark in draft.marks if mark.kind is not MarkKind.phase]
    assert told(draft) == (
        Verdict.inconclusive,
        "no swap was begun: latency has no window",
    )


def test_no_swap_asked_for_is_not_judged():
    assert told(clean(swaps=0)) == (Verdict.passed, "no swap was asked for: none is judged")


def test_slow_streams_alone_are_not_judged():
    draft = clean()
    draft.scenario(traffic=Traffic(streams=draft.record.scenario.traffic.streams[3:]))
    assert check(draft.history()) == Finding(
        check="latency",
        verdict=Verdict.passed,
        message="every stream is slow on purpose: none is judged",
    )


def send_late(draft, seqs, late_ms):
    rows = draft.samples["seq"].isin(list(seqs))
    draft.samples.loc[rows, "sent_ns"] = draft.samples.loc[rows, "due_ns"] + int(late_ms * 1e6)


def test_what_passed_before_the_sender_sent_is_not_blamed_on_the_target():
    draft = clean()
    slow = draft.seqs("get-reused", 12, 13)[:20]
    draft.delay(slow, 300)
    send_late(draft, slow, 290)
    verdict, message = told(draft)
    assert verdict is Verdict.inconclusive
    assert "not blamed on the target: most of it passed before they were sent" in message


def test_a_late_sender_excuses_nothing_that_the_target_took_by_itself():
    draft = clean()
    slow = draft.seqs("get-reused", 12, 13)[:20]
    draft.delay(slow, 300)
    send_late(draft, slow, 150)
    assert told(draft)[0] is Verdict.failed
