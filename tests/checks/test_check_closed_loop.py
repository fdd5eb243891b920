"""What the checks say of a closed loop: the synthetic run, as if 30 users had sent it."""

from synthetic import MS, Draft, clean

from harness.analysis.runfolder import read_record
from harness.checks import answered, latency, observed, rate_held, recorded, resolved
from harness.checks.verdict import judge
from harness.model.closed import ClosedLoop
from harness.model.finding import Verdict
from harness.model.outcome import Outcome
from harness.model.scenario import Limits
from harness.model.traffic import PROBE

USERS = 30


def closed() -> Draft:
    draft = clean()
    asked = draft.samples["stream"] != PROBE
    draft.samples.loc[asked, "connection"] = draft.samples.loc[asked, "seq"] % USERS + 1
    draft.scenario(closed_loop=ClosedLoop(locustfile="/home/a/locustfile.py", users=USERS))
    draft.sent(started=int(asked.sum()), left_out=0)
    return draft


def test_a_clean_one_passes_and_says_what_it_is():
    result = judge(closed().history())
    assert result.verdict is Verdict.passed, result.sentence
    assert "in a closed loop of 30 users a total outage of" in result.sentence
    assert result.environment["users"] == USERS
    assert "rate_hz" not in result.environment
    held = next(finding for finding in result.findings if finding.check == "rate_held")
    assert held.message == "a closed loop of 30 users: 5,400 requests, 300 to 300 a second"


def test_a_request_without_its_sample_is_missed():
    draft = closed()
    lost = draft.seqs(since=12, until=13)[:2]
    draft.drop(lost)
    finding = recorded.check(draft.history())
    assert finding.verdict is Verdict.inconclusive
    assert finding.evidence["missing"] == {"count": 2, "first": lost}
    assert rate_held.check(draft.history()).verdict is Verdict.passed


def test_a_sample_beyond_what_the_sender_counted_is_unexpected():
    draft = closed()
    assert draft.record.sent is not None
    draft.sent(started=draft.record.sent.started - 1)
    assert "that nobody planned" in recorded.check(draft.history()).message


def test_what_the_sender_itself_began_late_is_inconclusive():
    draft = closed()
    rows = draft.samples["seq"].isin(draft.seqs(since=9, until=9.9))
    rows &= draft.samples["connection"].isin([1, 2, 3, 4])
    draft.samples.loc[rows, "sent_ns"] += 300 * MS
    draft.samples.loc[rows, "finished_ns"] += 300 * MS
    finding = rate_held.check(draft.history())
    assert finding.verdict is Verdict.inconclusive
    assert "the sender did not keep up with its users: in second 9" in finding.message


def test_a_user_whose_last_answer_came_late_begins_late_by_no_fault_of_the_sender():
    draft = closed()
    [first, *_] = draft.seqs("get-reused", since=9, until=9.5)
    user = int(draft.samples.loc[draft.samples["seq"] == first, "connection"].iloc[0])
    own = draft.samples[(draft.samples["connection"] == user) & (draft.samples["seq"] > first)]
    due_ns = int(draft.samples.loc[draft.samples["seq"] == first, "due_ns"].iloc[0])
    # It waits 400 ms for an answer; what it was to begin meanwhile begins as soon as it can.
    draft.delay([first], 400)
    for nth, seq in enumerate(own["seq"][:3]):
        row = draft.samples["seq"] == seq
        draft.samples.loc[row, "sent_ns"] = due_ns + (401 + 3 * nth) * MS
        draft.samples.loc[row, "finished_ns"] = due_ns + (403 + 3 * nth) * MS
    draft.sent(left_out=2)
    finding = rate_held.check(draft.history())
    assert finding.verdict is Verdict.passed
    assert finding.message.endswith(
        "; 2 requests that their pacing asked for were not begun, as they waited for answers"
    )


def test_how_often_its_users_ask_is_its_own_choice_but_what_is_frequent_must_be_answered():
    draft = closed()
    rare = [seq for seq in draft.seqs("slow") if seq not in draft.seqs("slow", 2, 2.3)]
    draft.drop(rare)
    draft.sent(started=draft.record.sent.started)
    finding = answered.check(draft.history())
    assert finding.message.startswith("every stream but slow, too rare for it was answered in")
    assert finding.verdict is Verdict.passed
    draft.fail(draft.seqs("write", 11, 14), Outcome.reset)
    assert answered.check(draft.history()).message.startswith(
        "no answer succeeded: write in swap 1"
    )


def test_a_rare_stream_takes_no_latency_of_its_own():
    draft = closed()
    draft.drop([seq for seq in draft.seqs("write") if seq not in draft.seqs("write", 2, 2.2)])
    assert latency.check(draft.history()).verdict is Verdict.passed
    draft.delay(draft.seqs("get-reused", 11, 14), 900)
    assert latency.check(draft.history()).verdict is Verdict.failed


def test_a_resolving_power_that_was_asked_for_and_not_reached_names_a_remedy_of_its_own():
    draft = closed()
    draft.scenario(limits=Limits(resolve_ms=1))
    finding = resolved.check(draft.history())
    assert finding.verdict is Verdict.inconclusive
    assert "more --users, or a shorter wait_time" in finding.message


def test_what_a_client_of_its_own_reports_tells_no_release():
    draft = closed()
    draft.scenario(releases=("", ""))
    draft.set(draft.seqs("slow"), status=0, release="", instance="")
    assert observed.check(draft.history()).verdict is Verdict.passed


def test_the_streams_are_the_names_that_were_written_down(tmp_path):
    folder = closed().write(tmp_path / "run")
    lines = '{"name": "GET /"}\n{"name": "GET /"}\n{"name": "probe", "method": "POST"}\n'
    (folder / "streams.jsonl").write_text(lines)
    traffic = read_record(folder).scenario.traffic
    assert traffic.stream_names() == ("GET /", "GET / (1)", "probe (2)")
