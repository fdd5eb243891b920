from dataclasses import replace

from synthetic import at, clean

from harness.checks.crossed import check
from harness.model.finding import Finding, Verdict
from harness.model.mark import MarkKind
from harness.model.traffic import Traffic


def test_slow_requests_across_every_step_pass():
    assert check(clean().history()) == Finding(
        check="crossed",
        verdict=Verdict.passed,
        message="slow: in flight at each of 10 marks of steps",
        evidence={"streams": ["slow"], "marks": 10},
    )


def test_a_step_that_no_slow_request_crossed_is_inconclusive():
    draft = clean()
    draft.drop(draft.seqs("slow", since=12.1, until=12.7))
    assert check(draft.history()) == Finding(
        check="crossed",
        verdict=Verdict.inconclusive,
        message="nothing was in flight across a step: slow at the end of `drain website-1` "
        "(+12.600 s) and 1 more; raise the stream's rate or let its requests take longer",
        evidence={
            "missed": [
                "slow at the end of `drain website-1` (+12.600 s)",
                "slow at the begin of `stop website-1` (+12.600 s)",
            ],
            "count": 2,
            "marks": 10,
        },
    )


def test_a_request_that_ended_at_the_very_moment_was_not_in_flight():
    draft = clean()
    keep = draft.seqs("slow", since=12.1, until=12.3)[:1]
    draft.drop(set(draft.seqs("slow", since=12.1, until=12.7)) - set(keep))
    draft.set(keep, finished_ns=at(12.6))
    assert check(draft.history()).verdict is Verdict.inconclusive
    draft.set(keep, finished_ns=at(12.6) + 1)
    assert check(draft.history()).verdict is Verdict.passed


def test_a_request_sent_at_the_very_moment_was_in_flight():
    draft = clean()
    keep = draft.seqs("slow", since=12.1, until=12.7)[-1:]
    draft.drop(set(draft.seqs("slow", since=12.1, until=12.7)) - set(keep))
    draft.set(keep, sent_ns=at(12.6))
    assert check(draft.history()).verdict is Verdict.passed


def test_a_request_without_an_end_was_in_flight():
    draft = clean()
    seqs = draft.seqs("slow", since=12.1, until=12.7)
    draft.set(seqs, finished_ns=0, outcome="unfinished")
    assert check(draft.history()).verdict is Verdict.passed


def test_what_was_not_sent_crossed_nothing():
    draft = clean()
    draft.set(draft.seqs("slow"), sent_ns=0, outcome="not_sent")
    assert check(draft.history()).evidence["count"] == 10


def test_without_a_slow_stream_none_is_asked_for():
    draft = clean()
    streams = draft.record.scenario.traffic.streams[:3]
    draft.scenario(traffic=Traffic(streams=streams))
    finding = check(draft.history())
    assert finding.verdict is Verdict.passed
    assert finding.message == "no stream is slow on purpose: none asked"


def test_without_steps_nothing_could_be_crossed():
    draft = clean()
    draft.marks = [mark for mark in draft.marks if mark.kind is not MarkKind.step]
    finding = check(draft.history())
    assert finding.verdict is Verdict.inconclusive
    assert finding.message == (
        "no step of a swap was marked: nothing could be in flight across one"
    )


def test_without_a_swap_there_is_no_step_to_cross():
    draft = clean(swaps=0)
    finding = check(draft.history())
    assert finding.verdict is Verdict.passed
    assert finding.message == "no swap was asked for: there is no step to cross"


def test_every_slow_stream_has_to_cross():
    draft = clean()
    streams = draft.record.scenario.traffic.streams
    changed = (*streams[:1], replace(streams[1], slow=True), *streams[2:])
    draft.scenario(traffic=Traffic(streams=changed))
    finding = check(draft.history())
    assert finding.verdict is Verdict.inconclusive
    assert all(missed.startswith("get-new") for missed in finding.evidence["missed"])
