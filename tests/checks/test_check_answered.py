import pytest
from synthetic import START, S, clean

from harness.checks.answered import check
from harness.model.finding import Finding, Verdict
from harness.model.mark import MarkKind
from harness.model.outcome import Outcome


def test_answers_before_during_and_after_pass():
    assert check(clean().history()) == Finding(
        check="answered",
        verdict=Verdict.passed,
        message="every stream was answered in steady, swap 1, after 1",
        evidence={"streams": ["get-reused", "get-new", "write", "slow"], "phases": 3},
    )


@pytest.mark.parametrize(
    ("phase", "since", "until"), [("steady", 1, 11), ("swap 1", 11, 14), ("after 1", 14, 99)]
)
def test_a_stream_without_an_answer_in_a_phase_is_inconclusive(phase, since, until):
    draft = clean()
    draft.fail(draft.seqs("write", since, until), Outcome.reset)
    finding = check(draft.history())
    assert finding == Finding(
        check="answered",
        verdict=Verdict.inconclusive,
        message=f"no answer succeeded: write in {phase}; raise the stream's rate or lengthen the "
        "phase, if nothing else failed",
        evidence={"unanswered": [f"write in {phase}"], "count": 1},
    )


def test_what_nobody_asked_for_is_inconclusive():
    draft = clean()
    draft.sent(unasked=3, unasked_text="connection 7: b'HTTP/1.1 200 OK\x1b'")
    assert check(draft.history()) == Finding(
        check="answered",
        verdict=Verdict.inconclusive,
        message="something came over 3 idle connections that nobody had asked for, first "
        "connection 7: b'HTTP/1.1 200 OK\N{REPLACEMENT CHARACTER}': whether each answer was the "
        "only one is not known",
        evidence={
            "unasked": 3,
            "first": "connection 7: b'HTTP/1.1 200 OK\N{REPLACEMENT CHARACTER}'",
        },
    )


def test_each_swap_of_several_is_judged():
    draft = clean(swaps=2)
    draft.fail(draft.seqs(since=15, until=18), Outcome.reset)
    finding = check(draft.history())
    assert finding.evidence["unanswered"] == [
        f"{stream} in swap 2" for stream in ("get-reused", "get-new", "write", "slow")
    ]


def test_one_answer_is_enough():
    draft = clean()
    draft.fail(draft.seqs("write", 11, 14)[1:], Outcome.reset)
    assert check(draft.history()).verdict is Verdict.passed


def test_a_run_without_a_phase_after_is_inconclusive():
    draft = clean()
    draft.marks = [mark for mark in draft.marks if mark.name != "after"]
    finding = check(draft.history())
    assert finding.verdict is Verdict.inconclusive
    assert finding.message == "the run had no phase after: there is nothing to compare"


def test_without_any_phase_it_is_inconclusive():
    draft = clean()
    draft.marks = [mark for mark in draft.marks if mark.kind is not MarkKind.phase]
    finding = check(draft.history())
    assert finding.verdict is Verdict.inconclusive
    assert finding.message == (
        "the run had no phase steady, swap, after: there is nothing to compare"
    )


def test_a_load_that_ends_before_what_may_still_fail_is_inconclusive():
    draft = clean()
    draft.drop(draft.seqs(since=15.9))
    draft.sent(stop_ns=START + int(15.9 * S))
    assert check(draft.history()) == Finding(
        check="answered",
        verdict=Verdict.inconclusive,
        message="the load ended 1.90 s after the last swap, 2.00 s are needed: what a swap does is "
        "judged until then; raise --after",
        evidence={"tail_s": 1.9, "needed_s": 2.0},
    )


@pytest.mark.parametrize(("tail_s", "verdict"), [(1.999, "inconclusive"), (2.0, "pass")])
def test_the_load_must_go_on_for_just_so_long(tail_s, verdict):
    draft = clean()
    draft.drop(draft.seqs(since=14 + tail_s))
    draft.sent(stop_ns=START + round((14 + tail_s) * S))
    assert check(draft.history()).verdict == verdict


def test_only_the_last_swap_needs_a_tail():
    draft = clean(swaps=2)
    assert check(draft.history()).verdict is Verdict.passed, "1 s lies between the two"
