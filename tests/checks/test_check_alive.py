import pytest
from synthetic import SWAP_AT, SWAP_S, clean, event, mark

from harness.checks.alive import check
from harness.model.finding import Verdict
from harness.model.mark import Edge, MarkKind

ENDS = SWAP_AT + SWAP_S


def drafted(*more, without=()):
    """A clean run, in which website-1 was stopped by its step and website-2 serves on."""
    draft = clean()
    draft.marks = [mark for mark in draft.marks if mark.name not in without] + list(more)
    return draft


def told(draft):
    finding = check(draft.history())
    return finding.verdict, finding.message


def test_who_ends_by_a_step_and_who_serves_on_pass():
    assert told(drafted()) == (
        Verdict.passed, "no container ended unasked, and none of the old release was left",
    )  # fmt: skip


def test_a_target_whose_containers_are_not_known_is_not_judged():
    draft = clean()
    draft.scenario(target="url")
    draft.marks = [mark for mark in draft.marks if mark.kind is not MarkKind.event]
    assert told(draft) == (Verdict.passed, "the target tells nothing of its containers")


def test_a_stack_whose_events_are_missing_leaves_no_pass():
    draft = clean()
    draft.marks = [mark for mark in draft.marks if mark.kind is not MarkKind.event]
    assert told(draft) == (
        Verdict.inconclusive,
        (
            "website-1 answered, and no event of the engine tells of it: who ended is not known. "
            "Run again"
        ),
    )  # fmt: skip


def test_an_instance_that_answered_and_of_which_no_event_tells_leaves_no_pass():
    verdict, message = told(drafted(without=("start website-2",)))
    assert verdict is Verdict.inconclusive
    assert message.startswith("website-2 answered, and no event of the engine tells of it")


def test_an_old_instance_that_was_never_asked_and_still_runs_fails():
    """HAProxy's `first` sends it nothing, and the swap forgot it."""
    assert told(drafted(event("start website-9", -2))) == (
        Verdict.failed, "of the old release website-9 still ran after the last swap",
    )  # fmt: skip


def test_a_website_that_ends_by_itself_fails():
    draft = drafted(event("die website-2", ENDS + 0.5, exitCode="137"))
    assert told(draft) == (
        Verdict.failed, "website-2 ended at +14.500 s with code 137, and no step told it to",
    )  # fmt: skip


def test_a_website_that_ends_before_its_stop_fails():
    early = event("die website-1", SWAP_AT + 0.1, exitCode="1")
    draft = drafted(without=("die website-1",))
    draft.marks.append(early)
    assert told(draft)[0] is Verdict.failed


@pytest.mark.parametrize("name", ["balancer", "edge", "edge-2", "edge-address"])
def test_another_part_of_the_stack_that_ends_is_no_fault_of_the_release(name):
    verdict, message = told(drafted(event(f"die {name}", 5, exitCode="0")))
    assert verdict is Verdict.inconclusive
    assert message.startswith(f"{name} ended at +5.000 s with code 0")


def test_what_teardown_ends_is_no_matter():
    draft = drafted()
    draft.marks += [
        mark(MarkKind.phase, "down", 20, Edge.begin),
        event("die edge", 20.5),
        event("die website-2", 20.6),
    ]
    assert told(draft)[0] is Verdict.passed


def test_an_old_instance_that_still_runs_after_the_last_swap_fails():
    assert told(drafted(without=("die website-1",))) == (
        Verdict.failed, "of the old release website-1 still ran after the last swap",
    )  # fmt: skip


CRASH = event("die website-2", SWAP_AT + 2, exitCode="137")
AGAIN = event("start website-2", SWAP_AT + 2.2)


def test_one_that_ended_unasked_fails_though_it_was_started_again_and_stopped_later():
    draft = clean(2)
    draft.marks[:0] = [CRASH, AGAIN]
    assert told(draft) == (
        Verdict.failed, "website-2 ended at +13.000 s with code 137, and no step told it to",
    )  # fmt: skip


def test_one_that_ends_unasked_after_it_was_stopped_and_started_again_fails():
    draft = drafted(event("start website-1", ENDS + 0.2), event("die website-1", ENDS + 0.5))
    assert told(draft) == (
        Verdict.failed, "website-1 ended at +14.500 s, and no step told it to",
    )  # fmt: skip


def test_an_old_instance_that_is_started_again_still_runs():
    assert told(drafted(event("start website-1", ENDS + 0.2))) == (
        Verdict.failed, "of the old release website-1 still ran after the last swap",
    )  # fmt: skip


def test_events_are_taken_in_the_order_of_their_moments():
    draft = drafted()
    draft.marks.reverse()
    assert told(draft)[0] is Verdict.passed


@pytest.mark.parametrize("without", [(), ("start website-1", "start website-2")])
def test_where_no_answer_names_an_instance_and_no_event_tells_of_one_nothing_is_known(without):
    draft = clean()
    draft.set(draft.seqs(), instance="")
    draft.marks = [
        mark
        for mark in draft.marks
        if mark.kind is not MarkKind.event
        or (without and mark.name not in {*without, "die website-1"})
    ]
    assert told(draft) == (
        Verdict.inconclusive,
        (
            "no event of the engine tells of any instance of the website: who ended is not known. "
            "Run again"
        ),
    )
