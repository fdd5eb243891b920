"""`baseline`: hand-written pairs of runs, and what must be said of the second."""

from dataclasses import replace
from functools import cache

import pytest
from fakes.control import ControlPaper
from synthetic import MS, START, SWAP_AT, Draft, S, clean

from harness.checks.baseline import check
from harness.model.finding import Verdict
from harness.model.outcome import Outcome
from harness.past.facts import past_of

FAST = ("get-reused", "get-new", "write")


@cache
def clean_past():
    return replace(past_of(clean().history()), verdict=Verdict.passed)


def slow(draft: Draft, by_ms: float, *, since: float, until: float = 1e9) -> None:
    for stream in FAST:
        draft.delay(draft.seqs(stream, since=since, until=until), by_ms)


def found(draft: Draft, past=None):
    draft.scenario(baseline="base")
    return check(replace(draft.history(), baseline=past or clean_past()))


def of(draft: Draft, verdict=Verdict.passed):
    return replace(past_of(draft.history()), verdict=verdict)


def test_without_a_baseline_it_passes_and_says_so():
    finding = check(clean().history())
    assert (finding.verdict, finding.message) == (Verdict.passed, "no baseline was named")


def test_a_pass_says_what_was_compared_and_how_small_a_change_would_have_been_shown():
    finding = found(clean())
    assert finding.verdict is Verdict.passed
    assert finding.message == (
        "not shown to be worse than drain/20260102T030405-abcd: failed share in the swaps 0 %, was "
        "0 % (+0 %; -0.38 % to +0.38 %); p99 in the swaps 5.0 ms, was 5.0 ms (+0 ms; -0.03 ms to "
        "+0.03 ms); p99 of 1 stream too; 9 failed requests of 1,500 or a p99 some 0.03 ms higher "
        "would have been shown"
    )


def test_a_higher_p99_in_the_swap_fails():
    draft = clean()
    slow(draft, 40, since=SWAP_AT, until=SWAP_AT + 1)
    slow(draft, 30, since=SWAP_AT + 1, until=SWAP_AT + 5)
    finding = found(draft)
    assert finding.verdict is Verdict.failed
    assert finding.message.startswith(
        "worse than drain/20260102T030405-abcd: p99 in the swaps 40.0 ms, was 5.0 ms (+35.0 ms; +"
    )
    [told] = [one for one in finding.evidence["compared"] if one["figure"] == "p99 in the swaps"]
    assert told["shown"] == "more"
    assert 0 < told["from"] < 35 < told["to"]


def test_a_single_slow_second_of_five_is_not_shown():
    """One second of one swap: the next one may have it elsewhere, or not at all."""
    draft = clean()
    slow(draft, 40, since=SWAP_AT, until=SWAP_AT + 1)
    finding = found(draft)
    assert finding.verdict is Verdict.passed
    assert "p99 in the swaps 40.0 ms, was 5.0 ms (+35.0 ms; -" in finding.message


def test_more_failed_requests_fail_and_few_are_not_shown():
    for number, verdict in ((3, Verdict.passed), (12, Verdict.failed)):
        draft = clean()
        draft.fail(draft.seqs("get-reused", since=SWAP_AT)[:number], Outcome.reset)
        finding = found(draft)
        assert finding.verdict is verdict, finding.message
    assert "failed share in the swaps 0.8 %, was 0 % (+0.8 %; +" in finding.message


def test_failures_before_the_swap_count_too():
    draft = clean()
    draft.fail(draft.seqs("get-reused", since=3)[:30], Outcome.reset)
    finding = found(draft)
    assert finding.verdict is Verdict.failed
    assert "failed share outside them" in finding.message


def test_an_improvement_passes():
    worse = clean()
    slow(worse, 40, since=SWAP_AT)
    worse.fail(worse.seqs("get-reused", since=SWAP_AT)[:12], Outcome.reset)
    finding = found(clean(), of(worse, Verdict.failed))
    assert finding.verdict is Verdict.passed
    assert "p99 in the swaps 5.0 ms, was 40.0 ms" in finding.message


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda draft: slow(draft, 40, since=0),
            "as the steady state, before the swap, is slower too (+35.0 ms)",
        ),
        (
            lambda draft: (slow(draft, 40, since=SWAP_AT), draft.steal(0.3, 0, 100)),
            "as 30 % of the CPU was stolen meanwhile, more than 5.0 %",
        ),
        (
            lambda draft: (slow(draft, 40, since=SWAP_AT), sent_late(draft, 38)),
            "as most of it passed before they were sent: the sender itself was late",
        ),
    ],
    ids=["steady", "stolen", "late"],
)
def test_what_is_not_the_targets_doing_is_not_blamed_on_it(change, why):
    draft = clean()
    change(draft)
    finding = found(draft)
    assert finding.verdict is Verdict.inconclusive
    assert finding.message.startswith("worse than drain/20260102T030405-abcd, and not blamed on")
    assert why in finding.message


def sent_late(draft: Draft, by_ms: float) -> None:
    rows = draft.samples["stream"].isin(FAST)
    draft.samples.loc[rows, "sent_ns"] = draft.samples.loc[rows, "due_ns"] + int(by_ms * 1e6)


def test_a_pass_beside_a_starved_baseline_says_so():
    starved = clean()
    starved.steal(0.2, 0, 100)
    finding = found(clean(), of(starved))
    assert finding.verdict is Verdict.passed
    assert finding.message.endswith(
        "; but 20 % of the CPU was stolen in the baseline's swaps, which made it slower"
    )


def test_a_steady_state_that_is_a_little_slower_does_not_excuse_a_swap_that_is_much_slower():
    draft = clean()
    slow(draft, 6, since=0, until=SWAP_AT)
    slow(draft, 60, since=SWAP_AT)
    assert found(draft).verdict is Verdict.failed


def test_failed_requests_are_not_excused():
    draft = clean()
    draft.fail(draft.seqs("get-reused", since=SWAP_AT)[:40], Outcome.reset)
    draft.steal(0.5, 0, 100)
    slow(draft, 40, since=SWAP_AT + 2)
    finding = found(draft)
    assert finding.verdict is Verdict.failed
    assert "failed share" in finding.message
    assert "p99" not in finding.message


def test_what_is_not_comparable_is_named():
    other = clean()
    other.scenario(swap="reload", settings={"algorithm": "leastconn"})
    finding = found(clean(), of(other))
    assert finding.verdict is Verdict.inconclusive
    assert finding.message == (
        "not comparable with drain/20260102T030405-abcd: swap: reload and drain; algorithm: "
        "leastconn and roundrobin; name a baseline that was run alike"
    )


@pytest.mark.parametrize("verdict", [None, Verdict.inconclusive])
def test_a_baseline_that_was_no_evidence_is_none(verdict):
    finding = found(clean(), of(clean(), verdict))
    assert finding.verdict is Verdict.inconclusive
    assert "is no evidence: it was itself inconclusive; name another" in finding.message


def test_a_p99_that_is_not_resolved_is_no_pass():
    draft = clean()
    draft.drop(draft.seqs(since=SWAP_AT + 1))
    finding = found(draft)
    assert finding.verdict is Verdict.inconclusive
    assert "p99 in the swaps cannot be held against" in finding.message


def test_a_run_without_a_swap_is_no_pass():
    draft = clean()
    draft.marks = [one for one in draft.marks if one.name not in {"swap", "after"}]
    finding = found(draft)
    assert finding.verdict is Verdict.inconclusive
    assert "failed share in the swaps cannot be held against" in finding.message


@pytest.mark.parametrize("felt", [True, False])
def test_what_the_control_felt_too_is_not_blamed_on_the_target(felt):
    """A standstill of 0.2 s in each second of the swap."""
    stalls = [(second + 0.2, second + 0.4) for second in range(11, 16)]
    draft = clean()
    for begin, end in stalls:
        for stream in FAST:
            for seq in draft.seqs(stream, since=begin, until=end):
                due = draft.samples.loc[draft.samples["seq"] == seq, "due_ns"].iloc[0]
                draft.delay([seq], max(5.0, (START + end * S - due) / MS))
    draft.scenario(control=True, baseline="base")
    past = replace(clean_past(), conditions={**clean_past().conditions, "control beside it": "yes"})
    paper = ControlPaper(START, 18.0, stalls=stalls if felt else [])
    finding = check(replace(draft.history(), baseline=past, control=paper.controlled()))
    if felt:
        assert finding.verdict is Verdict.inconclusive
        assert "as of the slow answers, " in finding.message
        assert "the control, which the swap does not touch, waited 200 ms" in finding.message
    else:
        assert finding.verdict is Verdict.failed
