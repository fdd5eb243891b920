from synthetic import clean, error, mark

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
