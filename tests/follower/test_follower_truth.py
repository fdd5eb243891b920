"""What is known of containers, by listings and by events in any order."""

from world import container

from harness.follower.model import Event, EventKind
from harness.follower.truth import STOPPING_NS, Truth

ONE, TWO = container(1), container(2)


def event(kind, at_ns, known=ONE.id, signal=""):
    return Event(kind=EventKind(kind), container=known, at_ns=at_ns, signal=signal)


def listed(*containers, asked_ns=100):
    truth = Truth()
    truth.list(containers, asked_ns)
    return truth


def test_nothing_is_known_before_the_first_listing():
    assert not Truth().is_known
    assert listed().is_known


def test_who_was_signalled_runs_on_and_is_stopping():
    truth = listed(ONE, TWO)
    assert truth.hear(event("signalled", 200, signal="TERM")) is False
    assert set(truth.containers()) == {ONE.id, TWO.id}
    assert truth.stopping(210)[ONE.id].signal == "TERM"


def test_who_died_is_gone_at_once_without_a_listing():
    truth = listed(ONE, TWO)
    assert truth.hear(event("died", 200)) is False
    assert set(truth.containers()) == {TWO.id}


def test_a_death_older_than_the_listing_that_has_it_running_changes_nothing():
    """It was started again since, and its start was not heard of."""
    truth = listed(ONE, asked_ns=300)
    truth.hear(event("died", 200))
    assert set(truth.containers()) == {ONE.id}


def test_a_listing_asked_for_before_a_death_does_not_bring_it_back():
    truth = listed(ONE)
    truth.hear(event("died", 200))
    truth.list([ONE], 150)
    assert set(truth.containers()) == set()


def test_nor_does_one_that_the_engine_answers_as_if_it_had_not_heard_of_it_yet():
    truth = listed(ONE)
    truth.hear(event("died", 200))
    truth.list([ONE], 200 + 500_000_000)
    assert set(truth.containers()) == set()
    truth.list([ONE], 200 + 1_500_000_000)
    assert set(truth.containers()) == {ONE.id}, "it was started again, and nobody told"


def test_a_listing_asked_for_before_another_is_not_taken_after_it():
    truth = listed(ONE, TWO, asked_ns=200)
    truth.list([ONE], 150)
    assert set(truth.containers()) == {ONE.id, TWO.id}


def test_a_start_asks_for_a_listing_and_ends_the_stop_before_it():
    truth = listed(ONE)
    truth.hear(event("signalled", 200, signal="TERM"))
    truth.hear(event("died", 210))
    assert truth.hear(event("started", 220)) is True
    truth.list([ONE], 230)
    assert truth.stopping(240) == {}


def test_a_signal_of_a_former_life_changes_nothing_however_late_it_comes():
    truth = listed(ONE)
    truth.hear(event("started", 220))
    truth.hear(event("signalled", 200, signal="TERM"))
    truth.hear(event("died", 210))
    assert set(truth.containers()) == {ONE.id}
    assert truth.stopping(240) == {}


def test_a_signal_that_comes_after_the_death_it_led_to_is_not_kept():
    truth = listed(ONE)
    truth.hear(event("died", 210))
    truth.hear(event("signalled", 200, signal="TERM"))
    truth.list([ONE], 300)
    assert truth.stopping(310) == {}


def test_an_event_that_comes_twice_is_dated_by_its_first():
    truth = listed(ONE)
    truth.hear(event("signalled", 200, signal="TERM"))
    truth.hear(event("signalled", 900, signal="KILL"))
    assert truth.stopping(910)[ONE.id].at_ns == 200


def test_who_outlives_a_stop_signal_by_far_is_no_longer_stopping():
    truth = listed(ONE)
    truth.hear(event("signalled", 200, signal="INT"))
    assert truth.stopping(200 + STOPPING_NS - 1)
    assert not truth.stopping(200 + STOPPING_NS)


def test_a_signal_to_one_that_no_listing_has_had_yet_counts_once_it_is_listed():
    truth = listed()
    truth.hear(event("started", 200))
    truth.hear(event("signalled", 210, signal="TERM"))
    assert truth.stopping(215) == {}
    truth.list([ONE], 220)
    assert set(truth.stopping(225)) == {ONE.id}


def test_what_no_event_can_be_about_any_more_is_forgotten():
    truth = listed(ONE)
    for number in range(100):
        truth.hear(event("started", 200, f"id{number}"))
        truth.hear(event("signalled", 201, f"id{number}", "TERM"))
        truth.hear(event("died", 202, f"id{number}"))
    truth.list([], 300 + STOPPING_NS)
    assert (truth._started_ns, truth._died_ns, truth._signalled) == ({}, {}, {})
