from dataclasses import replace

from synthetic import clean

from harness.checks.no_failed_request import check
from harness.model.finding import Finding, Verdict
from harness.model.outcome import Outcome


def test_a_clean_run_passes_with_its_count():
    finding = check(clean().history())
    assert finding == Finding(
        check="no_failed_request",
        verdict=Verdict.passed,
        message="0 of 5,400 requests failed",
        evidence={"sent": 5400, "failed": 0, "unknown": 0, "by_outcome": {}, "examples": []},
    )


def test_one_failure_fails_with_who_when_and_during_what():
    draft = clean()
    [seq, *_] = draft.seqs("get-reused", since=13)
    draft.fail([seq], Outcome.wrong_status, status=503, instance="website-1", release="v1")
    draft.details[seq] = "<h1>no server</h1>\x1b[2J"
    finding = check(draft.history())
    told = (
        "#3903 GET /items 503 (wrong_status) from website-1 at +13.004 s, during `stop website-1`"
    )
    assert finding == Finding(
        check="no_failed_request",
        verdict=Verdict.failed,
        message=f"1 of 5,400 requests failed in swap 1, allowed 0; first {told}",
        evidence={
            "sent": 5400,
            "failed": 1,
            "unknown": 0,
            "by_outcome": {"wrong_status": 1},
            "examples": [
                {
                    "seq": 3903,
                    "request": told,
                    "stream": "get-reused",
                    "outcome": "wrong_status",
                    "status": 503,
                    "release": "v1",
                    "instance": "website-1",
                    "phase": "swap 1",
                    "due_s": 13.0,
                    "at_s": 13.004,
                    "text": "<h1>no server</h1>\N{REPLACEMENT CHARACTER}[2J",
                }
            ],
        },
    )


def test_failures_of_several_phases_are_counted_by_phase_warmup_included():
    draft = clean()
    seqs = [draft.seqs(since=since)[0] for since in (0.5, 11.05, 12, 17)]
    draft.fail(seqs, Outcome.refused)
    assert check(draft.history()).message == (
        "4 of 5,400 requests failed in warmup (1), swap 1 (2), after 1 (1), allowed 0; "
        "first #153 GET /items refused at +0.505 s"
    )


def test_a_failure_after_the_last_step_is_told_as_after_it():
    draft = clean()
    draft.fail(draft.seqs("get-new", since=16)[:1], Outcome.reset)
    assert check(draft.history()).message.endswith("reset at +16.006 s, after `stop website-1`")


def test_a_timeout_is_told_at_the_moment_it_was_sent():
    draft = clean()
    [seq, *_] = draft.seqs("get-new", since=12.05)
    draft.fail([seq], Outcome.answer_timeout)
    draft.delay([seq], 10_000)
    message = check(draft.history()).message
    assert message.endswith("answer_timeout at +12.053 s, during `admit website-2`")


def test_failed_probes_are_no_failed_requests():
    draft = clean()
    assert (draft.samples["outcome"] == "refused").sum() == 3
    assert check(draft.history()).verdict is Verdict.passed


def test_what_was_not_sent_is_no_failure():
    draft = clean()
    draft.fail(draft.seqs()[:4], Outcome.not_sent, sent_ns=0)
    assert check(draft.history()).message == "0 of 5,396 requests failed"


def test_an_unanswered_write_is_unknown_until_the_store_is_read():
    draft = clean()
    [seq, *_] = draft.seqs("write", since=13)
    draft.fail([seq], Outcome.reset)
    unread = draft.history().operations
    draft.operations = None
    finding = check(draft.history())
    assert (finding.verdict, finding.message) == (
        Verdict.inconclusive,
        (
            "1 of 5,400 requests are unknown (1 unanswered write that the store could not resolve, "
            "0 without a sample); no other failed"
        ),
    )
    draft.operations = unread
    finding = check(draft.history())
    assert (finding.verdict, finding.message) == (
        Verdict.failed,
        (
            "1 of 5,400 requests failed in swap 1, allowed 0; first #3906 POST /items/{operation} "
            "reset (a write: applied) at +13.012 s, during `stop website-1`"
        ),
    )


def test_an_unanswered_write_that_was_not_applied_says_so():
    draft = clean()
    [seq, *_] = draft.seqs("write", since=13)
    draft.fail([seq], Outcome.reset)
    assert draft.operations is not None
    draft.operations = type(draft.operations)()
    assert "reset (a write: not applied)" in check(draft.history()).message


def test_a_missing_sample_is_unknown():
    draft = clean()
    draft.drop(draft.seqs()[10:12])
    finding = check(draft.history())
    assert (finding.verdict, finding.message) == (
        Verdict.inconclusive,
        (
            "2 of 5,400 requests are unknown (0 unanswered writes that the store could not "
            "resolve, "
            "2 without a sample); no other failed"
        ),
    )


def test_failures_outweigh_the_unknown_and_both_are_told():
    draft = clean()
    draft.drop(draft.seqs()[10:12])
    draft.fail(draft.seqs("get-new", since=16)[:1], Outcome.reset)
    finding = check(draft.history())
    assert finding.verdict is Verdict.failed
    assert finding.message.endswith("; 2 more are unknown")


def test_a_failed_double_is_not_hidden_by_a_good_one():
    draft = clean()
    [seq, *_] = draft.seqs("get-new", since=13)
    draft.again([seq], outcome="reset")
    assert check(draft.history()).message.startswith("1 of 5,400 requests failed")


def test_a_failure_that_nobody_planned_counts():
    draft = clean()
    draft.again(draft.seqs("get-new", since=13)[:1], outcome="reset", seq=9_999)
    assert check(draft.history()).message.startswith("1 of 5,401 requests failed")


def test_no_requests_cannot_pass():
    draft = clean()
    draft.fail(draft.seqs(), Outcome.not_sent, sent_ns=0)
    finding = check(draft.history())
    assert finding.verdict is Verdict.inconclusive
    assert finding.message == "no request was sent: nothing could fail"


def test_all_lost_is_a_failure_with_bounded_evidence():
    draft = clean()
    draft.fail(draft.seqs(), Outcome.refused)
    finding = check(draft.history())
    assert finding.message.startswith(
        "5,400 of 5,400 requests failed in warmup (300), steady (3,000), swap 1 (900), "
        "after 1 (1,200), allowed 0; first #3 GET /items refused at +0."
    )
    assert finding.evidence["by_outcome"] == {"refused": 5400}
    assert len(finding.evidence["examples"]) == 20


def test_on_the_published_path_lost_connections_are_one_kind():
    draft = clean()
    draft.record = type(draft.record)(
        **{name: getattr(draft.record, name) for name in draft.record.__slots__}
        | {"path": "published"}
    )
    seqs = draft.seqs("get-new", since=13)
    for seq, outcome in zip(
        seqs, (Outcome.refused, Outcome.reset, Outcome.connect_timeout), strict=False
    ):
        draft.fail([seq], outcome)
    assert check(draft.history()).evidence["by_outcome"] == {"connection_lost": 3}


def test_a_failing_swap_names_the_seed_that_plays_its_timing_again():
    draft = clean(swaps=3)
    timing = replace(draft.record.scenario.timing, jitter_s=0.5)
    draft.scenario(timing=timing, seed=700)
    draft.fail(draft.seqs("get-new", 15.5, 16)[:1], Outcome.reset)
    message = check(draft.history()).message
    assert message.endswith("; swap 2's timing again: --seed 701 --swaps 1 --jitter 0.5")
