from dataclasses import replace

import pytest
from fakes.control import ControlPaper
from synthetic import START, at, clean, error, mark

from harness.checks.swap_completed import check, completed_swaps
from harness.model.finding import Finding, Verdict
from harness.model.mark import Edge, MarkKind


def test_completed_swaps_pass():
    assert check(clean(swaps=2).history()) == Finding(
        check="swap_completed",
        verdict=Verdict.passed,
        message="2 swaps completed",
        evidence={"asked": 2, "ended": 2, "errors": []},
    )


def test_a_release_to_blame_fails_with_its_text():
    draft = clean()
    draft.marks.append(error(12, "website-2 exited with 3: no such module", "release"))
    assert check(draft.history()) == Finding(
        check="swap_completed",
        verdict=Verdict.failed,
        message="the deploy failed at +12.000 s: deploy: website-2 exited with 3: no such module",
        evidence={
            "asked": 1,
            "ended": 1,
            "errors": ["+12.000 s deploy: website-2 exited with 3: no such module"],
        },
    )


def test_the_harness_to_blame_is_inconclusive():
    draft = clean()
    draft.marks.append(error(12, "the engine is gone", "harness"))
    finding = check(draft.history())
    assert finding.verdict is Verdict.inconclusive
    assert finding.message == (
        "the harness had an error of its own at +12.000 s: deploy: the engine is gone"
    )


def test_an_error_without_blame_is_not_put_on_the_release():
    draft = clean()
    draft.marks.append(error(12, "who knows", ""))
    assert check(draft.history()).verdict is Verdict.inconclusive


def test_the_release_is_blamed_even_after_an_error_of_the_harness():
    draft = clean()
    draft.marks += [error(12, "hiccup", "harness"), error(13, "never ready", "release")]
    assert check(draft.history()).verdict is Verdict.failed


def test_a_swap_that_never_ended_is_inconclusive():
    draft = clean(swaps=2)
    draft.marks = [
        mark
        for mark in draft.marks
        if not (mark.kind is MarkKind.phase and mark.name == "swap" and mark.edge is Edge.end)
    ]
    finding = check(draft.history())
    assert finding.verdict is Verdict.inconclusive
    assert finding.message == (
        "0 of 2 swaps ended, and no error says why; see marks.jsonl, and run again"
    )


def test_without_a_swap_asked_for_it_says_so():
    assert check(clean(swaps=0).history()).message == "no swap was asked for"


def taken_back(cause, *, since=12.0, until=13.0):
    """A swap in which the new release was taken back for that cause."""
    draft = clean()
    judged = mark(
        MarkKind.event, "judged 5%: back", until, Edge.at, swap=1, why="", cause=cause,
        since_ns=at(since),
    )  # fmt: skip
    draft.marks += [judged, error(until + 0.2, "rolled back: mean 400 ms", "release")]
    return draft


@pytest.mark.parametrize("cause", ["latency", "silence"])
def test_a_release_taken_back_as_slow_is_not_to_blame_where_the_machine_was_starved(cause):
    draft = taken_back(cause)
    draft.steal(0.6, 11, 14)
    finding = check(draft.history())
    assert finding.verdict is Verdict.inconclusive
    assert finding.message == (
        "the deploy failed at +13.200 s: deploy: rolled back: mean 400 ms; not blamed on the "
        "release: 60 % of the CPU was stolen meanwhile, more than 5.0 %; "
        "run on a quieter machine"
    )


@pytest.mark.parametrize("cause", ["status", "broken", "down", ""])
def test_what_failed_is_to_blame_however_starved_the_machine_was(cause):
    draft = taken_back(cause)
    draft.steal(0.6, -1, 99)
    assert check(draft.history()).verdict is Verdict.failed


@pytest.mark.parametrize("share", [0.05, None])
def test_a_slow_release_is_to_blame_on_a_machine_that_was_fed_or_not_measured(share):
    draft = taken_back("latency")
    draft.steal(share, -1, 99)
    assert check(draft.history()).verdict is Verdict.failed


def test_what_was_stolen_before_it_was_watched_excuses_nothing():
    draft = taken_back("latency", since=12.5, until=13.5)
    draft.steal(0.6, 8, 12)
    assert check(draft.history()).verdict is Verdict.failed


def slow_at(draft, since, until, latency_ms):
    """The new release's answers to what was due then."""
    seqs = [seq for name in ("get-reused", "get-new") for seq in draft.seqs(name, since, until)]
    draft.set(seqs, release="v2")
    draft.delay(seqs, latency_ms)
    draft.scenario(control=True)
    return draft


def felt(draft, *stalls):
    control = ControlPaper(START, 18.0, stalls=list(stalls)).controlled()
    return check(replace(draft.history(), control=control))


def test_a_release_taken_back_as_slow_is_not_to_blame_where_the_control_waited_as_long():
    draft = slow_at(taken_back("latency"), 12.1, 12.12, 400)
    finding = felt(draft, (12.1, 12.5))
    assert finding.verdict is Verdict.inconclusive
    assert "not blamed on the release: " in finding.message
    assert "the control, which the swap does not touch, waited 400 ms at +12.1" in finding.message


def test_a_release_that_is_slow_beside_a_control_that_waited_once_is_to_blame():
    draft = slow_at(taken_back("latency"), 12.0, 13.0, 400)
    assert felt(draft, (12.1, 12.5)).verdict is Verdict.failed
    assert felt(draft).verdict is Verdict.failed


def test_a_defects_traceback_is_evidence():
    draft = clean()
    defect = mark(
        MarkKind.error, "harness defect: KeyError()", 12, Edge.at, blame="harness", traceback="a\nb"
    )
    draft.marks.append(defect)
    finding = check(draft.history())
    assert finding.verdict is Verdict.inconclusive
    assert finding.evidence["traceback"] == ["a", "b"]


def test_an_error_in_teardown_leaves_the_swap_complete_but_not_the_run():
    draft = clean()
    draft.marks.append(error(19, "a container is stuck", "harness"))
    assert completed_swaps(draft.history()) == (1,)
    assert check(draft.history()).verdict is Verdict.inconclusive


def test_control_characters_of_an_error_are_not_printed():
    draft = clean()
    draft.marks.append(error(12, "a\x1b[31mb" + "x" * 9_000, "release"))
    message = check(draft.history()).message
    assert "\x1b" not in message
    assert len(message) < 600


def test_what_a_container_printed_last_is_told_on_one_line():
    draft = clean()
    draft.marks.append(error(12, "it exited; its last lines:\n  a\n  b", "release"))
    assert check(draft.history()).message.endswith("it exited; its last lines: | a | b")
