from synthetic import MS, clean

from harness.checks.rate_held import check
from harness.model.finding import Finding, Verdict
from harness.model.outcome import Outcome


def late(draft, seqs, ms):
    rows = draft.samples["seq"].isin(seqs)
    draft.samples.loc[rows, "sent_ns"] = draft.samples.loc[rows, "due_ns"] + ms * MS
    draft.samples.loc[rows, "finished_ns"] = draft.samples.loc[rows, "sent_ns"] + 2 * MS


def test_a_held_rate_passes_with_its_lag():
    assert check(clean().history()) == Finding(
        check="rate_held",
        verdict=Verdict.passed,
        message="the rate was held: in the worst second 300 of 300 due requests were sent at most "
        "250 ms late",
        evidence={
            "seconds": 18,
            "worst_second": 0,
            "worst_due": 300,
            "worst_in_time": 300,
            "seconds_below": 0,
            "lag_ms": {"p50": 0.1, "p99": 0.1, "max": 0.1},
            "largest_gap_ms": 3.333,
        },
    )


def test_a_second_below_the_share_is_inconclusive_with_the_worst_second():
    draft = clean()
    late(draft, draft.seqs(since=4, until=5)[:4], 251)
    late(draft, draft.seqs(since=9, until=10)[:5], 900)
    finding = check(draft.history())
    assert finding.verdict is Verdict.inconclusive
    assert finding.message == (
        "the rate was not held: in second 9 295 of 300 due requests were sent at most 250 ms late, "
        "at least 99 % are needed; lower --rate or free the machine"
    )
    assert finding.evidence["seconds_below"] == 2
    assert finding.evidence["lag_ms"]["max"] == 900


def test_one_in_a_hundred_may_be_late():
    draft = clean()
    late(draft, draft.seqs(since=4, until=5)[:3], 251)
    late(draft, draft.seqs(since=5, until=6), 250)
    assert check(draft.history()).verdict is Verdict.passed


def test_a_request_that_was_not_sent_was_not_in_time():
    draft = clean()
    draft.fail(draft.seqs(since=4, until=5)[:4], Outcome.not_sent, sent_ns=0)
    assert check(draft.history()).message.startswith(
        "the rate was not held: in second 4 296 of 300"
    )


def test_a_missing_sample_was_not_in_time():
    draft = clean()
    draft.drop(draft.seqs(since=4, until=5)[:4])
    assert check(draft.history()).verdict is Verdict.inconclusive


def test_the_last_partial_second_counts_with_its_own_number():
    draft = clean()
    stop = draft.record.sent.start_ns + 17_100 * MS
    draft.sent(stop_ns=stop)
    draft.drop(draft.seqs(since=17.1))
    late(draft, draft.seqs(since=17)[:1], 300)
    assert check(draft.history()).message.startswith(
        "the rate was not held: in second 17 29 of 30 "
    )


def test_without_a_schedule_the_rate_cannot_be_told():
    draft = clean()
    draft.sent(start_ns=0)
    finding = check(draft.history())
    assert finding.verdict is Verdict.inconclusive
    assert finding.message == "the rate cannot be told: no schedule is known. Run again"


def test_no_sample_at_all_is_not_a_held_rate():
    draft = clean()
    draft.samples = draft.samples[:0]
    finding = check(draft.history())
    assert finding.message.startswith("the rate was not held: in second 0 0 of 300 due")
    assert finding.evidence["lag_ms"] == {"p50": None, "p99": None, "max": None}
    assert finding.evidence["largest_gap_ms"] is None
