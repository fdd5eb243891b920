import pytest
from synthetic import SWAP_AT, SWAP_S, clean, event, mark, span

from harness.checks.alive import check
from harness.model.finding import Verdict
from harness.model.mark import Edge, MarkKind

ENDS = SWAP_AT + SWAP_S
STARTED = tuple(event(f"start {name}", -2.5) for name in ("front-1", "shop-1", "shop-2"))


def step(verb, begin, end, instance=""):
    name = f"{verb} {instance}".rstrip()
    return span(MarkKind.step, name, begin, end, swap=1, verb=verb, instance=instance, release="")


def told(*more, began=STARTED):
    draft = clean()
    draft.scenario(target="compose", settings={"service": "shop"}, releases=("", ""))
    phases = [each for each in draft.marks if each.kind is MarkKind.phase]
    draft.marks = [*phases, *began, *more]
    finding = check(draft.history())
    return finding.verdict, finding.message


def dies(name, at, code="0"):
    return event(f"die {name}", at, exitCode=code)


def test_nobody_that_ends_is_a_pass():
    assert told() == (Verdict.passed, "no container ended unasked")


def test_one_that_its_step_stopped_is_asked_for():
    stopped = (*step("stop", SWAP_AT + 1, SWAP_AT + 2, "shop-1"), dies("shop-1", SWAP_AT + 1.5))
    assert told(*stopped)[0] is Verdict.passed


def test_another_than_the_one_that_was_stopped_is_not():
    stopped = (*step("stop", SWAP_AT + 1, SWAP_AT + 2, "shop-1"), dies("shop-2", SWAP_AT + 1.5))
    verdict, message = told(*stopped)
    assert verdict is Verdict.failed
    assert message.startswith("shop-2 ended at ")
    assert message.endswith(" with code 0, and no step told it to")


@pytest.mark.parametrize("verb", ["recreate", "deploy"])
@pytest.mark.parametrize(
    ("at", "verdict"),
    [
        (SWAP_AT + 0.5, Verdict.passed),
        (SWAP_AT + 2.5, Verdict.passed),
        (SWAP_AT - 0.5, Verdict.failed),
        (SWAP_AT + 3.1, Verdict.failed),
    ],
)
def test_what_replaces_all_may_end_any_until_it_has_settled(verb, at, verdict):
    assert told(*step(verb, SWAP_AT, SWAP_AT + 1), dies("shop-1", at))[0] is verdict


@pytest.mark.parametrize("at", [-1.0, 20.0])
def test_before_and_after_the_load_nothing_is_judged(at):
    assert told(dies("shop-1", at, "1"))[0] is Verdict.passed


def test_one_of_another_service_that_failed_is_missing_evidence():
    verdict, message = told(dies("front-1", 5, "137"))
    assert verdict is Verdict.inconclusive
    assert message.endswith(" with code 137: a part of the project that the swap does not touch")


def test_one_of_another_service_that_ended_well_had_something_to_do_once():
    assert told(dies("migrate-1", 5))[0] is Verdict.passed


def test_a_service_of_which_no_event_tells_leaves_no_pass():
    verdict, message = told(began=(event("start shop-front-1", -2.5),))
    assert verdict is Verdict.inconclusive
    assert message.startswith("no event of the engine tells of any container of shop")


def test_a_run_in_which_load_never_began_has_nobody_that_ended_under_it():
    draft = clean()
    draft.scenario(target="compose", settings={"service": "shop"})
    up = mark(MarkKind.phase, "up", -3, Edge.begin)
    draft.marks = [up, *STARTED, dies("shop-1", 5, "1")]
    assert check(draft.history()).verdict is Verdict.passed
