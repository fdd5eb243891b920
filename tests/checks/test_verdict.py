"""The verdict as a whole."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import S, at, clean, error, mark, random_order

from harness.analysis.logs import Logs
from harness.checks import ALL
from harness.checks.sentence import bound_of
from harness.checks.verdict import judge
from harness.model.finding import Finding, Verdict
from harness.model.mark import Edge, MarkKind
from harness.model.outcome import Outcome

LEFT = Logs(known=frozenset({"edge", "balancer", "website"}))


def not_passed(result):
    return {f.check: f.verdict for f in result.findings if f.verdict is not Verdict.passed}


def test_a_clean_run_passes_in_one_sentence_the_bound_first():
    result = judge(clean().history())
    assert not_passed(result) == {}
    assert result.sentence == (
        "pass: at 95 % confidence a swap drops something with a probability below 95 % "
        "(1 clean swap; 10 would say 26 %): 1 swap (drain, v1 to v2) dropped 0 of 5,400 requests; "
        "a total outage of 3.3 ms at any moment of the swap would have been seen; "
        "p99 5.0 ms steady, 5.0 ms in the swap"
    )
    assert result.drop_bound == pytest.approx(0.95)
    assert result.outages == ()
    assert result.environment["path"] == "edge"
    assert result.environment["settings.algorithm"] == "roundrobin"


def test_several_clean_swaps_bound_more():
    result = judge(clean(swaps=3).history())
    assert not_passed(result) == {}
    assert result.drop_bound == pytest.approx(0.6316, abs=1e-4)
    assert "below 63 % (3 clean swaps; 10 would say 26 %): 3 swaps" in result.sentence


def test_the_bound_is_the_published_one():
    """design.md, 7: 1: 95 %, 10: 26 %, 30: 9.5 %, 100: 3.0 %, 300: 1.0 %."""
    published = {1: 0.95, 10: 0.26, 30: 0.095, 100: 0.030, 300: 0.010}
    assert {n: round(bound_of(n), 3 if n > 10 else 2) for n in published} == published


def test_a_failed_request_fails_and_leaves_no_bound():
    draft = clean()
    [seq, *_] = draft.seqs("get-new", since=13)
    draft.fail([seq], Outcome.reset)
    result = judge(draft.history())
    assert not_passed(result) == {"no_failed_request": Verdict.failed}
    assert result.drop_bound is None
    assert result.sentence == (
        "fail: no_failed_request: 1 of 5,400 requests failed in swap 1, allowed 0; first #3904 "
        "GET / reset at +13.008 s, during `stop website-1`; 1 swap (drain, v1 to v2)"
    )
    [outage] = result.outages
    assert (outage.kind, outage.failed, outage.phase, outage.step) == (
        "reset",
        1,
        "swap 1",
        "stop website-1",
    )


def test_a_latency_fail_keeps_the_bound_as_nothing_was_dropped():
    draft = clean()
    draft.delay(draft.seqs(since=12, until=13), 500)
    result = judge(draft.history())
    assert not_passed(result) == {"latency": Verdict.failed}
    assert result.drop_bound == pytest.approx(0.95)


def test_an_inconclusive_run_has_no_bound_and_says_what_to_do():
    draft = clean()
    draft.damaged = 2
    result = judge(draft.history())
    assert result.verdict is Verdict.inconclusive
    assert result.drop_bound is None
    assert result.sentence == (
        "inconclusive: recorded: the record is not whole: 2 damaged rows in the request log. "
        "Run again; 1 swap (drain, v1 to v2)"
    )


def test_a_failed_deploy_fails():
    draft = clean()
    draft.marks.append(error(12, "never ready", "release"))
    result = judge(draft.history())
    assert result.verdict is Verdict.failed
    assert result.sentence.startswith("fail: swap_completed: the deploy failed at +12.000 s")
    assert result.drop_bound is None


def test_a_check_that_raises_is_inconclusive_and_hides_no_other():
    def broken(history):
        raise KeyError("no\x1bsuch")

    draft = clean()
    draft.fail(draft.seqs("get-new", since=13)[:1], Outcome.reset)
    result = judge(draft.history(), (broken, *ALL))
    assert not_passed(result) == {
        "broken": Verdict.inconclusive,
        "no_failed_request": Verdict.failed,
    }
    finding = result.findings[0]
    assert finding.message == (
        "the check itself raised KeyError: 'no\\x1bsuch'; please report it with the run folder"
    )
    assert finding.evidence["traceback"][-1] == "KeyError: 'no\\x1bsuch'"


def test_a_check_of_ours_that_raises_keeps_its_name():
    draft = clean()
    draft.operations = "not operations"
    result = judge(draft.history(), [check for check in ALL if "writes" in check.__module__])
    assert [finding.check for finding in result.findings] == ["writes"]
    assert result.verdict is Verdict.inconclusive


def test_figures_that_cannot_be_had_are_inconclusive_and_never_a_traceback():
    draft = clean()
    draft.samples = draft.samples.assign(finished_ns="soon")
    result = judge(draft.history())
    assert result.verdict is Verdict.inconclusive
    assert result.findings[-1].check == "figures"
    assert result.drop_bound is None


def raising(*_, **__):
    raise OverflowError("too large")


def test_what_only_explains_takes_no_fail_and_no_count_away_where_it_raises(monkeypatch):
    monkeypatch.setattr("harness.analysis.history.attributions", raising)
    monkeypatch.setattr("harness.analysis.history.read_logs", lambda *_, **__: LEFT)
    draft = clean()
    draft.fail(draft.seqs("get-new", since=13)[:1], Outcome.reset)
    draft.delay(draft.seqs(since=12, until=13), 500)
    result = judge(draft.history())
    assert not_passed(result) == {
        "no_failed_request": Verdict.failed, "latency": Verdict.failed,
        "figures": Verdict.inconclusive,
    }  # fmt: skip
    assert result.verdict is Verdict.failed
    assert (result.requests.failed, result.attributions) == (1, ())
    failed = next(f for f in result.findings if f.check == "no_failed_request")
    why = "the search for it raised OverflowError: too large"
    assert failed.message.endswith(f"; no cause is known: {why}")
    assert failed.evidence["no_causes"] == why
    # A defect of ours is no pass either.
    assert judge(clean().history()).verdict is Verdict.inconclusive


def test_a_figure_that_cannot_be_had_costs_no_other(monkeypatch):
    monkeypatch.setattr("harness.checks.verdict.outages", raising)
    draft = clean()
    draft.fail(draft.seqs("get-new", since=13)[:1], Outcome.reset)
    result = judge(draft.history())
    assert not_passed(result) == {
        "no_failed_request": Verdict.failed, "figures": Verdict.inconclusive,
    }  # fmt: skip
    assert (result.requests.failed, result.outages) == (1, ())
    assert result.latency_ms


def test_marks_are_bounded_in_size_too():
    draft = clean()
    draft.marks.append(error(12, "x" * 99_999, "release"))
    result = judge(draft.history())
    assert max(len(str(mark)) for mark in result.marks) < 5_000


def test_no_checks_are_no_evidence():
    result = judge(clean().history(), ())
    assert result.verdict is Verdict.inconclusive
    assert result.sentence == (
        "inconclusive: no check was made: there is no evidence; 1 swap (drain, v1 to v2)"
    )
    assert result.drop_bound is None


def test_a_run_without_swaps_claims_nothing_of_swaps():
    result = judge(clean(swaps=0).history())
    assert result.drop_bound is None
    assert result.sentence.startswith("inconclusive: answered") or result.sentence == (
        "pass: no swap was asked for; dropped 0 of 4,200 requests; p99 5.0 ms steady"
    )


@pytest.mark.parametrize(
    "ruin",
    [
        lambda draft: setattr(draft, "samples", draft.samples[:0]),
        lambda draft: setattr(draft, "samples", draft.samples[100:101]),
        lambda draft: setattr(draft, "samples", draft.samples[:2]),
        lambda draft: setattr(draft, "marks", []),
        lambda draft: setattr(draft, "marks", draft.marks[:9]),
        lambda draft: draft.drop(draft.seqs(since=11)),
        lambda draft: draft.again(draft.seqs()),
        lambda draft: draft.again(draft.seqs(since=14), seq=70_000),
        lambda draft: draft.sent(start_ns=0),
        lambda draft: draft.sent(stop_ns=0),
        lambda draft: setattr(
            draft,
            "record",
            type(draft.record)(run="r", scenario=draft.record.scenario, environment={}),
        ),
        lambda draft: draft.set(draft.seqs(), stream="#7"),
        lambda draft: draft.set(draft.seqs(), stream="probe"),
        lambda draft: draft.set(draft.seqs(), sent_ns=0, finished_ns=0),
    ],
)
def test_nothing_that_is_ruined_passes_and_no_check_raises(ruin):
    draft = clean()
    ruin(draft)
    result = judge(draft.history())
    assert result.verdict is not Verdict.passed
    assert result.drop_bound is None
    assert not [f for f in result.findings if "itself raised" in f.message]
    counts = result.requests
    assert counts.planned >= counts.sent == counts.ok + counts.failed + counts.unknown


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), again=st.booleans())
def test_the_order_of_samples_does_not_matter(seed, again):
    draft = clean()
    draft.fail(draft.seqs(since=12.5, until=12.6), Outcome.reset)
    draft.delay(draft.seqs(since=14, until=14.2), 400)
    if again:
        draft.again(draft.seqs(since=12.55, until=12.7), outcome="refused")
    expected = judge(draft.history())
    draft.samples = random_order(draft.samples, seed)
    assert judge(draft.history()) == expected


def test_judging_twice_gives_the_same():
    draft = clean()
    draft.fail(draft.seqs(since=12.5, until=12.6), Outcome.reset)
    history = draft.history()
    before = history.recorded.copy()
    assert judge(history) == judge(history)
    assert history.recorded.equals(before)


def test_marks_are_bounded_and_events_give_way_first():
    draft = clean()
    draft.marks += [mark(MarkKind.event, "die", n / 1000, Edge.at) for n in range(5_000)]
    marks = judge(draft.history()).marks
    assert len(marks) == 2_000
    assert sum(mark.kind is MarkKind.step for mark in marks) == 10
    assert [mark.at_ns for mark in marks] == sorted(mark.at_ns for mark in marks)


def test_outages_are_bounded():
    draft = clean(swaps=20)
    draft.fail(
        [draft.seqs("get-new", n * 0.4)[0] for n in range(230)], Outcome.refused, finished_ns=0
    )
    assert len(judge(draft.history()).outages) == 200


def test_every_finding_names_its_own_file():
    result = judge(clean().history())
    assert [f.check for f in result.findings] == [c.__module__.split(".")[-1] for c in ALL]


def test_a_hundred_thousand_samples_of_eighty_swaps_are_judged():
    draft = clean(swaps=80)
    assert len(draft.samples) > 99_000
    result = judge(draft.history())
    assert result.verdict is Verdict.passed, result.sentence
    assert at(0) == 5_000 * S
    assert isinstance(result.findings[0], Finding)
