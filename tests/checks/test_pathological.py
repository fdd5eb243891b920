"""Histories that no run should leave, and what is said of them, word for word."""

import pytest
from synthetic import clean

from harness.analysis.logs import Logs
from harness.checks import no_failed_request, rate_held, recorded
from harness.checks.sentence import sentence
from harness.checks.verdict import judge
from harness.model.finding import Verdict
from harness.model.outcome import Outcome
from harness.model.result import Attribution


def all_lost(draft):
    draft.drop(draft.samples["seq"])


def one_sample(draft):
    draft.samples = draft.samples[3000:3001]


def all_doubled(draft):
    draft.again(draft.samples["seq"])


def all_unexpected(draft):
    draft.samples["seq"] += 100_000


def out_of_order(draft):
    draft.samples = draft.samples[::-1]


def all_failed(draft):
    draft.fail(draft.seqs(), Outcome.refused)


WHOLE = "each of 5,403 planned requests has its one sample"
SAID = {
    all_lost: (
        (
            "the record is not whole: 5,403 requests without a sample (#0, #1, #2); there is no "
            "sample of any request. Run again"
        ),
        (
            "5,400 of 5,400 requests are unknown (0 unanswered writes that the store could not "
            "resolve, 5,400 without a sample); no other failed"
        ),
    ),
    one_sample: (
        "the record is not whole: 5,402 requests without a sample (#0, #1, #2). Run again",
        (
            "5,399 of 5,400 requests are unknown (0 unanswered writes that the store could not "
            "resolve, 5,399 without a sample); no other failed"
        ),
    ),
    all_doubled: (
        "the record is not whole: 5,403 requests with several samples (#0, #1, #2). Run again",
        "0 of 5,400 requests failed",
    ),
    all_unexpected: (
        (
            "the record is not whole: 5,403 requests without a sample (#0, #1, #2); 5,403 requests "
            "that nobody planned (#100000, #100001, #100002). Run again"
        ),
        None,
    ),
    out_of_order: (WHOLE, "0 of 5,400 requests failed"),
    all_failed: (
        WHOLE,
        (
            "5,400 of 5,400 requests failed in warmup (300), steady (3,000), swap 1 (900), "
            "after 1 (1,200), allowed 0; first #3 GET /items refused at +0.004 s"
        ),
    ),
}


@pytest.mark.parametrize("ruin", SAID, ids=[ruin.__name__ for ruin in SAID])
def test_what_is_said_of_it(ruin):
    draft = clean()
    ruin(draft)
    history = draft.history()
    record, failed = SAID[ruin]
    assert recorded.check(history).message == record
    if failed is not None:
        assert no_failed_request.check(history).message == failed
    is_pass = ruin is out_of_order
    assert (judge(history).verdict is Verdict.passed) == is_pass


def test_two_samples_of_a_request_that_differ_are_the_worse_of_both():
    draft = clean()
    draft.again([500], outcome="reset", status=0, release="", instance="")
    history = draft.history()
    assert no_failed_request.check(history).message.startswith("1 of 5,400 requests failed in")
    assert "1 request with several samples (#500)" in recorded.check(history).message


def test_outages_of_streams_that_overlap_are_one_and_none_is_lost():
    draft = clean()
    draft.fail(draft.seqs("get-reused", 12, 13), Outcome.reset)
    draft.fail(draft.seqs("get-new", 12.5, 13.5), Outcome.refused)
    result = judge(draft.history())
    [outage] = result.outages
    assert outage.failed == result.requests.failed == 250
    assert (outage.kind, outage.phase) == ("reset", "swap 1")


def test_one_sample_alone_holds_no_rate():
    draft = clean()
    draft.samples = draft.samples[3000:3001]
    assert rate_held.check(draft.history()).message == (
        "the rate was not held: in second 0 0 of 300 due requests were sent at most 250 ms late, "
        "at least 99 % are needed; lower --rate or free the machine"
    )


def cause(**changes) -> Attribution:
    values = {
        "cause": "no_server", "component": "balancer", "instance": "", "swap": 1,
        "step": "stop website-1", "failed": 1, "slow": 0, "first_s": 13.0, "last_s": 13.0,
        "sentence": "1 request failed: HAProxy had no server", "remedy": "drain first",
        "examples": (3904,),
    }  # fmt: skip
    return Attribution(**values | changes)


def failing(*attributions: Attribution, missing: str = "") -> tuple[str, list[str] | None]:
    draft = clean()
    draft.fail(draft.seqs("get-new", since=13)[:1], Outcome.reset)
    history = draft.history()
    # As its logs would give them; a cached property reads none where it is there.
    vars(history)["attributions"] = attributions
    vars(history)["logs"] = Logs(missing=missing)
    finding = no_failed_request.check(history)
    return finding.message.partition("website-1`")[2], finding.evidence.get("causes")


def test_the_first_cause_is_told_with_its_remedy():
    assert failing(cause()) == (
        "; cause: 1 request failed: HAProxy had no server; remedy: drain first",
        ["1 request failed: HAProxy had no server"],
    )


def test_others_are_counted_and_what_the_sender_did_comes_last():
    sender = cause(component="sender", sentence="5 requests failed: not sent", failed=5)
    slow = cause(failed=0, slow=9, sentence="9 requests were slow")
    said, evidence = failing(sender, cause(remedy=""), slow)
    assert said == "; cause: 1 request failed: HAProxy had no server (and 1 more)"
    assert evidence == ["1 request failed: HAProxy had no server", "5 requests failed: not sent"]


def test_of_failed_requests_the_cause_that_failed_most_leads():
    other = cause(failed=1, slow=900, sentence="901 requests")
    said, _ = failing(other, cause(failed=200, remedy="", sentence="200 requests failed"))
    assert said == "; cause: 200 requests failed (and 1 more)"


def test_without_a_cause_nothing_is_said_of_one():
    assert failing() == ("", None)


def test_logs_that_could_not_be_gathered_are_said_where_a_cause_would_be():
    assert failing(missing="log volume: gone\x1b") == (
        "; no cause is known: logs could not be gathered (log volume: gone\ufffd)",
        None,
    )
    assert failing(cause(remedy=""), missing="website-1: gone")[0] == (
        "; cause: 1 request failed: HAProxy had no server; "
        "logs could not be gathered (website-1: gone), which may tell another"
    )


def test_a_pass_that_resolves_no_outage_says_so():
    result = judge(clean().history())
    said = sentence(
        clean().record.scenario,
        result.findings,
        result.requests,
        result.latency_ms,
        result.drop_bound,
        certain_ms=None,
    )
    assert (
        "dropped 0 of 5,400 requests; no length of an outage is certain to have been seen; p99"
        in said
    )
