from dataclasses import replace

from synthetic import RUN, clean

from harness.checks import no_failed_request
from harness.checks.writes import check
from harness.model.finding import Finding, Verdict
from harness.model.outcome import Outcome
from harness.model.traffic import Traffic


def told(draft):
    finding = check(draft.history())
    return finding.verdict, finding.message


def applied(draft, seq, times):
    draft.operations = replace(
        draft.operations, applied={**draft.operations.applied, f"{RUN}-{seq}": times}
    )


def test_writes_applied_once_pass():
    assert check(clean().history()) == Finding(
        check="writes",
        verdict=Verdict.passed,
        message="720 acknowledged writes applied exactly once",
        evidence={
            "writes": 720,
            "acknowledged": 720,
            "unanswered": 0,
            "applied_unanswered": 0,
            "lost_count": 0,
            "doubled_count": 0,
            "lost": [],
            "doubled": [],
            "repeated": [],
            "unexplained": [],
        },
    )


def test_a_lost_write_fails():
    draft = clean()
    seq = draft.seqs("write")[5]
    applied(draft, seq, 0)
    assert told(draft) == (
        Verdict.failed,
        f"1 of 720 acknowledged writes not in the store (#{seq}); allowed 0",
    )


def test_a_doubled_write_fails():
    draft = clean()
    seq = draft.seqs("write")[5]
    applied(draft, seq, 2)
    assert told(draft) == (
        Verdict.failed,
        f"1 of 720 writes applied more than once (#{seq}); allowed 0",
    )


def test_an_unanswered_write_that_was_doubled_fails():
    draft = clean()
    seq = draft.seqs("write")[5]
    draft.fail([seq], Outcome.answer_timeout)
    applied(draft, seq, 2)
    assert told(draft)[0] is Verdict.failed


def test_lost_and_doubled_are_both_told():
    draft = clean()
    first, second, *_ = draft.seqs("write")
    applied(draft, first, 0)
    applied(draft, second, 3)
    assert told(draft)[1] == (
        f"1 of 720 acknowledged writes not in the store (#{first}); "
        f"1 of 720 writes applied more than once (#{second}); allowed 0"
    )


def test_the_evidence_counts_more_than_it_lists():
    draft = clean()
    seqs = draft.seqs("write")
    for seq in seqs[:30]:
        applied(draft, seq, 0)
    for seq in seqs[30:55]:
        applied(draft, seq, 2)
    evidence = check(draft.history()).evidence
    assert (evidence["lost_count"], evidence["doubled_count"]) == (30, 25)
    assert (len(evidence["lost"]), len(evidence["doubled"])) == (20, 20)


def test_unanswered_writes_are_told_applied_or_not():
    draft = clean()
    first, second, third, *_ = draft.seqs("write")
    draft.fail([first, second, third], Outcome.reset)
    applied(draft, third, 0)
    assert told(draft) == (
        Verdict.passed,
        "717 acknowledged writes applied exactly once; of 3 unanswered 2 applied, 1 not",
    )


def test_a_write_that_a_proxy_repeated_is_told():
    draft = clean()
    seq = draft.seqs("write")[0]
    draft.operations = replace(
        draft.operations, arrived={**draft.operations.arrived, f"{RUN}-{seq}": 2}
    )
    finding = check(draft.history())
    assert finding.verdict is Verdict.passed
    assert finding.message.endswith("; 1 reached the website more than once")
    assert finding.evidence["repeated"] == [seq]


def test_a_store_that_was_not_read_is_inconclusive():
    draft = clean()
    draft.fail(draft.seqs("write")[:2], Outcome.reset)
    draft.operations = None
    assert told(draft) == (
        Verdict.inconclusive,
        (
            "the store could not be read: 720 writes (2 unanswered) cannot be held against it; "
            "see logs/"
        ),
    )


def test_a_write_that_no_sample_explains_is_inconclusive():
    draft = clean()
    applied(draft, 88_888, 1)
    assert told(draft) == (
        Verdict.inconclusive,
        f"the store holds 1 write of this run that no sample explains (first {RUN}-88888)",
    )


def test_another_runs_operations_are_no_concern():
    draft = clean()
    draft.operations = replace(
        draft.operations, applied={**draft.operations.applied, "another-1": 7}
    )
    assert told(draft)[0] is Verdict.passed


def test_no_acknowledged_write_is_inconclusive():
    draft = clean()
    draft.fail(draft.seqs("write"), Outcome.refused)
    draft.operations = replace(draft.operations, applied={})
    assert told(draft) == (
        Verdict.inconclusive,
        "no write was acknowledged: there is nothing to verify",
    )


def test_without_a_writing_stream_there_is_nothing_to_hold():
    draft = clean()
    draft.operations = None
    draft.scenario(traffic=Traffic(streams=draft.record.scenario.traffic.streams[:2]))
    assert told(draft) == (
        Verdict.passed,
        "no stream writes: none to hold against the store",
    )


def without_a_store():
    draft = clean()
    draft.operations = None
    draft.scenario(keeps_store=False)
    return draft


def test_where_no_store_is_read_nothing_is_held_against_one_and_that_is_said():
    assert told(without_a_store()) == (
        Verdict.passed,
        (
            "720 acknowledged writes, held against no store, as none of this target is read: what "
            "is lost or doubled behind its answers is not seen"
        ),
    )


def test_where_no_store_is_read_an_unanswered_write_stays_unknown():
    draft = without_a_store()
    draft.fail(draft.seqs("write")[5:6], Outcome.reset)
    finding = no_failed_request.check(draft.history())
    assert finding.verdict is Verdict.inconclusive
    assert finding.message == (
        "1 of 5,400 requests are unknown (1 unanswered write that no store can resolve, as none of "
        "this target is read, 0 without a sample); no other failed"
    )


def test_where_no_store_is_read_a_write_that_was_refused_failed():
    draft = without_a_store()
    draft.fail(draft.seqs("write")[5:6], Outcome.refused)
    assert no_failed_request.check(draft.history()).verdict is Verdict.failed
