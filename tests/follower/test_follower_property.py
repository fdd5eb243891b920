"""Whatever comes, in whatever order, and whatever is lost: the servers become what is true."""

from hypothesis import given, settings
from hypothesis import strategies as st
from world import World, where

from harness.follower.model import Admin
from harness.follower.truth import STOPPING_NS

THINGS = (
    "start", "start", "start", "signal", "signal", "die", "restart", "list", "list", "reconcile",
    "reconcile", "check", "hear one", "hear all", "hear any", "hear twice", "lose all",
    "haproxy is silent", "haproxy answers", "haproxy is reloaded", "follower is restarted",
)  # fmt: skip


def happens(world, thing, number):
    """One thing; `number` chooses whom or what it happens to."""
    lives = sorted(world.lives)
    chosen = lives[number % len(lives)] if lives else None
    if thing == "start":
        world.start()
    elif thing in {"signal", "die", "restart"} and chosen:
        getattr(world, thing)(chosen)
    elif thing == "list":
        world.list()
    elif thing == "reconcile":
        world.reconcile()
    elif thing == "check":
        world.haproxy.check()
    elif thing == "hear one" and world.events:
        world.truth.hear(world.events.pop(0))
    elif thing == "hear all":
        while world.events:
            world.truth.hear(world.events.pop(0))
    elif thing == "hear any" and world.events:
        world.truth.hear(world.events.pop(number % len(world.events)))
    elif thing == "hear twice" and world.events:
        event = world.events[number % len(world.events)]
        world.truth.hear(event)
        world.truth.hear(event)
    elif thing == "lose all":
        world.events.clear()
    elif thing.startswith("haproxy is silent"):
        world.haproxy.is_silent = True
    elif thing == "haproxy answers":
        world.haproxy.is_silent = False
    elif thing == "haproxy is reloaded":
        world.haproxy.reload(world.written)
    elif thing == "follower is restarted":
        world.begin()


def serves(world):
    """Addresses that get requests and answer them."""
    return {
        slot.address
        for slot in world.haproxy.slots.values()
        if slot.admin is Admin.ready and slot.is_up and world.reaches(slot.address)
    }


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(THINGS), st.integers(0, 7)), max_size=60))
def test_the_servers_become_equal_to_the_containers_whatever_came_before(things):
    world = World()
    for thing, number in things:
        happens(world, thing, number)
    world.haproxy.is_silent = False
    world.events.clear()
    # Who was signalled and lives on has outlived it by then.
    world.passes(STOPPING_NS)
    world.settle()
    alive = sorted(where(life.container) for life in world.lives.values())
    if alive:
        assert world.haproxy.ready() == alive
        assert sorted(world.written.values()) == alive
    else:
        world.haproxy.check()
        world.settle()
        assert world.haproxy.ready() == []


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(THINGS), st.integers(0, 7)), max_size=60))
def test_no_step_leaves_a_pool_empty_that_was_not(things):
    """Who serves may die or be signalled; no act of the follower's takes the last one that answers
    and was not told to stop, nor sends requests to one slot's container twice.
    """
    world = World()
    for thing, number in things:
        if thing == "reconcile":
            # What it cannot know is what HAProxy's checks do not know yet.
            world.haproxy.check()
        before = serves(world)
        happens(world, thing, number)
        if thing == "reconcile":
            stopping = {where(life.container) for life in world.lives.values() if life.is_stopping}
            if before - stopping:
                assert serves(world), (thing, world.said[-3:])
        ready = world.haproxy.ready()
        assert len(ready) == len(set(ready))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(THINGS), st.integers(0, 7)), max_size=40))
def test_what_is_heard_in_time_and_in_order_is_done_by_the_next_look(things):
    world = World()
    for thing, number in things:
        happens(world, thing, number)
    world.haproxy.is_silent = False
    happens(world, "hear all", 0)
    world.passes(STOPPING_NS)
    world.settle()
    world.start()
    happens(world, "hear all", 0)
    world.settle()
    if len(world.lives) > 1:
        leaves = min(world.lives)
        world.signal(leaves)
        happens(world, "hear all", 0)
        world.reconcile()
        assert where(world.lives[leaves].container) not in world.haproxy.ready()
