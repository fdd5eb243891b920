import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.bench.choosers.hashed import ConsistentHash, MapHash, PowerOfChoices
from harness.bench.choosers.leastconn import LeastConnections
from harness.bench.choosers.turns import First, RoundRobin, StaticRoundRobin
from harness.bench.simulation import (
    Balancing,
    Event,
    Requests,
    Servers,
    simulate,
    warming_up,
)
from harness.bench.theory import MMc

CHOOSERS = {
    "roundrobin": lambda number, view: RoundRobin(view),
    "static-rr": lambda number, view: StaticRoundRobin(view),
    "leastconn": lambda number, view: LeastConnections(view),
    "first": lambda number, view: First(view),
    "random(1)": lambda number, view: PowerOfChoices(view, draws=1, seed=number),
    "random(2)": lambda number, view: PowerOfChoices(view, draws=2, seed=number),
    "random(3)": lambda number, view: PowerOfChoices(view, draws=3, seed=number),
    "map": lambda number, view: MapHash(view),
    "consistent": lambda number, view: ConsistentHash(view),
}


def balancing(name, **options):
    return Balancing(chooser=CHOOSERS[name], **options)


def drawn(seed, count, rate_hz, **options):
    rng = np.random.default_rng(seed)
    return Requests(
        at_s=np.cumsum(rng.exponential(1 / rate_hz, count)),
        service_s=rng.exponential(1.0, count),
        keys=rng.integers(0, 100, count),
        hashes=rng.integers(0, 2**32, count),
        **options,
    )


def settled(served):
    """Without the first tenth, in which queues fill."""
    return served.response_s[len(served.response_s) // 10 :]


def test_a_central_queue_is_m_m_c():
    """12 slots at 70 %: mean and quantiles within 2 %."""
    requests = drawn(1, 300_000, 12 * 0.7)
    served = simulate(requests, Servers(count=6, slots=2), balancing("leastconn", limit=2))
    theory = MMc(slots=12, rate_hz=12 * 0.7, service_s=1.0)
    assert settled(served).mean() == pytest.approx(theory.mean_response_s, rel=0.02)
    for share in (0.5, 0.9, 0.99):
        found = np.quantile(settled(served), share)
        assert found == pytest.approx(theory.response_quantile_s(share), rel=0.02)


def test_random_servers_of_one_slot_are_m_m_1_each():
    """With a weight of 256, so that the ring has points enough to share the requests evenly."""
    requests = drawn(2, 400_000, 10 * 0.6)
    served = simulate(
        requests, Servers(count=10, slots=1, weights=[256] * 10), balancing("random(1)")
    )
    theory = MMc(slots=1, rate_hz=0.6, service_s=1.0)
    assert settled(served).mean() == pytest.approx(theory.mean_response_s, rel=0.05)


def of_choices(load, draws):
    """Mean response, in service times, of very many servers (Mitzenmacher, The power of two choices
    in randomized load balancing, IEEE TPDS 12, 2001): the sum of load^((d^i - d) / (d - 1)).
    """
    return sum(load ** ((draws**i - draws) / (draws - 1)) for i in range(1, 12))


def test_two_choices_are_far_better_than_one_and_three_little_better_than_two():
    """At 90 % of 100 servers; one choice would be M/M/1's 10."""
    requests = drawn(3, 150_000, 100 * 0.9)
    servers = Servers(count=100, slots=1, weights=[64] * 100)
    one, two, three, least = (
        settled(simulate(requests, servers, balancing(name))).mean()
        for name in ("random(1)", "random(2)", "random(3)", "leastconn")
    )
    assert one > two > three > least
    assert two == pytest.approx(of_choices(0.9, 2), rel=0.06)
    assert three == pytest.approx(of_choices(0.9, 3), rel=0.06)
    assert one > 3 * two


def test_least_connections_of_many_balancers_herd():
    """Each knows a tenth of the requests: what one balancer gains is lost."""
    requests = drawn(4, 200_000, 100 * 0.9)
    many = drawn(4, 200_000, 100 * 0.9, balancers=np.arange(200_000) % 10)
    servers = Servers(count=100, slots=1)
    one = settled(simulate(requests, servers, balancing("leastconn"))).mean()
    ten = settled(simulate(many, servers, balancing("leastconn"))).mean()
    assert ten > 1.5 * one


@pytest.mark.parametrize("name", CHOOSERS)
def test_the_same_seed_gives_the_same_to_the_bit(name):
    requests = drawn(5, 3_000, 5.0)
    first, again = (
        simulate(requests, Servers(count=6, slots=1), balancing(name, limit=1)) for _ in range(2)
    )
    assert (first.server == again.server).all()
    assert (first.finished_s == again.finished_s).all()


@st.composite
def cases(draw):
    count = draw(st.integers(0, 80))
    number = st.integers(0, 2**31)
    rng = np.random.default_rng(draw(number))
    servers = draw(st.integers(1, 5))
    # Few distinct times: ties of arrivals, ends and events are where order matters.
    at = np.sort(rng.integers(0, 40, count)).astype(float)
    events = [
        Event(
            at_s=float(rng.integers(0, 40)),
            server=int(rng.integers(0, servers)),
            factor=float(rng.choice([0.5, 1.0, 5.0])),
            at_least_s=float(rng.choice([0.0, 2.0])),
            is_usable=bool(rng.random() < 0.7),
            weight=int(rng.integers(1, 64)),
        )
        for _ in range(draw(st.integers(0, 4)))
    ]
    events += [Event(at_s=60.0, server=server, is_usable=True) for server in range(servers)]
    return (
        Requests(
            at_s=at,
            service_s=rng.integers(0, 9, count).astype(float),
            keys=rng.integers(0, 6, count),
            hashes=rng.integers(0, 2**32, count),
            balancers=rng.integers(0, draw(st.integers(1, 3)), count),
        ),
        Servers(
            count=servers,
            slots=draw(st.integers(1, 3)),
            weights=rng.integers(1, 9, servers).tolist(),
            cached_keys=draw(st.integers(0, 3)),
            hit_factor=0.5,
        ),
        Balancing(
            chooser=CHOOSERS[draw(st.sampled_from(sorted(CHOOSERS)))],
            limit=draw(st.integers(0, 3)),
            is_sticky=draw(st.booleans()),
        ),
        events,
    )


@settings(max_examples=300, deadline=None)
@given(cases())
def test_what_must_hold_of_every_simulation(case):
    requests, servers, how, events = case
    served = simulate(requests, servers, how, events)
    takes = served.finished_s - served.begun_s
    # Every request is begun once, after its arrival, and ends; what servers did adds up.
    assert ((served.server >= 0) & (served.server < servers.count)).all()
    assert (served.begun_s >= requests.at_s).all()
    assert (takes >= 0).all()
    for server in range(servers.count):
        mine = served.server == server
        assert takes[mine].sum() == pytest.approx(served.busy_s[server])
        # Never more in service than slots: at each begin, those begun and not yet ended.
        begun, ended = served.begun_s[mine], served.finished_s[mine]
        for at in np.unique(begun):
            assert ((begun <= at) & (ended > at)).sum() <= servers.slots
    if not servers.cached_keys:
        assert not served.hit.any()


@settings(max_examples=200, deadline=None)
@given(cases())
def test_a_server_works_first_come_first_served(case):
    """Without limits nothing is kept back: each server begins its requests in their order."""
    requests, servers, how, _ = case
    unlimited = Balancing(chooser=how.chooser, is_sticky=how.is_sticky)
    served = simulate(requests, servers, unlimited)
    for server in range(servers.count):
        assert (np.diff(served.begun_s[served.server == server]) >= 0).all()
    assert served.longest_kept == 0


@settings(max_examples=200, deadline=None)
@given(cases())
def test_a_limit_is_never_exceeded_by_a_balancer(case):
    """What is at a server came from its balancer: with one balancer and a limit of the slots,
    nothing ever waits in a server.
    """
    requests, servers, how, events = case
    requests = Requests(
        at_s=requests.at_s,
        service_s=requests.service_s,
        keys=requests.keys,
        hashes=requests.hashes,
    )
    limited = Balancing(chooser=how.chooser, is_sticky=how.is_sticky, limit=servers.slots)
    assert simulate(requests, servers, limited, events).longest_queue.max() == 0


@settings(max_examples=200, deadline=None)
@given(cases())
def test_a_central_queue_leaves_no_slot_idle_while_somebody_waits(case):
    requests, servers, _, _ = case
    one = Requests(at_s=requests.at_s, service_s=requests.service_s)
    served = simulate(one, servers, balancing("leastconn", limit=servers.slots))
    slots = servers.count * servers.slots
    assert (np.diff(served.begun_s) >= 0).all()
    for index in np.flatnonzero(served.begun_s > one.at_s):
        at = one.at_s[index]
        assert ((served.begun_s <= at) & (served.finished_s > at)).sum() == slots


def test_a_sticky_key_stays_where_it_was_and_a_drained_server_keeps_its_sessions():
    requests = Requests(
        at_s=np.arange(8.0), service_s=np.full(8, 0.1), keys=np.array([7, 8, 7, 8, 9, 7, 10, 8])
    )
    served = simulate(
        requests,
        Servers(count=2, slots=1),
        balancing("roundrobin", is_sticky=True),
        [Event(at_s=3.5, server=0, is_usable=False)],
    )
    assert served.server.tolist() == [0, 1, 0, 1, 1, 0, 1, 1]


def test_who_comes_as_another_ends_finds_the_slot_free():
    requests = Requests(at_s=np.array([0.0, 1.0]), service_s=np.array([1.0, 1.0]))
    served = simulate(requests, Servers(count=1, slots=1), balancing("roundrobin"))
    assert served.begun_s.tolist() == [0.0, 1.0]
    assert served.longest_queue.tolist() == [0]


def test_a_server_takes_the_oldest_of_those_that_wait_for_it_and_for_any():
    """The last has its session there, the one before it came earlier."""
    requests = Requests(
        at_s=np.arange(5.0),
        service_s=np.array([0.5, 20.0, 10.0, 10.0, 10.0]),
        keys=np.array([1, 2, 3, 4, 1]),
    )
    served = simulate(
        requests, Servers(count=2, slots=1), balancing("roundrobin", limit=1, is_sticky=True)
    )
    assert served.server.tolist() == [0, 1, 0, 0, 0]
    assert served.begun_s.tolist() == [0.0, 1.0, 2.0, 12.0, 22.0]
    assert served.longest_kept == 2


def test_a_cache_holds_the_keys_used_last():
    requests = Requests(
        at_s=np.arange(7.0), service_s=np.full(7, 0.8), keys=np.array([1, 2, 1, 3, 2, 1, 3])
    )
    served = simulate(
        requests,
        Servers(count=1, slots=1, cached_keys=2, hit_factor=0.25),
        balancing("roundrobin"),
    )
    assert served.hit.tolist() == [False, False, True, False, False, False, False]
    assert (served.finished_s - served.begun_s)[2] == pytest.approx(0.2)


def test_consistent_hashing_hits_caches_that_round_robin_misses():
    requests = drawn(6, 20_000, 3.0)
    servers = Servers(count=6, slots=1, cached_keys=20, hit_factor=0.1)
    by_key = Requests(
        at_s=requests.at_s,
        service_s=requests.service_s,
        keys=requests.keys,
        hashes=requests.keys * 42_949_672,
    )
    hashed = simulate(by_key, servers, balancing("consistent")).hit.mean()
    in_turn = simulate(by_key, servers, balancing("roundrobin")).hit.mean()
    assert hashed > 0.9
    assert in_turn == pytest.approx(0.2, abs=0.03)


def test_a_slower_server_slows_what_it_begins_from_then_on():
    requests = Requests(at_s=np.arange(4.0), service_s=np.full(4, 0.5))
    served = simulate(
        requests,
        Servers(count=1, slots=9),
        balancing("roundrobin"),
        [
            Event(at_s=1.0, server=0, factor=5.0),
            Event(at_s=2.0, server=0, factor=1.0, at_least_s=2.0),
            Event(at_s=3.0, server=0, at_least_s=0.0),
        ],
    )
    assert served.response_s.tolist() == [0.5, 2.5, 2.0, 0.5]


def test_what_waits_is_sent_when_a_server_comes_back():
    requests = Requests(at_s=np.array([1.0]), service_s=np.array([0.5]))
    served = simulate(
        requests,
        Servers(count=1, slots=1),
        balancing("leastconn"),
        [Event(at_s=0.0, server=0, is_usable=False), Event(at_s=4.0, server=0, is_usable=True)],
    )
    assert served.begun_s.tolist() == [4.0]


def test_what_is_never_served_is_not_passed_over():
    requests = Requests(at_s=np.array([1.0]), service_s=np.array([0.5]))
    with pytest.raises(ValueError, match="1 requests are never served"):
        simulate(
            requests,
            Servers(count=1, slots=1),
            balancing("leastconn"),
            [Event(at_s=0.0, server=0, is_usable=False)],
        )


def test_slow_start_is_a_sixteenth_first_and_all_at_its_end():
    """HAProxy looks at it each second."""
    events = warming_up(2, at_s=10.0, for_s=4.0, weight=10)
    assert [(event.at_s, event.weight) for event in events] == [
        (10.0, 10), (11.0, 50), (12.0, 90), (13.0, 130), (14.0, 160), (14.0, 160),
    ]  # fmt: skip
    assert {event.server for event in events} == {2}


def test_a_server_in_slow_start_gets_less():
    count = 4_000
    requests = Requests(at_s=np.arange(count) / 1000, service_s=np.full(count, 1e-4))
    away = Event(at_s=0.0, server=3, is_usable=False)
    servers, how = Servers(count=4, slots=1), balancing("roundrobin")
    warming = simulate(requests, servers, how, [away, *warming_up(3, at_s=1.0, for_s=3.0)])
    at_once = simulate(requests, servers, how, [away, Event(at_s=1.0, server=3, is_usable=True)])
    assert (at_once.server == 3).sum() == pytest.approx(750, abs=2)
    assert 250 < (warming.server == 3).sum() < 400


@pytest.mark.parametrize(
    ("at_s", "service_s", "keys", "servers", "message"),
    [
        ([0.0, 1.0], [1.0], None, 1, "2 arrivals have 1 service times"),
        ([1.0, 0.0], [1.0, 1.0], None, 1, "in the order of arrival"),
        ([0.0], [-1.0], None, 1, "service times of 0 or more"),
        ([0.0], [1.0], [1, 2], 1, "1 arrivals have 2 keys"),
        ([0.0], [1.0], None, 0, "a server at least"),
    ],
)
def test_what_cannot_be_simulated_is_refused(at_s, service_s, keys, servers, message):
    requests = Requests(
        at_s=np.array(at_s),
        service_s=np.array(service_s),
        keys=None if keys is None else np.array(keys),
    )
    with pytest.raises(ValueError, match=message):
        simulate(requests, Servers(count=servers, slots=1), balancing("roundrobin"))


def test_a_session_is_held_by_the_server_that_answered_it_last():
    """HAProxy learns of it with the answer: what came before the first one is balanced freely."""
    served = simulate(
        Requests(
            at_s=np.array([0.0, 0.1, 2.0, 2.1, 2.2]),
            service_s=np.array([1.0, 0.5, 0.01, 0.01, 0.01]),
            keys=np.zeros(5, dtype=np.int64),
        ),
        Servers(count=2, slots=1),
        Balancing(chooser=CHOOSERS["roundrobin"], is_sticky=True),
    )
    first, second, *later = served.server.tolist()
    assert first != second
    assert later == [first] * 3
