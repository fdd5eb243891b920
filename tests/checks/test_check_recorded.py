from dataclasses import replace

import pytest
from synthetic import START, S, clean

from harness.checks.recorded import check
from harness.model.finding import Finding, Verdict
from harness.model.outcome import Outcome
from harness.model.scenario import Clock


def problem(draft):
    finding = check(draft.history())
    assert finding.verdict is Verdict.inconclusive
    head, tail = "the record is not whole: ", ". Run again"
    assert finding.message.startswith(head)
    assert finding.message.endswith(tail)
    return finding.message.removeprefix(head).removesuffix(tail)


def test_a_whole_record_passes():
    assert check(clean().history()) == Finding(
        check="recorded",
        verdict=Verdict.passed,
        message="each of 5,403 planned requests has its one sample",
        evidence={"planned": 5403, "samples": 5403},
    )


def test_a_run_without_an_account_of_the_sender_is_inconclusive():
    draft = clean()
    draft.record = type(draft.record)(
        run="r", scenario=draft.record.scenario, environment={}, sent=None
    )
    assert problem(draft) == ("the run was never completed: the sender left no account of itself")


def test_a_schedule_that_never_began_is_inconclusive():
    draft = clean()
    draft.sent(start_ns=0)
    draft.drop(draft.seqs())
    assert problem(draft) == "the schedule never began; there is no sample of any request"


def test_a_schedule_that_ended_at_once_is_inconclusive():
    draft = clean()
    draft.sent(stop_ns=draft.record.sent.start_ns)
    draft.drop(draft.seqs())
    assert problem(draft) == (
        "the schedule ended before its first request was due; there is no sample of any request"
    )


def test_a_sender_that_did_not_finish_is_inconclusive():
    draft = clean()
    draft.sent(ended="killed by signal 9")
    assert problem(draft) == "the sender ended as `killed by signal 9`, not `finished`"


def test_errors_of_the_sender_are_counted_and_the_first_is_told():
    draft = clean()
    draft.sent(errors=("disk full", "again"))
    assert problem(draft) == "2 errors in the sender, the first: disk full"
    assert check(draft.history()).evidence == {"sender_errors": ["disk full", "again"]}


def test_clocks_that_were_not_compared_at_the_end_leave_no_pass():
    draft = clean()
    draft.record = replace(draft.record, clocks=draft.record.clocks[:1])
    assert problem(draft) == "its clocks were not compared: whether one was set is not known"


def test_damaged_rows_are_counted():
    draft = clean()
    draft.damaged = 1
    assert problem(draft) == "1 damaged row in the request log"


def test_lines_that_cannot_be_read_are_named():
    draft = clean()
    draft.damage = ("marks.jsonl:12", "machine.jsonl:3")
    assert problem(draft) == "unreadable: marks.jsonl:12, machine.jsonl:3"


def test_missing_samples_are_counted_with_examples():
    draft = clean()
    draft.drop([7, 100, 2000, 2001])
    assert problem(draft) == "4 requests without a sample (#7, #100, #2000)"
    assert check(draft.history()).evidence == {
        "missing": {"count": 4, "first": [7, 100, 2000, 2001]}
    }


def test_a_missing_probe_is_missed():
    draft = clean()
    draft.drop([1])
    assert problem(draft) == "1 request without a sample (#1)"


def test_doubled_samples_are_counted_by_request():
    draft = clean()
    draft.again([9, 11])
    draft.again([11])
    assert problem(draft) == "2 requests with several samples (#9, #11)"


def test_samples_that_nobody_planned_are_counted():
    draft = clean()
    draft.again([10], seq=99_999)
    assert problem(draft) == "1 request that nobody planned (#99999)"


def test_another_stream_than_planned_is_a_mismatch():
    draft = clean()
    draft.set([3], stream="get-new")
    assert problem(draft) == (
        "1 request recorded with another stream or due time than planned (#3)"
    )


def test_another_due_time_than_planned_is_a_mismatch():
    draft = clean()
    draft.samples.loc[draft.samples["seq"] == 5, "due_ns"] += 1
    assert problem(draft) == (
        "1 request recorded with another stream or due time than planned (#5)"
    )


def test_a_request_passed_off_as_a_probe_is_a_mismatch():
    draft = clean()
    draft.set([50], stream="probe", outcome="reset")
    assert problem(draft) == (
        "1 request recorded with another stream or due time than planned (#50)"
    )


def test_what_the_sender_could_not_send_is_inconclusive():
    draft = clean()
    draft.fail([30, 31], Outcome.not_sent, sent_ns=0, finished_ns=0, first_byte_ns=0)
    assert problem(draft) == "2 requests the sender could not send (#30, #31)"


@pytest.mark.parametrize(
    "columns",
    [
        {"finished_ns": 0},
        {"sent_ns": 0},
        {"sent_ns": 1},
        {"finished_ns": 5, "outcome": "reset"},
        {"first_byte_ns": 0},
        {"first_byte_ns": 1},
        {"first_byte_ns": 2**62},
    ],
)
def test_times_that_cannot_be_are_inconclusive(columns):
    """A success that ended before it was sent would have the best latency of all."""
    draft = clean()
    draft.set([77], **columns)
    assert problem(draft) == "1 sample with times that cannot be (#77)"


def test_zero_samples_are_inconclusive():
    draft = clean()
    draft.samples = draft.samples[:0]
    assert problem(draft) == (
        "5,403 requests without a sample (#0, #1, #2); there is no sample of any request"
    )


def test_one_sample_alone_is_inconclusive():
    draft = clean()
    draft.samples = draft.samples[3:4]
    assert problem(draft) == "5,402 requests without a sample (#0, #1, #2)"
    assert len(check(draft.history()).evidence["missing"]["first"]) == 20


@pytest.mark.parametrize(
    ("step_s", "verdict"),
    [(0.2, "pass"), (-0.2, "pass"), (0.3, "inconclusive"), (-3600, "inconclusive")],
)
def test_a_clock_that_was_set_in_mid_run_is_inconclusive(step_s, verdict):
    draft = clean()
    first = Clock(monotonic_ns=START, wall_ns=1_767_323_045 * S)
    last = Clock(monotonic_ns=START + 30 * S, wall_ns=first.wall_ns + int((30 + step_s) * S))
    draft.record = replace(draft.record, clocks=(first, last))
    finding = check(draft.history())
    assert finding.verdict == verdict
    assert ("clock was set by" in finding.message) is (verdict != "pass")
