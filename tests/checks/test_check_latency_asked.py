"""`latency` where a p99 was asked for: an absolute limit beside that of the steady state."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import clean

from harness.checks.latency import _verdict, _verdict_of_asked, check
from harness.model.finding import Verdict
from harness.model.outcome import Outcome
from harness.model.scenario import Limits

ONLY_ASKED = {"latency_factor": 0.0}


def told(draft, **limits):
    draft.scenario(limits=Limits(**limits))
    finding = check(draft.history())
    return finding.verdict, finding.message


def slowed(number, latency_ms=80, stream="get-reused"):
    draft = clean()
    draft.delay(draft.seqs(stream, 12, 14)[:number], latency_ms)
    return draft


def test_it_is_held_beside_the_steady_states_own_limit():
    assert told(clean(), p99_ms=50) == (
        Verdict.passed,
        (
            "p99 5.0 ms steady, 5.0 ms in the swap window; 0 of 1,450 above 105.0 ms and "
            "0 of 1,450 above 50.0 ms"
        ),
    )


def test_one_in_a_hundred_may_be_above_it_and_more_fail():
    """Of 750 answers of that stream 7 may be, of all 1,450 14."""
    assert told(slowed(7), p99_ms=50)[0] is Verdict.passed
    assert told(slowed(20), p99_ms=50) == (
        Verdict.failed,
        (
            "all: 20 of 1,450 answers in the swap window took longer than 50.0 ms (limits.p99_ms), "
            "allowed 14; get-reused: 20 of 750 answers in the swap window took longer than 50.0 ms "
            "(limits.p99_ms), allowed 7"
        ),
    )
    assert told(slowed(20), p99_ms=80)[0] is Verdict.passed


def test_a_wider_one_does_not_loosen_that_of_the_steady_state():
    verdict, message = told(slowed(20, 300), p99_ms=400)
    assert verdict is Verdict.failed
    assert "took longer than 105.0 ms (from steady p99 5.0 ms), allowed 14" in message


def test_it_stands_alone_where_the_steady_state_is_to_set_none():
    assert told(slowed(20, 300), p99_ms=400, **ONLY_ASKED) == (
        Verdict.passed, "p99 5.0 ms steady, 300.0 ms in the swap window; 0 of 1,450 above 400.0 ms",
    )  # fmt: skip
    assert told(slowed(20, 300), p99_ms=200, **ONLY_ASKED)[0] is Verdict.failed


def test_without_any_limit_nothing_is_judged():
    assert told(slowed(20, 300), **ONLY_ASKED) == (
        Verdict.passed, "no limit on p99 is set: none is judged",
    )  # fmt: skip


def test_what_may_be_chance_is_inconclusive_where_a_p99_was_asked_for():
    """3 of 200 writes: by chance in 1 of 3 cases, which passes against the steady state alone."""
    assert told(slowed(3, 300, "write"))[0] is Verdict.passed
    verdict, message = told(slowed(3, 300, "write"), p99_ms=250)
    assert verdict is Verdict.inconclusive
    assert message.startswith(
        "write: 3 of 200 answers in the swap window took longer than 250.0 ms (limits.p99_ms), "
        "allowed 2; too few samples to tell: raise its rate or make more swaps"
    )


@pytest.mark.parametrize(("left", "verdict"), [(99, Verdict.inconclusive), (100, Verdict.passed)])
def test_a_p99_of_fewer_than_a_hundred_answers_cannot_be_told(left, verdict):
    draft = clean()
    draft.fail(draft.seqs("write", 11, 16)[left:], Outcome.refused)
    assert told(draft)[0] is Verdict.passed
    found, message = told(draft, p99_ms=50)
    assert found is verdict
    if verdict is Verdict.inconclusive:
        assert message.startswith("write: 0 of 99 answers in the swap window took longer than 50")


def test_it_needs_no_steady_state():
    draft = clean()
    draft.fail(draft.seqs("write", 1, 11)[19:], Outcome.refused)
    assert told(draft, p99_ms=50)[0] is Verdict.inconclusive
    assert told(draft, p99_ms=50, **ONLY_ASKED)[0] is Verdict.passed
    draft.delay(draft.seqs("write", 12, 14)[:20], 80)
    assert told(draft)[0] is Verdict.inconclusive
    verdict, message = told(draft, p99_ms=50)
    assert verdict is Verdict.failed
    assert "write: 20 of 200 answers in the swap window took longer than 50.0 ms" in message


def test_it_is_excused_by_the_same_as_that_of_the_steady_state():
    draft = slowed(20)
    draft.steal(0.32, 11, 16)
    verdict, message = told(draft, p99_ms=50)
    assert verdict is Verdict.inconclusive
    assert "not blamed on the target: 32 % of the CPU was stolen meanwhile" in message


def test_factor_and_margin_draw_another_limit_from_the_steady_state():
    """Steady p99 is 5 ms: the larger of 20 x 5 and 5 + 40."""
    assert told(slowed(20, 100), latency_factor=20.0, latency_margin_ms=40.0)[0] is Verdict.passed
    assert told(slowed(20, 101), latency_factor=20.0, latency_margin_ms=40.0)[0] is Verdict.failed
    assert told(slowed(20, 45), latency_factor=1.0, latency_margin_ms=40.0)[0] is Verdict.passed
    assert told(slowed(20, 46), latency_factor=1.0, latency_margin_ms=40.0)[0] is Verdict.failed


@given(st.integers(0, 3_000), st.integers(0, 3_000))
def test_what_is_asked_is_never_judged_more_gently_nor_failed_for_less(answers, above):
    above = min(above, answers)
    drawn, asked = _verdict(answers, above), _verdict_of_asked(answers, above)
    assert (drawn is Verdict.failed) == (asked is Verdict.failed)
    assert asked is not Verdict.passed or drawn is Verdict.passed
    assert asked is not Verdict.passed or above * 100 <= answers
