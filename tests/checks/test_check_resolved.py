from dataclasses import replace

import pytest
from synthetic import clean

from harness.checks.resolved import check
from harness.model.finding import Verdict
from harness.model.mark import MarkKind

GAP = 1000 / 300


def asked(resolve_ms, draft=None):
    draft = draft or clean()
    limits = replace(draft.record.scenario.limits, resolve_ms=resolve_ms)
    draft.scenario(limits=limits)
    return check(draft.history())


def test_what_a_run_was_sure_to_see_is_told_though_nobody_asked():
    finding = asked(0)
    assert finding.verdict is Verdict.passed
    assert finding.message == (
        "the largest gap between two requests sent in a swap is 3.3 ms: an outage of that length "
        "was sure to be seen"
    )
    assert finding.evidence["certain_outage_ms"]["all"] == pytest.approx(GAP, abs=0.001)


def test_what_was_asked_for_and_reached_passes():
    assert asked(5).verdict is Verdict.passed


def test_a_rate_that_is_too_low_is_inconclusive_and_the_one_that_would_do_is_named():
    finding = asked(2)
    assert finding.verdict is Verdict.inconclusive
    assert finding.message == (
        "the largest gap between two requests sent in a swap is 3.3 ms, and an outage of 2 ms was "
        "to be seen: --rate 625 or more would show it"
    )


def test_a_machine_that_starts_requests_too_unevenly_is_told_apart():
    draft = clean()
    draft.drop(draft.seqs(since=12, until=12.1))
    finding = asked(50, draft)
    assert finding.verdict is Verdict.inconclusive
    assert "this machine starts requests too unevenly" in finding.message


@pytest.mark.parametrize(
    ("resolve_ms", "verdict"), [(0, Verdict.passed), (5, Verdict.inconclusive)]
)
def test_without_a_swap_nothing_is_resolved(resolve_ms, verdict):
    draft = clean()
    draft.marks = [mark for mark in draft.marks if mark.kind is not MarkKind.phase]
    finding = asked(resolve_ms, draft)
    assert (finding.verdict, finding.message) == (
        verdict, "no swap was begun: there is nothing to resolve",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("resolve_ms", "verdict"), [(0, Verdict.passed), (5, Verdict.inconclusive)]
)
def test_a_swap_before_the_first_request_makes_no_length_certain(resolve_ms, verdict):
    draft = clean()
    draft.drop(draft.seqs(until=11.5))
    finding = asked(resolve_ms, draft)
    assert (finding.verdict, finding.message) == (
        verdict, "no length of an outage is certain to have been seen",
    )  # fmt: skip
