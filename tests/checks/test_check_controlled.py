"""The control in `latency` and `no_failed_request`: what the machine explains is not blamed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fakes.control import ControlPaper
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import MS, START, S, clean

from harness.checks import latency, no_failed_request
from harness.checks.alive import check as alive
from harness.model.control import INSTANCE, LOST
from harness.model.finding import Verdict
from harness.model.mark import Mark, MarkKind
from harness.model.outcome import Outcome

LENGTH_S = 18.0


def paper(**changes):
    return ControlPaper(START, LENGTH_S, **changes)


def held_up(draft, *spans, streams=("get-reused", "get-new", "write")):
    """Every request that was due in a span waits until its end."""
    rows = draft.samples
    for begin, end in spans:
        due = rows["due_ns"]
        met = rows["stream"].isin(streams) & (due >= START + begin * S) & (due < START + end * S)
        over = np.maximum(due + 5 * MS, round(START + end * S))
        rows.loc[met, "finished_ns"] = over[met]
    return draft


def history(draft, control):
    draft.scenario(control=True)
    return replace(draft.history(), control=control and control.controlled())


def told(draft, control):
    finding = latency.check(history(draft, control))
    return finding.verdict, finding.message


def test_a_slow_swap_that_the_control_felt_too_is_inconclusive_and_says_when_and_how_long():
    draft = held_up(clean(), (12, 12.4))
    finding = latency.check(history(draft, paper(stalls=[(12.0, 12.4)])))
    assert finding.verdict is Verdict.inconclusive
    assert finding.message.startswith(
        "all: 86 of 1,450 answers in the swap window took longer than 105.0 ms (from steady p99 "
        "5.0 ms), allowed 14; not blamed on the target: 86 of them the machine explains: the "
        "control, which the swap does not touch, waited 400 ms at +12.000 s too; run on a quieter "
        "machine; "
    )
    assert finding.evidence["control"] == (
        "250 answers in the swap window, the slowest after 400.0 ms"
    )


def test_a_slow_swap_that_the_control_did_not_feel_fails():
    draft = held_up(clean(), (12, 12.4))
    finding = latency.check(history(draft, paper()))
    assert finding.verdict is Verdict.failed
    assert "control" not in finding.message
    assert finding.evidence["control"] == (
        "250 answers in the swap window, the slowest after 0.5 ms"
    )


def test_what_the_control_does_not_explain_still_fails():
    """It felt the first of two stalls; the second alone is enough."""
    draft = held_up(clean(), (12, 12.4), (13, 13.4))
    assert told(draft, paper(stalls=[(12.0, 12.4)]))[0] is Verdict.failed
    both = [(12.0, 12.4), (13.0, 13.4)]
    assert told(draft, paper(stalls=both))[0] is Verdict.inconclusive


def test_of_several_waits_the_longest_is_named():
    draft = held_up(clean(), (12, 12.3), (13, 13.4))
    message = told(draft, paper(stalls=[(12.0, 12.3), (13.0, 13.4)]))[1]
    assert "waited 400 ms at +13.000 s too (and 1 more time); run on a quieter machine" in message


def test_of_a_stream_without_a_steady_state_all_of_an_answers_time_is_to_be_explained():
    """Its writes take 400 ms; the control waited 60 ms of that."""
    draft = clean()
    draft.fail(draft.seqs("write", 1, 11), Outcome.refused)
    draft.delay(draft.seqs("write", 12, 13), 400)
    stalls = [(begin, begin + 0.06) for begin in np.arange(12.0, 13.4, 0.07)]
    assert told(draft, paper(stalls=stalls))[0] is Verdict.failed
    assert told(draft, paper(stalls=[(12.0, 13.4)]))[0] is not Verdict.failed


def test_a_wait_below_50_ms_explains_nothing():
    draft = clean()
    draft.delay(draft.seqs("get-reused", 12, 13)[:20], 106)
    stalls = [(begin, begin + 0.049) for begin in np.arange(12.0, 13.3, 0.05)]
    assert told(draft, paper(stalls=stalls))[0] is Verdict.failed


@pytest.mark.parametrize("control", [None, "none in the window"])
def test_where_the_control_left_no_evidence_a_fail_stands_and_the_evidence_says_so(control):
    draft = held_up(clean(), (12, 12.4))
    draft.marks.append(Mark(at_ns=START, kind=MarkKind.event, name=LOST, detail={"why": "died"}))
    left = replace(paper(), length_s=8.0) if control else None
    finding = latency.check(history(draft, left))
    assert finding.verdict is Verdict.failed
    assert finding.evidence["control"] == "there was no control in the swap window: died"


def test_a_control_that_was_not_asked_for_is_not_spoken_of():
    finding = latency.check(held_up(clean(), (12, 12.4)).history())
    assert finding.verdict is Verdict.failed
    assert "control" not in finding.evidence


def test_a_control_that_waited_until_its_own_timeout_waited():
    draft = held_up(clean(), (12, 12.4))
    control = paper(stalls=[(12.0, 12.4)], failing=[(12.0, 12.4, Outcome.answer_timeout)])
    assert told(draft, control)[0] is Verdict.inconclusive


def test_failed_requests_stay_failures_and_the_evidence_says_that_the_control_failed_too():
    draft = clean()
    draft.fail(draft.seqs(since=12.0, until=12.1), Outcome.refused)
    control = paper(failing=[(12.0, 12.1, Outcome.refused)], stalls=[(11.9, 12.5)])
    with_it = no_failed_request.check(history(draft, control))
    without = no_failed_request.check(draft.history())
    assert (with_it.verdict, with_it.message) == (without.verdict, without.message)
    assert with_it.verdict is Verdict.failed
    assert with_it.evidence["control"] == (
        "5 of 900 requests to the control, which the swap does not touch, failed too, first "
        "refused at +12.500 s: the machine hiccuped, or the way; what failed stays failed"
    )


def test_the_end_of_the_controls_container_is_no_fault_of_the_release():
    draft = clean()
    for name, at_ns in ((f"start {INSTANCE}", START), (f"die {INSTANCE}", START + 10**10)):
        draft.marks.append(
            Mark(at_ns=at_ns, kind=MarkKind.event, name=name, detail={"instance": INSTANCE})
        )
    assert alive(draft.history()).verdict is Verdict.passed


spans = st.lists(
    st.tuples(st.floats(9, 16.5), st.floats(0.01, 1.5)).map(lambda one: (one[0], sum(one))),
    max_size=4,
)


@settings(max_examples=8, deadline=None)
@given(slow=spans, stalls=spans, failing=spans, felt=st.booleans())
def test_the_control_turns_no_fail_into_a_pass_and_touches_neither_passes_nor_failures(
    slow, stalls, failing, felt
):
    draft = held_up(clean(), *slow, streams=("write",))
    if slow:
        draft.fail(draft.seqs("get-new", *slow[0]), Outcome.reset)
    control = paper(
        stalls=[*slow, *stalls] if felt else stalls,
        failing=[(begin, end, Outcome.reset) for begin, end in failing],
    )
    bare = draft.history()
    judged = history(draft, control)
    before, after = latency.check(bare), latency.check(judged)
    if before.verdict is Verdict.failed:
        assert after.verdict in {Verdict.failed, Verdict.inconclusive}
    else:
        assert (after.verdict, after.message) == (before.verdict, before.message)
    before, after = no_failed_request.check(bare), no_failed_request.check(judged)
    assert (after.verdict, after.message) == (before.verdict, before.message)
    frame = judged.requests.drop(columns=["phase"])
    pd.testing.assert_frame_equal(frame, bare.requests.drop(columns=["phase"]))
