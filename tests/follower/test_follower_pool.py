"""A pool kept equal: what is said of it, what is written down, what a silence leaves."""

from world import World, where

from harness.follower.model import Admin


def up(count=1):
    world = World()
    for _ in range(count):
        world.start()
    world.settle()
    world.said.clear()
    return world


def heard(world):
    while world.events:
        world.truth.hear(world.events.pop(0))


def test_each_change_is_one_line_with_who_and_where():
    world = World()
    world.start()
    world.settle()
    assert world.said == [
        "website: website-1 at slot1: offered: it is checked, and gets no request yet",
        "website: website-1 at slot1: ready",
    ]


def test_a_drain_says_how_long_after_the_signal():
    world = up(2)
    world.signal("id1")
    heard(world)
    world.passes(2_000_000)
    world.reconcile()
    assert world.said == ["website: website-1 at slot1: draining, 3.0 ms after signal TERM"]


def test_a_slot_that_is_cleared_still_says_who_was_there():
    world = up(2)
    world.die("id1")
    heard(world)
    world.reconcile()
    assert world.said == ["website: website-1 at slot1: in maintenance (gone)"]


def test_what_serves_is_written_down_whenever_it_changes():
    world = up(2)
    assert sorted(world.written.values()) == ["10.0.0.1:8000", "10.0.0.2:8000"]
    world.signal("id1")
    heard(world)
    world.reconcile()
    assert list(world.written.values()) == ["10.0.0.2:8000"]


def test_a_haproxy_that_is_silent_is_said_once_and_caught_up_with():
    world = up(2)
    world.haproxy.is_silent = True
    world.signal("id1")
    heard(world)
    assert world.reconcile()
    assert world.reconcile()
    assert world.said == ["website: no answer"]
    world.haproxy.is_silent = False
    world.reconcile()
    assert world.haproxy.ready() == ["10.0.0.2:8000"]


def test_a_reload_begins_with_those_that_served():
    world = up(2)
    world.haproxy.reload(world.written)
    assert world.haproxy.ready() == ["10.0.0.1:8000", "10.0.0.2:8000"]
    world.haproxy.check()
    world.reconcile()
    assert world.haproxy.ready() == ["10.0.0.1:8000", "10.0.0.2:8000"]


def test_a_pool_that_is_full_is_said_once():
    world = World(slots=2)
    for _ in range(3):
        world.start()
    world.settle()
    world.settle()
    assert [line for line in world.said if "no slot" in line] == [
        "website: no slot is left for website-3; raise SLOTS"
    ]
    assert len(world.haproxy.ready()) == 2


def test_a_restarted_follower_takes_over_what_serves_without_touching_it():
    world = up(2)
    world.haproxy.actions.clear()
    world.begin()
    world.settle()
    assert world.haproxy.actions == []
    assert sorted(world.written.values()) == sorted(
        where(life.container) for life in world.lives.values()
    )


def test_of_the_slots_that_were_used_the_one_that_rested_longest_is_used_again():
    world = World(slots=3)
    for _ in range(3):
        world.start()
    world.settle()
    for known in ("id2", "id1"):
        world.die(known)
        world.settle()
    world.start()
    world.settle()
    assert world.haproxy.slots["slot2"].address == where(world.lives["id4"].container)
    assert world.haproxy.slots["slot1"].admin is Admin.maintenance
