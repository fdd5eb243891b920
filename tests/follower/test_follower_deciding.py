"""What is done to a pool's servers, state by state."""

from world import NOBODY, container, server, serving, waiting, where

from harness.follower.deciding import decide
from harness.follower.model import Action, Admin, Do, Event, EventKind, Health

ONE, TWO, THREE = container(1), container(2), container(3)
STOP = {ONE.id: Event(kind=EventKind.signalled, container=ONE.id, at_ns=1, signal="TERM")}


def decided(servers, containers, stopping=None, held=None, rested=()):
    return decide(
        {each.name: each for each in servers},
        {each.id: each for each in containers},
        stopping or {},
        held or {},
        rested=rested,
    )


def done(decision):
    return [(action.do, action.slot) for action in decision.actions]


def test_a_new_container_is_offered_a_free_slot():
    decision = decided([serving("slot1", ONE), server("slot2")], [ONE, TWO], held={"slot1": ONE.id})
    assert decision.actions == (Action(do=Do.offer, slot="slot2", container=TWO),)
    assert decision.held == {"slot1": ONE.id, "slot2": TWO.id}
    assert decision.is_pending


def test_it_gets_no_request_before_a_check_has_passed():
    held = {"slot1": ONE.id}
    assert decided([waiting("slot1", ONE)], [ONE], held=held).actions == ()
    assert decided([waiting("slot1", ONE)], [ONE], held=held).is_pending
    passed = decided([waiting("slot1", ONE, has_passed=True)], [ONE], held=held)
    assert done(passed) == [(Do.admit, "slot1")]


def test_nor_before_the_engine_calls_it_healthy_where_its_image_says_how():
    one = container(1, health=Health.starting)
    servers = [waiting("slot1", one, has_passed=True)]
    assert decided(servers, [one], held={"slot1": one.id}).actions == ()
    good = container(1, health=Health.good)
    assert done(decided(servers, [good], held={"slot1": one.id})) == [(Do.admit, "slot1")]


def test_who_was_sent_a_stop_signal_is_drained_once_another_serves():
    held = {"slot1": ONE.id, "slot2": TWO.id}
    decision = decided([serving("slot1", ONE), serving("slot2", TWO)], [ONE, TWO], STOP, held)
    assert decision.actions == (
        Action(do=Do.drain, slot="slot1", container=ONE, why="signal TERM"),
    )


def test_the_last_one_that_serves_is_not_drained():
    decision = decided([serving("slot1", ONE)], [ONE], STOP, {"slot1": ONE.id})
    assert decision.actions == ()
    assert decision.is_pending, "another may be ready at any moment"


def test_one_that_is_down_is_no_other():
    held = {"slot1": ONE.id, "slot2": TWO.id}
    servers = [serving("slot1", ONE), serving("slot2", TWO, is_up=False, has_passed=False)]
    assert decided(servers, [ONE, TWO], STOP, held).actions == ()


def test_one_that_is_admitted_now_is_another_and_comes_first():
    held = {"slot1": ONE.id, "slot2": TWO.id}
    servers = [serving("slot1", ONE), waiting("slot2", TWO, has_passed=True)]
    decision = decided(servers, [ONE, TWO], STOP, held)
    assert done(decision) == [(Do.admit, "slot2"), (Do.drain, "slot1")]


def test_who_is_stopping_is_neither_offered_nor_admitted():
    assert decided([server("slot1")], [ONE], STOP).actions == ()
    servers = [waiting("slot1", ONE, has_passed=True)]
    assert decided(servers, [ONE], STOP, {"slot1": ONE.id}).actions == ()


def test_one_that_outlived_its_signal_is_admitted_again():
    servers = [waiting("slot1", ONE, has_passed=True)]
    assert done(decided(servers, [ONE], {}, {"slot1": ONE.id})) == [(Do.admit, "slot1")]


def test_an_unhealthy_one_is_drained_unless_it_is_the_last():
    ill = container(1, health=Health.ill)
    held = {"slot1": ill.id, "slot2": TWO.id}
    both = [serving("slot1", ill), serving("slot2", TWO)]
    assert done(decided(both, [ill, TWO], held=held)) == [(Do.drain, "slot1")]
    assert decided(both[:1], [ill], held={"slot1": ill.id}).actions == ()


def test_the_slot_of_one_that_is_gone_is_cleared():
    held = {"slot1": ONE.id, "slot2": TWO.id}
    decision = decided([serving("slot1", ONE), serving("slot2", TWO)], [TWO], held=held)
    assert done(decision) == [(Do.clear, "slot1")]
    assert decision.held == {"slot2": TWO.id}


def test_a_new_one_at_the_address_of_one_that_is_gone_is_checked_before_it_serves():
    """The engine gives an address again at once: the slot is the former one's."""
    heir = container(3, address=ONE.address)
    held = {"slot1": ONE.id, "slot2": TWO.id}
    servers = [serving("slot1", ONE), serving("slot2", TWO), server("slot3")]
    assert done(decided(servers, [TWO, heir], held=held)) == [
        (Do.clear, "slot1"),
        (Do.offer, "slot3"),
    ]


def test_the_heir_of_an_address_serves_on_where_nobody_else_does():
    """What the former one's end and the heir's start were told by got lost."""
    heir = container(3, address=ONE.address)
    decision = decided([serving("slot1", ONE), server("slot2")], [heir], held={"slot1": ONE.id})
    assert decision.actions == ()
    assert decision.held == {"slot1": heir.id}


def test_after_a_restart_who_stands_where_a_container_is_is_taken_for_it():
    decision = decided([serving("slot1", ONE), waiting("slot2", TWO)], [ONE, TWO])
    assert decision.actions == ()
    assert decision.held == {"slot1": ONE.id, "slot2": TWO.id}


def test_after_a_restart_a_server_at_which_nobody_is_is_cleared():
    decision = decided([serving("slot1", ONE), serving("slot2", TWO)], [TWO])
    assert done(decision) == [(Do.clear, "slot1")]


def test_where_nobody_is_listed_who_passes_checks_is_left_alone():
    servers = [serving("slot1", ONE), serving("slot2", TWO, is_up=False, has_passed=False)]
    held = {"slot1": ONE.id, "slot2": TWO.id}
    assert done(decided(servers, [], held=held)) == [(Do.clear, "slot2")]


def test_one_that_a_reload_has_put_into_maintenance_is_offered_again():
    decision = decided([server("slot1")], [ONE], held={"slot1": ONE.id})
    assert done(decision) == [(Do.offer, "slot1")]
    by_hand = decided([server("slot1", where(ONE))], [ONE], held={"slot1": ONE.id})
    assert done(by_hand) == [(Do.offer, "slot1")]
    assert done(decided([server("slot1", NOBODY, Admin.ready)], [ONE], held={"slot1": ONE.id})) == [
        (Do.offer, "slot1")
    ]


def test_the_slot_that_rested_longest_is_used_first():
    servers = [server("slot1"), server("slot2"), server("slot3")]
    assert decided(servers, [ONE], rested=["slot3", "slot2", "slot1"]).held == {"slot3": ONE.id}
    assert decided(servers, [ONE], rested=["slot1", "slot2"]).held == {"slot3": ONE.id}


def test_a_slot_that_is_being_cleared_is_used_last():
    servers = [serving("slot1", ONE), server("slot2")]
    held = {"slot1": ONE.id}
    assert decided(servers, [TWO], held=held, rested=["slot2"]).held == {"slot2": TWO.id}


def test_who_finds_no_slot_is_told_and_displaces_nobody():
    decision = decided([serving("slot1", ONE)], [ONE, TWO, THREE], held={"slot1": ONE.id})
    assert decision.actions == ()
    assert decision.unplaced == (TWO, THREE)
