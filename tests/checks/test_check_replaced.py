from dataclasses import replace

from synthetic import STREAMS, SWAP_AT, SWAP_S, Draft, at, clean, error

from harness.checks.replaced import check
from harness.model.finding import Finding, Verdict
from harness.model.mark import MarkKind
from harness.model.outcome import Outcome
from harness.model.traffic import Traffic
from harness.model.visit import Visit, Visited, VisitKind


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


# Visits.


def visiting(swaps: int = 1) -> Draft:
    """A clean run whose slow stream makes visits."""
    draft = clean(swaps=swaps)
    visits = replace(STREAMS[3], visit=Visit(kind=VisitKind.session, lasts_s=3.0))
    draft.scenario(traffic=Traffic(streams=(*STREAMS[:3], visits)))
    return draft


def answered_last(draft: Draft, seq: int, seconds: float, release: str, instance: str) -> None:
    draft.visits = (
        Visited(
            seq=seq, asked=9, answered=9,
            last_sent_ns=at(seconds), last_release=release, last_instance=instance,
        ),
    )  # fmt: skip
    draft.set([seq], finished_ns=at(seconds + 0.01))


def test_a_visit_that_the_old_release_answers_last_after_the_swap_fails():
    """Its first answer, and so its sample, may be either's."""
    for since in (13.95, 15.0):
        draft = visiting()
        [seq, *_] = draft.seqs("slow", since)
        answered_last(draft, seq, 16.0, "v1", "website-0")
        assert told(draft) == (
            Verdict.failed,
            (
                "the old release v1 still answered after swap 1 had ended: 1 answer, "
                f"first #{seq} from website-0, sent at +16.000 s"
            ),
        )


def test_a_stopped_container_that_answers_a_visit_last_fails():
    draft = visiting()
    [seq, *_] = draft.seqs("slow", 12)
    answered_last(draft, seq, 13.95, "v1", "website-1")
    verdict, message = told(draft)
    assert verdict is Verdict.failed
    assert "website-1 still answered after `stop website-1` had ended" in message


def test_a_visit_that_the_new_release_answers_last_passes_and_is_two_answers():
    draft = visiting()
    [seq, *_] = draft.seqs("slow", 10)
    answered_last(draft, seq, 16.0, "v2", "website-2")
    finding = check(draft.history())
    assert finding.verdict is Verdict.passed
    assert finding.evidence["answers"] == 5401
    assert finding.evidence["by_release"] == {"v1": 3630, "v2": 1771}


def test_a_last_answer_is_judged_though_the_first_was_a_copy():
    draft = visiting()
    [seq, *_] = draft.seqs("slow", 15)
    draft.set([seq], cache="hit")
    answered_last(draft, seq, 16.0, "v1", "website-0")
    assert told(draft)[0] is Verdict.failed


def test_a_visit_that_failed_tells_nothing_of_who_answers():
    """Its sample has the last answer under the first one's date."""
    draft = visiting(swaps=2)
    between = SWAP_AT + SWAP_S + 0.5
    [seq, *_] = draft.seqs("slow", between)
    draft.fail([seq], Outcome.wrong_body, status=200, release="v1", instance="website-3")
    answered_last(draft, seq, between + 0.1, "v1", "website-3")
    assert told(draft)[0] is Verdict.passed


def test_an_account_without_a_last_answer_adds_none():
    draft = visiting()
    draft.visits = tuple(Visited(seq=seq, asked=2, answered=2) for seq in draft.seqs("slow"))
    assert check(draft.history()).evidence["answers"] == 5400


def test_a_deploy_of_the_same_image_passes_and_says_so():
    draft = clean()
    draft.environment(same_image=True)
    verdict, message = told(draft)
    assert verdict is Verdict.passed
    assert "(v1 to v2, both the same image: a deploy that changes nothing but the containers;" in (
        message
    )
