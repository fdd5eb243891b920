"""The judgement between a canary's shares: a pure function of what was counted."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.swap import exposure
from harness.swap.exposure import Bounds, Cause, Decision, Judgement, judged
from harness.target import Counted

BOUNDS = Bounds(least=40, bad_share=0.01, sure=2)
OLD = Counted(sent=1000, answered=1000, mean_ms=20.0)


def judgement(
    new: Counted, old: Counted = OLD, *, fresh: int = 40, rate_hz: float = 60.0
) -> Judgement:
    return judged(new, old, fresh=fresh, rate_hz=rate_hz, bounds=BOUNDS)


def decision(new: Counted, old: Counted = OLD, fresh: int = 40) -> Decision:
    return judgement(new, old, fresh=fresh).decision


def well(answered: int = 100, **others: float) -> Counted:
    return Counted(sent=answered, answered=answered, **{"mean_ms": 20.0} | others)


def test_its_docstring_is_true():
    assert doctest.testmod(exposure).failed == 0


def test_what_does_as_well_as_the_old_release_goes_on():
    assert decision(well()) is Decision.go_on


@pytest.mark.parametrize(("fresh", "wanted"), [(39, Decision.wait), (40, Decision.go_on)])
def test_no_share_is_raised_without_answers_at_the_one_before(fresh, wanted):
    assert decision(well(), fresh=fresh) is wanted


def test_one_bad_answer_alone_waits_for_the_rest_and_then_decides_by_its_share():
    assert decision(well(10, errors=1), fresh=10) is Decision.wait
    assert decision(well(50, errors=1)) is Decision.back
    assert decision(well(100, errors=1)) is Decision.go_on, "1 % is allowed"


@pytest.mark.parametrize("bad", [{"errors": 2}, {"broken": 2}, {"errors": 1, "broken": 1}])
def test_two_bad_ones_are_sure_before_there_are_enough_answers(bad):
    assert decision(well(10, **bad), fresh=10) is Decision.back


def test_connections_that_break_are_seen_though_nothing_was_ever_answered():
    assert decision(Counted(sent=2, broken=2), fresh=0) is Decision.back


def test_what_fails_at_the_old_release_alike_is_not_the_new_ones_doing():
    """As where the store that both use is away."""
    old = Counted(sent=1000, answered=1000, errors=300, mean_ms=20.0)
    assert decision(well(100, errors=30), old) is Decision.go_on
    assert decision(well(100, errors=62), old) is Decision.back


def test_an_instance_that_the_balancer_holds_to_be_down_decides_at_once():
    assert decision(well(0, down=1), fresh=0) is Decision.back


def test_a_slow_release_goes_back_by_the_larger_of_factor_and_margin():
    assert decision(well(mean_ms=270.0)) is Decision.go_on
    assert decision(well(mean_ms=271.0)) is Decision.back
    slow = Counted(sent=1000, answered=1000, mean_ms=400.0)
    assert decision(well(mean_ms=1200.0), slow) is Decision.go_on
    assert decision(well(mean_ms=1201.0), slow) is Decision.back


def test_an_old_release_with_few_answers_is_no_measure_of_speed():
    """At 100 % it gets none: what it counted before remains."""
    assert decision(well(mean_ms=900.0), Counted(sent=3, answered=3)) is Decision.go_on


def test_the_reason_names_both_releases_figures():
    why = judgement(well(60, errors=3), fresh=60).why
    assert why == (
        "60 answers of the new release, 3 with status 5xx, 0 connections broken, mean 20 ms; "
        "the old one's 1,000: 0 with status 5xx, 0 connections broken, mean 20 ms"
    )


@pytest.mark.parametrize(
    ("new", "cause", "may_pass"),
    [
        (well(down=1), Cause.down, False),
        (well(errors=3, broken=2), Cause.status, False),
        (well(errors=2, broken=3), Cause.broken, False),
        (Counted(sent=200, answered=120, mean_ms=20.0), Cause.silence, True),
        (well(mean_ms=271.0), Cause.latency, True),
    ],
)
def test_why_it_goes_back_is_told(new, cause, may_pass):
    found = judgement(new)
    assert (found.decision, found.cause) == (Decision.back, cause)
    assert cause.may_pass is may_pass


def test_what_does_not_go_back_has_no_cause():
    assert judgement(well()).cause is None
    assert judgement(well(), fresh=3).cause is None


def test_a_release_that_never_answers_some_of_its_requests_goes_back_though_most_were_answered():
    """In no mean is what never comes."""
    found = judgement(Counted(sent=200, answered=120, mean_ms=20.0), fresh=120)
    assert found.cause is Cause.silence
    assert found.why.startswith(
        "80 requests unanswered, 60 a second were sent to it and an answer may take 270 ms; "
    )


@pytest.mark.parametrize(("waiting", "wanted"), [(100, Decision.go_on), (101, Decision.back)])
def test_as_many_may_wait_as_are_sent_while_an_answer_may_take(waiting, wanted):
    old = Counted(sent=1000, answered=1000, mean_ms=400.0)
    new = Counted(sent=1000 + waiting, answered=1000, mean_ms=400.0)
    rate_hz = 100 / 1.2
    assert judgement(new, old, rate_hz=rate_hz).decision is wanted


def test_before_a_slow_website_has_answered_its_requests_are_no_silence():
    """Both releases take 2 s, and the new one has been asked for one."""
    old = Counted(sent=1000, answered=900, mean_ms=2000.0)
    assert judgement(Counted(sent=50), old, fresh=0, rate_hz=50.0).decision is Decision.wait


def test_a_connection_that_broke_waits_for_no_answer():
    old = Counted(sent=1000, answered=400, broken=600, mean_ms=20.0)
    assert judgement(Counted(sent=100, answered=40, broken=60), old).decision is Decision.go_on


@pytest.mark.parametrize(("waiting", "wanted"), [(10, Decision.wait), (11, Decision.back)])
def test_few_requests_under_way_are_no_silence_at_any_rate(waiting, wanted):
    assert judgement(Counted(sent=waiting), fresh=0, rate_hz=1.0).decision is wanted


def test_an_old_release_with_few_answers_is_no_measure_of_silence():
    old = Counted(sent=39, answered=39, mean_ms=5.0)
    assert judgement(Counted(sent=90), old, fresh=0).decision is Decision.wait


counts = st.builds(
    Counted,
    sent=st.integers(0, 10_000),
    answered=st.integers(0, 10_000),
    errors=st.integers(0, 100),
    broken=st.integers(0, 100),
    mean_ms=st.floats(0, 10_000),
    down=st.just(0),
)


@given(new=counts, old=counts, fresh=st.integers(0, 10_000))
def test_more_bad_answers_never_turn_back_into_go_on(new, old, fresh):
    worse = Counted(
        sent=new.sent,
        answered=new.answered,
        errors=new.errors + 1,
        broken=new.broken,
        mean_ms=new.mean_ms,
    )
    if decision(new, old, fresh) is Decision.back:
        assert decision(worse, old, fresh) is Decision.back


@given(new=counts, old=counts, fresh=st.integers(0, 39))
def test_too_few_answers_never_go_on(new, old, fresh):
    assert decision(new, old, fresh) is not Decision.go_on
