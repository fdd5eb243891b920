"""Limits where a locustfile's users send: a user that waits for an answer is no late sender."""

import pytest
from synthetic import MS, START, Draft, S, clean

from harness.checks import latency, longest, no_failed_request, outage
from harness.checks.verdict import judge
from harness.model.closed import ClosedLoop
from harness.model.finding import Verdict
from harness.model.outcome import Outcome
from harness.model.scenario import Limits
from harness.model.traffic import PROBE

USERS = 30


def closed(**limits) -> Draft:
    draft = clean()
    asked = draft.samples["stream"] != PROBE
    draft.samples.loc[asked, "connection"] = draft.samples.loc[asked, "seq"] % USERS + 1
    draft.scenario(
        closed_loop=ClosedLoop(locustfile="/home/a/locustfile.py", users=USERS),
        limits=Limits(**limits),
    )
    draft.sent(started=int(asked.sum()), left_out=0)
    return draft


def held_up(draft, since, until):
    """Each user waits for its first answer of the span until the end, and begins late what was due
    meanwhile.
    """
    rows, end_ns = draft.samples, START + round(until * S)
    due = rows["due_ns"]
    met = (due >= START + since * S) & (due < end_ns) & ~rows["stream"].isin([PROBE, "slow"])
    first = rows[met].drop_duplicates("connection").index
    rows.loc[met, "finished_ns"] = end_ns + 4 * MS
    rows.loc[first, "finished_ns"] = end_ns
    late = rows.index[met].difference(first)
    rows.loc[late, "sent_ns"] = end_ns + 1 * MS
    rows.loc[late, "first_byte_ns"] = end_ns + 2 * MS
    return draft


@pytest.mark.parametrize(
    ("check", "limits"),
    [
        (latency.check, {}),
        (latency.check, {"p99_ms": 50}),
        (longest.check, {"max_ms": 150}),
        (outage.check, {"outage_ms": 300}),
    ],
)
def test_what_waited_behind_a_slow_answer_is_not_excused(check, limits):
    draft = held_up(closed(**limits), 12, 12.5)
    finding = check(draft.history())
    assert finding.verdict is Verdict.failed
    assert "sent late" not in finding.message


def test_what_the_sender_itself_began_late_is():
    draft = closed(max_ms=50)
    [seq] = draft.seqs("get-new", 12)[:1]
    draft.delay([seq], 90)
    row = draft.samples["seq"] == seq
    draft.samples.loc[row, "sent_ns"] += 88 * MS
    assert longest.check(draft.history()).verdict is Verdict.inconclusive


def test_a_rare_stream_takes_no_p99_of_its_own():
    draft = closed(p99_ms=50, max_factor=30)
    draft.drop([seq for seq in draft.seqs("write") if seq not in draft.seqs("write", 11, 12)])
    assert latency.check(draft.history()).verdict is Verdict.passed
    assert longest.check(draft.history()).verdict is Verdict.passed


def test_a_pass_within_limits_says_that_it_was_a_closed_loop():
    draft = closed(failed_share=0.001)
    draft.fail(draft.seqs("get-new", 12)[:2], Outcome.reset)
    assert no_failed_request.check(draft.history()).verdict is Verdict.passed
    assert "in a closed loop of 30 users 1 swap" in judge(draft.history()).sentence
