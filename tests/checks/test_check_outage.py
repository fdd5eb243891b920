"""`outage`: fail beyond its limit, and no pass where one so long could have hidden."""

from dataclasses import replace

import numpy as np
import pytest
from fakes.control import ControlPaper
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import MS, START, S, clean

from harness.checks.outage import check
from harness.model.finding import Verdict
from harness.model.mark import MarkKind
from harness.model.outcome import Outcome

ORDER = (Verdict.failed, Verdict.inconclusive, Verdict.passed)
QUICK = ("get-reused", "get-new", "write")


def found(draft, outage_ms=0.0, control=None):
    draft.scenario(
        limits=replace(draft.record.scenario.limits, outage_ms=outage_ms),
        control=control is not None,
    )
    return check(replace(draft.history(), control=control and control.controlled()))


def told(draft, outage_ms=0.0, control=None):
    finding = found(draft, outage_ms, control)
    return finding.verdict, finding.message


def refused(since, until, stream="get-reused"):
    draft = clean()
    draft.fail(draft.seqs(stream, since, until), Outcome.refused)
    return draft


def stalled(since, until):
    """Each quick request that was due meanwhile waits until its end."""
    draft = clean()
    rows, end_ns = draft.samples, START + round(until * S)
    due = rows["due_ns"]
    met = rows["stream"].isin(QUICK) & (due >= START + since * S) & (due < end_ns)
    rows.loc[met, "finished_ns"] = np.maximum(due + 5 * MS, end_ns)[met]
    return draft


def test_without_a_limit_the_longest_is_told():
    assert told(clean()) == (
        Verdict.passed,
        "no outage by failed requests, and no stall in the swap",
    )
    assert told(refused(12, 12.08)) == (
        Verdict.passed,
        (
            "the longest outage lasted 78.7 ms, from +12.000 s in swap 1 "
            "(refused: 12 requests failed)"
        ),
    )


def test_a_limit_that_was_kept_passes():
    assert told(clean(), 4) == (
        Verdict.passed,
        "no outage by failed requests, and no stall in the swap; allowed 4 ms",
    )
    verdict, message = told(refused(12, 12.08), 95)
    assert verdict is Verdict.passed
    assert message.endswith("(refused: 12 requests failed); allowed 95 ms")


def test_beyond_the_limit_it_fails():
    finding = found(refused(12, 12.08), 78)
    assert finding.verdict is Verdict.failed
    assert finding.message.startswith("the longest outage lasted 78.7 ms, from +12.000 s in swap 1")
    assert len(finding.evidence["too_long"]) == 1


def test_one_that_may_have_lasted_longer_than_it_was_seen_is_inconclusive():
    """78.7 ms were seen of it; from the good answer before it to the one after it are 83.3 ms."""
    verdict, message = told(refused(12, 12.08), 80)
    assert verdict is Verdict.inconclusive
    assert "between the good answers around it one may have lasted 83.3 ms: ask more" in message
    assert told(refused(12, 12.08), 84)[0] is Verdict.passed


def test_it_is_the_good_answers_of_its_own_streams_that_count_around_it():
    """Others were answered 7 ms sooner: they do not tell when that stream was well again."""
    verdict, message = told(refused(12, 12.08, "get-new"), 85)
    assert verdict is Verdict.inconclusive
    assert "one may have lasted 90.0 ms" in message


def test_a_limit_below_what_the_run_resolves_is_inconclusive_and_the_rate_is_named():
    assert told(clean(), 2) == (
        Verdict.inconclusive,
        (
            "no outage by failed requests, and no stall in the swap; allowed 2 ms, and one of up "
            "to 3.3 ms could have hidden between two requests: --rate 625 or more would show it"
        ),
    )


def test_where_no_length_is_certain_it_is_inconclusive():
    draft = clean()
    draft.drop(draft.seqs(until=11.5))
    verdict, message = told(draft, 500)
    assert verdict is Verdict.inconclusive
    assert message.endswith("and no length of an outage is certain to have been seen")


def test_requests_that_failed_count_at_any_time_of_the_run():
    assert told(refused(3, 3.3), 100)[0] is Verdict.failed
    assert told(refused(17, 17.3), 100)[0] is Verdict.failed


def test_a_stall_counts_in_the_swap_and_what_settles_after_it_alone():
    assert told(stalled(12, 12.4), 300)[0] is Verdict.failed
    assert told(stalled(15, 15.4), 300)[0] is Verdict.failed
    assert told(stalled(5, 5.4), 300)[0] is Verdict.passed
    assert told(stalled(16.1, 16.5), 300)[0] is Verdict.passed


def test_one_slow_answer_alone_is_no_outage():
    draft = clean()
    draft.delay(draft.seqs("get-new", 12)[:1], 900)
    assert told(draft, 300)[0] is Verdict.passed


def test_a_stall_on_a_starved_machine_is_not_blamed_on_the_target():
    draft = stalled(12, 12.4)
    draft.steal(0.32, 11, 16)
    verdict, message = told(draft, 300)
    assert verdict is Verdict.inconclusive
    assert "not blamed on the target: " in message
    assert "32 % of the CPU was stolen, more than 5.0 %; run on a quieter machine" in message


def test_a_stall_that_the_control_felt_too_is_not_blamed_on_the_target():
    verdict, message = told(stalled(12, 12.4), 300, ControlPaper(START, 18, stalls=[(12, 12.4)]))
    assert verdict is Verdict.inconclusive
    assert "the machine explains: the control, which the swap does not touch, waited" in message
    elsewhere = ControlPaper(START, 18, stalls=[(13, 13.4)])
    assert told(stalled(12, 12.4), 300, elsewhere)[0] is Verdict.failed


def test_what_the_sender_sent_late_is_not_blamed_on_the_target():
    draft = stalled(12, 12.4)
    late = draft.samples["finished_ns"] - draft.samples["due_ns"] > 105 * MS
    late &= draft.samples["stream"].isin(QUICK)
    draft.samples.loc[late, "sent_ns"] = draft.samples.loc[late, "finished_ns"] - 2 * MS
    verdict, message = told(draft, 300)
    assert verdict is Verdict.inconclusive
    assert "were sent late by the sender itself; run on a quieter machine" in message


def test_requests_that_failed_are_excused_by_nothing():
    draft = refused(12, 12.4)
    draft.steal(0.9, 11, 16)
    control = ControlPaper(START, 18, stalls=[(12, 12.4)])
    assert told(draft, 300, control)[0] is Verdict.failed


@pytest.mark.parametrize(
    ("outage_ms", "verdict"), [(0, Verdict.passed), (50, Verdict.inconclusive)]
)
def test_without_a_swap_a_limit_leaves_no_pass(outage_ms, verdict):
    draft = clean()
    draft.marks = [mark for mark in draft.marks if mark.kind is not MarkKind.phase]
    assert told(draft, outage_ms)[0] is verdict


def test_where_no_swap_was_asked_for_failures_alone_are_judged():
    assert told(clean(swaps=0), 50)[0] is Verdict.passed
    draft = clean(swaps=0)
    draft.fail(draft.seqs(since=5, until=5.4), Outcome.refused)
    assert told(draft, 50)[0] is Verdict.failed


@settings(max_examples=25, deadline=None)
@given(
    st.floats(11, 15), st.floats(0, 0.4), st.sampled_from([*QUICK, "slow"]), st.booleans(),
    st.lists(st.floats(3.4, 900), min_size=2, max_size=4),
)  # fmt: skip
def test_a_wider_limit_is_never_worse(since, length_s, stream, is_stall, limits_ms):
    until = since + length_s
    draft = stalled(since, until) if is_stall else refused(since, until, stream)
    verdicts = [ORDER.index(told(draft, limit_ms)[0]) for limit_ms in sorted(limits_ms)]
    assert verdicts == sorted(verdicts)
