"""Guards against an empty pass: from one clean run, each thing that may go unseen is done to it,
and the verdict is not pass, by the check that is named (others may say so too).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import pytest
from synthetic import (
    MS,
    STREAMS,
    SWAP_AT,
    SWAP_S,
    Draft,
    at,
    clean,
    error,
    event,
    mark,
)

from harness.checks import ALL
from harness.checks.verdict import judge
from harness.model.finding import Verdict
from harness.model.mark import Edge, MarkKind
from harness.model.outcome import Outcome
from harness.model.scenario import Limits
from harness.model.traffic import Traffic
from harness.model.visit import Until, Visit, VisitKind

ENDS = SWAP_AT + SWAP_S
INCONCLUSIVE, FAILED = Verdict.inconclusive, Verdict.failed


class Guard(NamedTuple):
    """What is done to a clean run, and what must then be said of it, by whom."""

    name: str
    ruin: Callable[[Draft], None]
    check: str
    verdict: Verdict
    words: str


def relabelled(draft: Draft) -> None:
    """The new image is the old one."""
    draft.set(draft.seqs(), release="v1")


def nothing_was_done(draft: Draft) -> None:
    draft.set(draft.seqs(), release="v1", instance="website-1")
    began_or_ended = ("start website-2", "die website-1")
    draft.marks = [
        each
        for each in draft.marks
        if each.kind is not MarkKind.step and each.name not in began_or_ended
    ]


def visits_untold(draft: Draft) -> None:
    visit = Visit(kind=VisitKind.session, lasts_s=0.4, until=Until.swapped)
    slow = replace(STREAMS[3], visit=visit)
    draft.scenario(traffic=Traffic(streams=(*STREAMS[:3], slow)))


def no_steps(draft: Draft) -> None:
    draft.marks = [each for each in draft.marks if each.kind is not MarkKind.step]


def never_began(draft: Draft) -> None:
    draft.drop(draft.samples["seq"])
    draft.sent(start_ns=0)


def never_served(draft: Draft) -> None:
    draft.set(draft.seqs(since=SWAP_AT), release="", instance="")


def old_one_serves_on(draft: Draft) -> None:
    draft.set(draft.seqs("get-new", since=17)[-1:], release="v1", instance="website-7")
    draft.marks.append(event("start website-7", -2))


def without(*names: str) -> Callable[[Draft], None]:
    def ruin(draft: Draft) -> None:
        draft.marks = [each for each in draft.marks if each.name not in names]

    return ruin


def marked(*marks: object) -> Callable[[Draft], None]:
    return lambda draft: draft.marks.extend(marks)


def sent(**changes: object) -> Callable[[Draft], None]:
    return lambda draft: draft.sent(**changes)


def lost(stream: str | None = None, since: float = -1e9, until: float = 1e9):
    return lambda draft: draft.drop(draft.seqs(stream, since, until))


def died(draft: Draft) -> None:
    """The child, at +16 s: it leaves what it had written, and no account of more."""
    draft.drop(draft.seqs(since=16))
    draft.sent(stop_ns=at(16), ended="ended early")


def unsent(stream: str) -> Callable[[Draft], None]:
    def ruin(draft: Draft) -> None:
        nothing = {"sent_ns": 0, "first_byte_ns": 0, "finished_ns": 0}
        draft.fail(draft.seqs(stream), Outcome.not_sent, **nothing)

    return ruin


def late(draft: Draft) -> None:
    """In second 5 two of a hundred requests are sent later than is allowed."""
    seqs = draft.seqs(since=5, until=6)[::50]
    rows = draft.samples["seq"].isin(seqs)
    for column in ("sent_ns", "first_byte_ns", "finished_ns"):
        draft.samples.loc[rows, column] += 260 * MS


def clock_set(seconds: float) -> Callable[[Draft], None]:
    def ruin(draft: Draft) -> None:
        first, last = draft.record.clocks
        moved = replace(last, wall_ns=last.wall_ns + round(seconds * 1e9))
        draft.record = replace(draft.record, clocks=(first, moved))

    return ruin


def clock_unknown(draft: Draft) -> None:
    draft.record = replace(draft.record, clocks=draft.record.clocks[:1])


def ends_after(tail_s: float) -> Callable[[Draft], None]:
    def ruin(draft: Draft) -> None:
        draft.drop(draft.seqs(since=ENDS + tail_s))
        draft.sent(stop_ns=at(ENDS + tail_s))

    return ruin


def reloads_a_proxy(draft: Draft) -> None:
    timing = replace(draft.record.scenario.timing, hard_stop_s=30.0)
    draft.scenario(timing=timing)


def copies_live(cached_s: float) -> Callable[[Draft], None]:
    def ruin(draft: Draft) -> None:
        streams = (replace(STREAMS[0], cached_s=cached_s), *STREAMS[1:])
        draft.scenario(traffic=Traffic(streams=streams))
        draft.set(draft.seqs("get-reused"), cache="miss")
        draft.set(draft.seqs("get-reused")[::2], cache="hit")

    return ruin


def cache_untried(draft: Draft) -> None:
    draft.scenario(traffic=Traffic(streams=(replace(STREAMS[0], cached_s=1.0), *STREAMS[1:])))


def in_flight_at_the_end(draft: Draft) -> None:
    draft.fail(draft.seqs("slow")[-1:], Outcome.unfinished)


def unanswered_write(draft: Draft) -> None:
    draft.operations = None
    draft.fail(draft.seqs("write", since=13)[:1], Outcome.reset)


def unread_store(draft: Draft) -> None:
    draft.operations = None


def nobody_crosses(draft: Draft) -> None:
    draft.delay(draft.seqs("slow"), 1)
    rows = draft.samples["stream"] == "slow"
    draft.samples.loc[rows, "first_byte_ns"] = draft.samples.loc[rows, "sent_ns"]


def slowed(draft: Draft) -> None:
    draft.delay(draft.seqs(since=12, until=13), 500)


def starved_and_slowed(draft: Draft) -> None:
    slowed(draft)
    draft.steal(0.5, 10, 17)


def asked(**limits: object) -> Callable[[Draft], None]:
    return lambda draft: draft.scenario(limits=Limits(**limits))


def one_too_long(draft: Draft) -> None:
    draft.delay(draft.seqs("get-new", since=12)[:1], 90)
    asked(max_ms=50.0)(draft)


def damaged(draft: Draft) -> None:
    draft.damaged = 1


def cut_marks(draft: Draft) -> None:
    draft.damage = ("marks.jsonl:31",)


GUARDS = (
    # A deploy that changed nothing.
    Guard("the new image is the old one", relabelled, "replaced", INCONCLUSIVE,
          "the new release v2 was not seen after swap 1: a swap that changed nothing"),
    Guard("the deploy did nothing", nothing_was_done, "alive", FAILED,
          "of the old release website-1 still ran after the last swap"),
    Guard("no step is known", no_steps, "alive", FAILED,
          "website-1 ended at +13.800 s with code 0, and no step told it to"),
    Guard("both releases have one name", lambda draft: draft.scenario(releases=("v1", "v1")),
          "replaced", INCONCLUSIVE, "old and new release are both named v1"),
    # The new release never served.
    Guard("no answer tells the new release", never_served, "replaced", INCONCLUSIVE,
          "the new release v2 was not seen after swap 1"),
    Guard("the new release was not ready", marked(error(12, "never ready", "release")),
          "swap_completed", FAILED, "the deploy failed at +12.000 s"),
    Guard("the swap never ended", lambda draft: draft.marks.remove(next(
              each for each in draft.marks if (each.name, each.edge) == ("swap", Edge.end))),
          "swap_completed", INCONCLUSIVE, "0 of 1 swap ended, and no error says why"),
    # The old one still running at the end.
    Guard("the old one still runs", without("die website-1"), "alive", FAILED,
          "of the old release website-1 still ran after the last swap"),
    Guard("the old one runs unasked", marked(event("start website-9", -2)), "alive", FAILED,
          "of the old release website-9 still ran after the last swap"),
    Guard("the old one answers once more", old_one_serves_on, "replaced", FAILED,
          "the old release v1 still answered after swap 1 had ended: 1 answer"),
    Guard("a stopped one answers", lambda draft: draft.set(
              draft.seqs("get-new", since=17)[:1], instance="website-1"),
          "replaced", FAILED, "website-1 still answered after `stop website-1` had ended"),
    # A stream that never ran.
    Guard("a stream left no sample", lost("write"), "recorded", INCONCLUSIVE,
          "720 requests without a sample"),
    Guard("a stream was never sent", unsent("write"), "recorded", INCONCLUSIVE,
          "720 requests the sender could not send"),
    Guard("a stream failed throughout", lambda draft: draft.fail(
              draft.seqs("write"), Outcome.wrong_status, status=503),
          "no_failed_request", FAILED, "720 of 5,400 requests failed"),
    Guard("no slow request crossed a step", nobody_crosses, "crossed", INCONCLUSIVE,
          "nothing was in flight across a step: slow at the begin of `start v2`"),
    Guard("visits left no account", visits_untold, "visits", INCONCLUSIVE,
          "visits left no account in visits.jsonl"),
    Guard("a cache was not tried", cache_untried, "cached", INCONCLUSIVE,
          "a cache was not tried: get-reused (no hit), get-reused (no miss)"),
    # A rate not held in some second.
    Guard("a second was sent late", late, "rate_held", INCONCLUSIVE,
          "in second 5 294 of 300 due requests were sent at most 250 ms late"),
    # The child, a container or the recorder dead in mid-run.
    Guard("the child died", died, "recorded", INCONCLUSIVE,
          "the sender ended as `ended early`, not `finished`"),
    Guard("the child was killed", sent(ended="killed by signal 9"), "recorded", INCONCLUSIVE,
          "the sender ended as `killed by signal 9`, not `finished`"),
    Guard("a website died", marked(event("die website-2", 16, exitCode="137")), "alive", FAILED,
          "website-2 ended at +16.000 s with code 137, and no step told it to"),
    Guard("the edge died", marked(event("die edge", 5, exitCode="0")), "alive", INCONCLUSIVE,
          "edge ended at +5.000 s with code 0: a part of the stack that the swap does not touch"),
    Guard("the watch of containers died", marked(error(5, "the stream of the engine's events "
                                                       "ended in mid-run", "harness")),
          "swap_completed", INCONCLUSIVE, "the harness had an error of its own at +5.000 s"),
    Guard("no container was watched", without(
              "start store", "start balancer", "start edge", "start website-1", "start website-2"),
          "alive", INCONCLUSIVE, "website-1 answered, and no event of the engine tells of it"),
    Guard("the recorder died", lost(since=16), "recorded", INCONCLUSIVE,
          "600 requests without a sample"),
    Guard("the recorder lost one", lambda draft: draft.drop([draft.seqs()[3000]]),
          "recorded", INCONCLUSIVE, "1 request without a sample"),
    Guard("the sender left no account", lambda draft: setattr(
              draft, "record", replace(draft.record, sent=None)), "recorded", INCONCLUSIVE,
          "the run was never completed"),
    # A full disk.
    Guard("the request log was refused", sent(errors=("recorder: No space left on device",)),
          "recorded", INCONCLUSIVE, "1 error in the sender, the first: recorder: No space left"),
    Guard("a row was cut", damaged, "recorded", INCONCLUSIVE, "1 damaged row in the request log"),
    Guard("a mark was cut", cut_marks, "recorded", INCONCLUSIVE, "unreadable: marks.jsonl:31"),
    Guard("the store was not read", unread_store, "writes", INCONCLUSIVE,
          "the store could not be read"),
    Guard("a write is unknown", unanswered_write, "no_failed_request", INCONCLUSIVE,
          "1 of 5,400 requests are unknown"),
    # A clock step.
    Guard("the clock was set forward", clock_set(0.3), "recorded", INCONCLUSIVE,
          "the machine's clock was set by +0.300 s in mid-run"),
    Guard("the clock was set back", clock_set(-3600), "recorded", INCONCLUSIVE,
          "the machine's clock was set by -3600.000 s in mid-run"),
    Guard("the clocks were not compared", clock_unknown, "recorded", INCONCLUSIVE,
          "its clocks were not compared"),
    # Zero samples.
    Guard("there is no sample", lambda draft: draft.drop(draft.samples["seq"]),
          "no_failed_request", INCONCLUSIVE, "5,400 of 5,400 requests are unknown"),
    Guard("there is one sample", lambda draft: draft.drop(draft.samples["seq"][1:]),
          "no_failed_request", INCONCLUSIVE, "5,400 of 5,400 requests are unknown"),
    Guard("nothing was planned", never_began,
          "no_failed_request", INCONCLUSIVE, "no request was sent: nothing could fail"),
    Guard("only probes were sent", ends_after(-ENDS),
          "no_failed_request", INCONCLUSIVE, "no request was sent: nothing could fail"),
    # A tail too short for what may still fail.
    Guard("the tail ends before the swap is judged", ends_after(1.9), "answered", INCONCLUSIVE,
          "the load ended 1.90 s after the last swap, 2.00 s are needed"),
    Guard("the tail ends before a hard stop", reloads_a_proxy, "answered", INCONCLUSIVE,
          "the load ended 4.00 s after the last swap, 31.00 s are needed: a proxy's hard stop"),
    Guard("the tail ends before the last copy", copies_live(3.0), "answered", INCONCLUSIVE,
          "the load ended 4.00 s after the last swap, 4.01 s are needed: a copy of get-reused's"),
    Guard("a request is still in flight", in_flight_at_the_end, "no_failed_request", FAILED,
          "1 of 5,400 requests failed in after 1"),
    Guard("nothing was sent after the swap", ends_after(0), "replaced", INCONCLUSIVE,
          "the new release v2 was not seen after swap 1"),
    # What was asked for, and is not there.
    Guard("slow throughout", slowed, "latency", FAILED, "took longer than"),
    Guard("slow on a starved machine", starved_and_slowed, "latency", INCONCLUSIVE,
          "of the CPU was stolen meanwhile"),
    Guard("a resolution was asked for", asked(resolve_ms=1.0), "resolved", INCONCLUSIVE,
          "an outage of 1 ms was to be seen"),
    Guard("near misses were limited", asked(near_misses=0), "near_misses", INCONCLUSIVE,
          "no log of a proxy tells whether it tried again"),
    Guard("the longest was limited", one_too_long, "longest", FAILED,
          "1 of 1,450 answers in the swap window took longer than 50.0 ms, allowed 0"),
    Guard("an outage was limited below what is seen", asked(outage_ms=1.0), "outage",
          INCONCLUSIVE, "one of up to 3.3 ms could have hidden between two requests"),
    Guard("a calibration was asked for", lambda draft: draft.scenario(calibrated=True),
          "calibrated", INCONCLUSIVE, "the run was to begin with a calibration, and none is"),
    Guard("a baseline was named", lambda draft: draft.scenario(baseline="20260101T000000Z-aaaa"),
          "baseline", INCONCLUSIVE, "what was kept of the baseline 20260101T000000Z-aaaa is gone"),
)  # fmt: skip


def test_the_clean_run_that_they_are_done_to_passes():
    result = judge(clean().history())
    assert [each for each in result.findings if each.verdict is not Verdict.passed] == []
    assert result.verdict is Verdict.passed
    assert result.drop_bound is not None


@pytest.mark.parametrize("guard", GUARDS, ids=[guard.name for guard in GUARDS])
def test_no_pass_where_evidence_is_missing(guard: Guard):
    draft = clean()
    guard.ruin(draft)
    result = judge(draft.history())
    assert result.verdict is guard.verdict, result.sentence
    [finding] = [each for each in result.findings if each.check == guard.check]
    assert finding.verdict is guard.verdict
    assert guard.words in finding.message
    if guard.check not in {"latency", "longest", "baseline"}:
        assert result.drop_bound is None


def test_each_check_is_the_cause_of_some_verdict_here():
    """A check that can cost no run its pass guards nothing."""
    assert {check.__module__.rpartition(".")[2] for check in ALL} == {g.check for g in GUARDS}


@pytest.mark.parametrize("broken", range(len(ALL)))
def test_no_pass_where_a_check_raises(broken: int):
    def raises(history):
        raise RuntimeError("a defect of ours")

    raises.__module__ = ALL[broken].__module__
    raises.__name__ = "check"
    result = judge(clean().history(), (*ALL[:broken], raises, *ALL[broken + 1 :]))
    assert result.verdict is Verdict.inconclusive
    [finding] = [each for each in result.findings if each.verdict is not Verdict.passed]
    assert finding.check == ALL[broken].__module__.rpartition(".")[2]
    assert "the check itself raised RuntimeError: a defect of ours" in finding.message
    assert finding.evidence["traceback"][-1] == "RuntimeError: a defect of ours"


@pytest.mark.parametrize("left", range(20))
def test_no_pass_where_the_marks_end_early(left: int):
    """A run that was killed: of its phases and steps only the first are known."""
    draft = clean()
    own = [each for each in draft.marks if each.kind is not MarkKind.event]
    own.sort(key=lambda each: each.at_ns)
    known = own[:left]
    last = next(each for each in own if (each.name, each.edge) == ("after", Edge.begin))
    assert last not in known
    draft.marks = [each for each in draft.marks if each.kind is MarkKind.event] + known
    assert judge(draft.history()).verdict is not Verdict.passed


def test_a_mark_that_nobody_expected_takes_no_pass_away():
    draft = clean()
    draft.marks.append(mark(MarkKind.event, "resize website-2", 12, Edge.at))
    assert judge(draft.history()).verdict is Verdict.passed
