"""`longest`: one answer beyond the limit is a fail, unless it was no fault of the target."""

from dataclasses import replace

import pytest
from fakes.control import ControlPaper
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import MS, START, clean

from harness.checks.longest import check
from harness.model.finding import Verdict
from harness.model.mark import MarkKind
from harness.model.outcome import Outcome
from harness.model.scenario import Limits
from harness.model.traffic import Traffic


def found(draft, control=None, **limits):
    draft.scenario(limits=Limits(**limits), control=control is not None)
    return check(replace(draft.history(), control=control and control.controlled()))


def told(draft, control=None, **limits):
    finding = found(draft, control, **limits)
    return finding.verdict, finding.message


def one_slow(latency_ms, stream="get-reused", since=12):
    draft = clean()
    draft.delay(draft.seqs(stream, since)[:1], latency_ms)
    return draft


def send_late(draft, by_ms):
    slow = draft.samples["finished_ns"] - draft.samples["due_ns"] > 50 * MS
    slow &= draft.samples["stream"] != "slow"
    draft.samples.loc[slow, "sent_ns"] = draft.samples.loc[slow, "due_ns"] + by_ms * MS


def test_without_a_limit_the_longest_is_told():
    assert told(one_slow(300)) == (
        Verdict.passed, "the longest answer in the swap window took 300.0 ms",
    )  # fmt: skip


def test_just_within_it_passes_and_just_beyond_it_fails():
    assert told(one_slow(300), max_ms=300) == (
        Verdict.passed, "the longest answer in the swap window took 300.0 ms, allowed 300.0 ms",
    )  # fmt: skip
    finding = found(one_slow(300.2), max_ms=300)
    assert finding.verdict is Verdict.failed
    assert finding.message == (
        "1 of 1,450 answers in the swap window took longer than 300.0 ms, allowed 0; 300.2 ms took "
        "#3603 GET /items 200 (ok) from website-1 at +12.300 s, during `drain website-1`"
    )
    assert [one["seq"] for one in finding.evidence["examples"]] == [3603]


def test_the_factor_counts_from_the_steady_p99_not_from_the_steady_longest():
    draft = one_slow(300)
    draft.delay(draft.seqs("get-reused", 5)[:1], 2_000)
    assert told(draft, max_factor=60)[0] is Verdict.passed
    assert told(draft, max_factor=59.9)[0] is Verdict.failed


def test_the_stricter_of_both_counts():
    assert told(one_slow(300), max_ms=400, max_factor=10)[0] is Verdict.failed
    assert told(one_slow(300), max_ms=200, max_factor=100)[0] is Verdict.failed
    assert told(one_slow(300), max_ms=400, max_factor=100)[0] is Verdict.passed


def test_streams_have_limits_of_their_own_by_the_factor():
    draft = one_slow(300)
    draft.delay(draft.seqs("get-reused", 1, 11), 40)
    assert told(draft, max_factor=7.6)[0] is Verdict.passed
    verdict, message = told(draft, max_factor=7)
    assert verdict is Verdict.failed
    assert "took longer than 280.0 ms, allowed 0; 300.0 ms took #3603" in message


def test_a_steady_p99_that_is_not_resolved_is_inconclusive_where_the_factor_needs_it():
    draft = one_slow(300)
    for name in ("get-reused", "get-new", "write"):
        draft.fail(draft.seqs(name, 1, 11)[200:], Outcome.refused)
    verdict, message = told(draft, max_factor=90)
    assert verdict is Verdict.inconclusive
    assert "limits.max_factor cannot be held against it: the steady p99 of all, get-r" in message
    # By the steady p90, which is 5 ms, it would be too long: that is stricter than was asked for.
    assert told(draft, max_factor=50)[0] is Verdict.inconclusive
    assert told(draft, max_ms=400)[0] is Verdict.passed
    assert told(draft, max_ms=200, max_factor=90)[0] is Verdict.failed


def test_what_is_slow_on_purpose_or_outside_of_the_swap_is_not_judged():
    assert told(one_slow(9_000, "slow"), max_ms=300)[0] is Verdict.passed
    assert told(one_slow(9_000, since=5), max_ms=300)[0] is Verdict.passed
    assert told(one_slow(9_000, since=16), max_ms=300)[0] is Verdict.passed
    draft = clean()
    draft.scenario(traffic=Traffic(streams=draft.record.scenario.traffic.streams[3:]))
    draft.samples = draft.samples[draft.samples["stream"].isin(["slow", "probe"])]
    assert told(draft, max_ms=1) == (
        Verdict.passed, "every stream is slow on purpose: none is judged",
    )  # fmt: skip


def test_one_that_was_sent_late_is_not_blamed_on_the_target():
    draft = one_slow(300)
    send_late(draft, 200)
    verdict, message = told(draft, max_ms=100)
    assert verdict is Verdict.inconclusive
    assert message.endswith(
        "not blamed on the target: 1 were sent late by the sender itself; run on a quieter machine"
    )
    assert told(draft, max_ms=99)[0] is Verdict.failed


def test_one_on_a_starved_machine_is_not_blamed_on_the_target():
    draft = one_slow(300)
    draft.steal(0.32, 11, 16)
    assert told(draft, max_ms=100)[0] is Verdict.inconclusive
    draft.steal(0.01, 11, 16)
    assert told(draft, max_ms=100)[0] is Verdict.failed
    draft.machine = []
    assert told(draft, max_ms=100)[0] is Verdict.failed


def test_one_that_the_control_explains_is_not_blamed_on_the_target():
    stall = ControlPaper(START, 18, stalls=[(12, 12.3)])
    verdict, message = told(one_slow(300), stall, max_ms=100)
    assert verdict is Verdict.inconclusive
    assert "1 the machine explains: the control, which the swap does not touch, waited" in message


def test_each_excuse_excuses_its_own_answers_and_what_is_left_fails():
    draft = one_slow(300)
    draft.delay(draft.seqs("get-new", 13)[:1], 250)
    stall = ControlPaper(START, 18, stalls=[(12, 12.3)])
    finding = found(draft, stall, max_ms=100)
    assert finding.verdict is Verdict.failed
    assert "2 of 1,450 answers" in finding.message
    assert "allowed 0; 250.0 ms took #3904 GET / " in finding.message
    assert "; of the others 1 the machine explains" in finding.message
    [seq] = draft.seqs("get-new", 13)[:1]
    rows = draft.samples["seq"] == seq
    draft.samples.loc[rows, "sent_ns"] = draft.samples.loc[rows, "due_ns"] + 200 * MS
    assert found(draft, stall, max_ms=100).verdict is Verdict.inconclusive


@pytest.mark.parametrize(
    ("limits", "verdict"), [({}, Verdict.passed), ({"max_ms": 5}, Verdict.inconclusive)]
)
def test_without_a_swap_or_an_answer_in_it_a_limit_leaves_no_pass(limits, verdict):
    draft = clean()
    draft.fail(draft.seqs(since=11, until=16), Outcome.refused)
    assert told(draft, **limits)[0] is verdict
    draft.marks = [mark for mark in draft.marks if mark.kind is not MarkKind.phase]
    assert told(draft, **limits)[0] is verdict
    assert told(clean(swaps=0), **limits)[0] is Verdict.passed


@settings(max_examples=25, deadline=None)
@given(st.integers(6, 2_000), st.integers(5, 2_000))
def test_a_single_answer_decides(latency_ms, limit_ms):
    expected = Verdict.failed if latency_ms > limit_ms else Verdict.passed
    assert told(one_slow(latency_ms), max_ms=limit_ms)[0] is expected
