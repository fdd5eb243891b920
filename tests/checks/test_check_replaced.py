from synthetic import clean, error

from harness.checks.replaced import check
from harness.model.finding import Finding, Verdict
from harness.model.mark import MarkKind
from harness.model.outcome import Outcome


def told(draft):
    finding = check(draft.history())
    return finding.verdict, finding.message


def test_old_before_and_new_after_pass():
    assert check(clean().history()) == Finding(
        check="replaced",
        verdict=Verdict.passed,
        message="before each swap only the old release answered, after it only the new one "
        "(v1 to v2; 5,400 answers told their release)",
        evidence={
            "answers": 5400,
            "by_release": {"v1": 3630, "v2": 1770},
            "problems": [],
        },
    )


def test_a_swap_there_and_one_back_pass():
    assert told(clean(swaps=2)) == (
        Verdict.passed,
        (
            "before each swap only the old release answered, after it only the new one "
            "(v1 to v2, and back; 6,600 answers told their release)"
        ),
    )


def test_a_swap_that_changed_nothing_is_inconclusive():
    draft = clean()
    draft.set(draft.seqs(), release="v1", instance="website-0")
    assert told(draft) == (
        Verdict.inconclusive,
        "the new release v2 was not seen after swap 1: a swap that changed nothing",
    )


def test_an_old_release_that_still_answers_fails():
    draft = clean()
    draft.set(draft.seqs(since=15)[:2], release="v1", instance="website-0")
    assert told(draft) == (
        Verdict.failed,
        (
            "the old release v1 still answered after swap 1 had ended: 2 answers, "
            "first #4503 from website-0, sent at +15.000 s"
        ),
    )


def test_a_copy_of_the_old_release_from_a_cache_is_not_its_answer():
    draft = clean()
    draft.set(draft.seqs(since=15)[:2], release="v1", instance="website-0", cache="hit")
    assert told(draft)[0] is Verdict.passed


def test_copies_alone_do_not_show_that_the_new_release_serves():
    draft = clean()
    draft.set(draft.seqs(since=14), cache="hit")
    verdict, message = told(draft)
    assert verdict is Verdict.inconclusive
    assert "a swap that changed nothing" in message


def test_an_old_answer_to_a_request_sent_before_the_end_is_no_fault():
    draft = clean()
    draft.set(draft.seqs(until=14)[-1:], release="v1", instance="website-0")
    assert told(draft)[0] is Verdict.passed


def test_a_stopped_container_that_answers_fails():
    draft = clean()
    draft.set(draft.seqs(since=13.95)[:1], instance="website-1", release="v1")
    assert told(draft) == (
        Verdict.failed,
        (
            "website-1 still answered after `stop website-1` had ended at +13.900 s: 1 answer, "
            "first #4188 from website-1, sent at +13.950 s"
        ),
    )


def test_a_container_that_is_stopping_may_answer():
    draft = clean()
    draft.set(draft.seqs(since=13, until=13.8), instance="website-1", release="v1")
    assert told(draft)[0] is Verdict.passed


def test_a_new_release_before_the_swap_spoils_the_baseline():
    draft = clean()
    draft.set(draft.seqs(since=5)[:3], release="v2", instance="website-2")
    assert told(draft) == (
        Verdict.inconclusive,
        (
            "the new release v2 answered before swap 1 began (3 times, first #1503 from website-2, "
            "sent at +5.000 s): the baseline is not what it says"
        ),
    )


def test_an_old_release_that_was_never_seen_is_inconclusive():
    draft = clean()
    draft.set(draft.seqs(until=11), release="", instance="")
    assert told(draft) == (
        Verdict.inconclusive,
        "the old release v1 was not seen before swap 1",
    )


def test_a_third_release_is_inconclusive():
    draft = clean()
    draft.set(draft.seqs(since=5)[:1], release="v3\x1b[1m", instance="")
    assert told(draft) == (
        Verdict.inconclusive,
        (
            "1 answer of a release that is neither old nor new: v3\N{REPLACEMENT CHARACTER}[1m, "
            "first #1503 from an unnamed instance, sent at +5.000 s"
        ),
    )


def test_after_a_swap_that_did_not_complete_nobody_is_blamed():
    draft = clean()
    draft.set(draft.seqs(since=12), release="v1", instance="website-1")
    draft.marks.append(error(13, "never ready", "release"))
    assert told(draft) == (
        Verdict.inconclusive,
        "swap 1 did not complete: what answered after it is not judged",
    )


def test_an_error_in_teardown_does_not_excuse_the_old_release():
    draft = clean()
    draft.set(draft.seqs(since=15)[:2], release="v1", instance="website-0")
    draft.marks.append(error(19, "a container is stuck", "harness"))
    assert told(draft)[0] is Verdict.failed


def test_the_second_swap_is_judged_too():
    draft = clean(swaps=2)
    draft.set(draft.seqs(since=18), release="v2", instance="website-2")
    verdict, message = told(draft)
    assert verdict is Verdict.failed
    assert message.startswith("website-2 still answered after `stop website-2` had ended")
    draft.set(draft.seqs(since=17.5), instance="website-9", release="v2")
    assert told(draft) == (
        Verdict.inconclusive,
        "the new release v1 was not seen after swap 2: a swap that changed nothing",
    )


def test_failed_requests_without_a_release_prove_nothing():
    draft = clean()
    draft.fail(draft.seqs(since=14), Outcome.refused)
    assert told(draft)[0] is Verdict.inconclusive


def test_releases_of_one_name_cannot_be_told_apart():
    draft = clean()
    draft.scenario(releases=("v1", "v1"))
    assert told(draft) == (
        Verdict.inconclusive,
        (
            "old and new release are both named v1: whether the swap changed anything "
            "cannot be told; "
            "name them differently"
        ),
    )


def test_no_swap_begun_is_inconclusive():
    draft = clean()
    draft.marks = [mark for mark in draft.marks if mark.kind is not MarkKind.phase]
    assert told(draft) == (Verdict.inconclusive, "no swap was begun")


def test_no_swap_asked_for_is_said():
    assert told(clean(swaps=0)) == (
        Verdict.passed,
        "no swap was asked for: no release to replace",
    )
