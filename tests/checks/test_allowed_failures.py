"""What limits allow to fail: up to it and no further, said in the verdict, never called clean."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import RUN, STREAMS, clean

from harness.checks import no_failed_request, writes
from harness.checks.verdict import judge
from harness.model.finding import TOLERATED, Verdict
from harness.model.outcome import Outcome
from harness.model.scenario import Limits
from harness.model.traffic import Traffic
from harness.model.visit import Until, Visit, VisitKind


def failing(number, share, stream="get-reused"):
    draft = clean()
    draft.scenario(limits=Limits(failed_share=share))
    draft.fail(draft.seqs(stream, 12)[:number], Outcome.reset)
    return draft


def told(draft, check=no_failed_request.check):
    finding = check(draft.history())
    return finding.verdict, finding.message


def of(result, name):
    [finding] = [one for one in result.findings if one.check == name]
    return finding


def test_up_to_the_share_it_passes_and_says_that_requests_failed():
    """5 of 5,400 are less than one in a thousand, 6 are more."""
    assert told(failing(5, 0.001)) == (
        Verdict.passed,
        (
            "5 of 5,400 requests failed in swap 1, allowed 5 (0.1 %); first #3603 GET /items reset "
            "at +12.005 s, during `admit website-2`"
        ),
    )


def test_one_more_fails():
    verdict, message = told(failing(6, 0.001))
    assert verdict is Verdict.failed
    assert message.startswith("6 of 5,400 requests failed in swap 1, allowed 5 (0.1 %); first ")


def test_a_share_that_allows_not_one_request_allows_none():
    assert told(failing(1, 0.0001))[0] is Verdict.failed
    assert told(failing(0, 0.0001)) == (Verdict.passed, "0 of 5,400 requests failed")


def test_the_verdict_says_it_first_and_nothing_of_a_clean_swap():
    result = judge(failing(5, 0.001).history())
    assert result.verdict is Verdict.passed
    assert result.drop_bound is None
    assert result.sentence == (
        "pass, within the limits that were set: 5 of 5,400 requests failed in swap 1, allowed 5 "
        "(0.1 %); 1 swap (drain, v1 to v2): not clean, so it bounds no drop; "
        "p99 5.0 ms steady, 5.0 ms in the swap"
    )
    assert dict(result.limits) == {"failed_share": 0.001}
    assert of(result, "no_failed_request").evidence["examples"]


def test_a_share_that_was_not_needed_leaves_the_run_clean():
    result = judge(failing(0, 0.5).history())
    assert result.drop_bound == pytest.approx(0.95)
    assert "dropped 0 of 5,400 requests" in result.sentence


def test_without_a_swap_it_is_said_too():
    draft = clean(swaps=0)
    draft.scenario(limits=Limits(failed_share=0.01))
    draft.fail(draft.seqs(since=5)[:3], Outcome.reset)
    result = judge(draft.history())
    assert result.sentence.startswith(
        "pass, within the limits that were set: 3 of 4,200 requests failed in steady, allowed 42"
    )


def test_what_is_unknown_is_allowed_by_no_share():
    draft = failing(2, 0.5)
    draft.drop(draft.seqs()[10:12])
    assert told(draft) == (
        Verdict.inconclusive,
        (
            "2 of 5,400 requests are unknown (0 unanswered writes that the store could not "
            "resolve, 2 without a sample); 2 others failed, allowed 2,700 (50 %)"
        ),
    )
    draft = failing(2, 0.5, "write")
    draft.operations = None
    assert told(draft)[0] is Verdict.inconclusive
    assert judge(draft.history()).verdict is Verdict.inconclusive


def test_an_unanswered_write_counts_as_failed_once_the_store_was_read():
    assert told(failing(5, 0.001, "write"))[0] is Verdict.passed
    assert told(failing(6, 0.001, "write"))[0] is Verdict.failed


def test_a_visit_that_failed_is_no_share_of_anything():
    draft = failing(1, 0.5, "slow")
    visit = Visit(kind=VisitKind.session, lasts_s=0.4, until=Until.swapped)
    slow = replace(STREAMS[3], visit=visit)
    draft.scenario(traffic=Traffic(streams=(*STREAMS[:3], slow)))
    result = judge(draft.history())
    assert of(result, "no_failed_request").verdict is Verdict.passed
    assert of(result, "visits").verdict is Verdict.failed
    assert result.verdict is Verdict.failed


def test_the_old_release_answering_on_is_allowed_by_no_share():
    draft = failing(1, 0.5)
    draft.set(draft.seqs("get-new", since=17)[-1:], release="v1", instance="website-7")
    result = judge(draft.history())
    assert of(result, "replaced").verdict is Verdict.failed


def test_an_outage_within_the_share_is_still_held_against_its_own_limit():
    draft = failing(50, 0.01)
    assert judge(draft.history()).verdict is Verdict.passed
    draft.scenario(limits=Limits(failed_share=0.01, outage_ms=200))
    result = judge(draft.history())
    assert result.verdict is Verdict.failed
    assert of(result, "outage").verdict is Verdict.failed


def written(lost=0, doubled=0, **limits):
    draft = clean()
    draft.scenario(limits=Limits(**limits))
    times = [0] * lost + [2] * doubled
    applied = {f"{RUN}-{seq}": n for seq, n in zip(draft.seqs("write"), times, strict=False)}
    draft.operations = replace(draft.operations, applied={**draft.operations.applied, **applied})
    return draft


@pytest.mark.parametrize(
    ("lost", "doubled", "limits", "verdict"),
    [
        (2, 0, {"lost_writes": 2}, Verdict.passed),
        (3, 0, {"lost_writes": 2}, Verdict.failed),
        (0, 2, {"doubled_writes": 2}, Verdict.passed),
        (0, 3, {"doubled_writes": 2}, Verdict.failed),
        (0, 1, {"lost_writes": 9}, Verdict.failed),
        (1, 0, {"doubled_writes": 9}, Verdict.failed),
        (1, 1, {"lost_writes": 1, "doubled_writes": 1}, Verdict.passed),
    ],
)
def test_each_limit_on_writes_allows_its_own_kind(lost, doubled, limits, verdict):
    finding = writes.check(written(lost, doubled, **limits).history())
    assert finding.verdict is verdict
    assert (TOLERATED in finding.evidence) == (verdict is Verdict.passed)


def test_writes_that_were_lost_within_the_limit_are_said_in_the_verdict():
    draft = written(lost=1, doubled=1, lost_writes=1, doubled_writes=3)
    first, second, *_ = draft.seqs("write")
    result = judge(draft.history())
    assert (result.verdict, result.drop_bound) == (Verdict.passed, None)
    assert result.sentence.startswith(
        "pass, within the limits that were set: 1 of 720 acknowledged writes not in the store "
        f"(#{first}; allowed 1); 1 of 720 writes applied more than once (#{second}; allowed 3); "
        "1 swap"
    )


def test_a_limit_on_writes_takes_no_doubt_away():
    draft = written(lost=1, lost_writes=5)
    draft.operations = replace(
        draft.operations, applied={**draft.operations.applied, f"{RUN}-88888": 1}
    )
    assert told(draft, writes.check)[0] is Verdict.inconclusive
    draft.operations = None
    assert told(draft, writes.check)[0] is Verdict.inconclusive


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 40), st.sampled_from([0.0, 0.001, 0.002, 0.0037, 0.005, 0.01]))
def test_no_run_passes_with_more_failures_than_allowed_nor_unsaid(number, share):
    result = judge(failing(number, share).history())
    is_allowed = number <= Limits(failed_share=share).failures_of(5_400)
    assert (result.verdict is Verdict.passed) == is_allowed
    assert (f"{number} of 5,400 requests failed" in result.sentence) == bool(number)
    assert (result.drop_bound is None) == bool(number)
