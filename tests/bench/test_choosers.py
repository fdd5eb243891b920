from collections import Counter
from random import Random

import numpy as np
import pytest

from harness.bench.choosers.chooser import FULL_WEIGHT, View
from harness.bench.choosers.hashed import (
    ConsistentHash,
    MapHash,
    PowerOfChoices,
    avalanche,
    sdbm,
)
from harness.bench.choosers.leastconn import LeastConnections
from harness.bench.choosers.nginx import Ketama, LeastConn, RandomTwo, SmoothRoundRobin, ip_hash
from harness.bench.choosers.turns import First, RoundRobin, StaticRoundRobin


def view(*weights, limit=0):
    return View(
        weights=[weight * FULL_WEIGHT for weight in weights],
        is_usable=[True] * len(weights),
        limit=limit,
    )


def choices(chooser, count):
    return [chooser.choose(0) for _ in range(count)]


def take(seen, chooser, server):
    seen.served[server] += 1
    chooser.changed(server)


def give_back(seen, chooser, server):
    seen.served[server] -= 1
    chooser.changed(server)


@pytest.mark.parametrize("kind", [RoundRobin, StaticRoundRobin])
def test_equal_servers_take_turns_as_they_were_declared(kind):
    assert choices(kind(view(1, 1, 1)), 7) == [0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize("kind", [RoundRobin, StaticRoundRobin])
def test_weighted_turns_are_in_proportion_and_spread_out(kind):
    found = choices(kind(view(1, 3, 2)), 600)
    counted = Counter(found)
    for server, share in enumerate((100, 300, 200)):
        assert counted[server] == pytest.approx(share, abs=1)
    assert max(len(run) for run in "".join(map(str, found)).replace("0", " ").replace(
        "2", " ").split()) <= 2  # fmt: skip


def test_a_map_of_weights_is_as_haproxy_computes_it():
    """By hand, from recalc_server_map."""
    assert choices(StaticRoundRobin(view(1, 3, 2)), 6) == [0, 1, 2, 1, 1, 2]


@pytest.mark.parametrize("kind", [RoundRobin, StaticRoundRobin])
def test_a_full_server_loses_its_turn(kind):
    seen = view(1, 1, 1, limit=1)
    chooser = kind(seen)
    seen.served[1] = 1
    assert choices(chooser, 4) == [0, 2, 0, 2]
    seen.served[0] = seen.served[2] = 1
    assert chooser.choose(0) is None
    seen.served[1] = 0
    assert chooser.choose(0) == 1


def test_first_fills_servers_one_after_another():
    seen = view(1, 1, 1, limit=2)
    chooser = First(seen)
    for expected in (0, 0, 1, 1, 2):
        assert chooser.choose(0) == expected
        take(seen, chooser, expected)
    give_back(seen, chooser, 0)
    assert chooser.choose(0) == 0


def test_least_connections_takes_the_least_for_its_weight():
    """Twice the weight bears 3 before it is as loaded as the other with 1: (n + 1) / weight."""
    seen = view(1, 2)
    chooser = LeastConnections(seen)
    for expected in (0, 1, 1, 1, 0, 1):
        assert chooser.choose(0) == expected
        take(seen, chooser, expected)


def test_of_equally_loaded_servers_the_one_that_was_so_longest_is_next():
    seen = view(1, 1, 1)
    chooser = LeastConnections(seen)
    order = []
    for _ in range(6):
        server = chooser.choose(0)
        take(seen, chooser, server)
        give_back(seen, chooser, server)
        order.append(server)
    assert order == [0, 1, 2, 0, 1, 2]


def test_least_connections_passes_over_full_servers_and_finds_them_again():
    seen = view(1, 4, limit=1)
    chooser = LeastConnections(seen)
    take(seen, chooser, 0)
    take(seen, chooser, 1)
    assert chooser.choose(0) is None
    give_back(seen, chooser, 0)
    assert chooser.choose(0) == 0


def test_what_waits_for_a_server_counts_as_its_load():
    seen = view(1, 1)
    chooser = LeastConnections(seen)
    seen.queued[0] += 1
    chooser.changed(0)
    assert chooser.choose(0) == 1


@pytest.mark.parametrize(
    "make",
    [RoundRobin, StaticRoundRobin, First, LeastConnections, MapHash, ConsistentHash,
     lambda seen: PowerOfChoices(seen, draws=2, seed=1)],
)  # fmt: skip
def test_a_drained_server_gets_nothing_new_until_it_is_back(make):
    seen = view(1, 1, 1, limit=0)
    chooser = make(seen)
    hashes = [Random(number).getrandbits(32) for number in range(200)]
    seen.is_usable[0] = False
    chooser.reweighted()
    assert 0 not in {chooser.choose(each) for each in hashes}
    seen.is_usable[0] = True
    chooser.reweighted()
    found = set()
    for each in hashes:
        server = chooser.choose(each)
        found.add(server)
        take(seen, chooser, server)
        give_back(seen, chooser, server)
    assert 0 in found
    seen.is_usable[:] = [False] * 3
    chooser.reweighted()
    assert chooser.choose(1) is None


def test_chance_chooses_by_weight_and_the_less_loaded_of_two():
    seen = view(1, 3)
    one = Counter(choices(PowerOfChoices(seen, draws=1, seed=1), 20_000))
    assert one[1] / one[0] == pytest.approx(3, rel=0.35)
    even = view(64, 64)
    share = Counter(choices(PowerOfChoices(even, draws=1, seed=1), 20_000))[0] / 20_000
    even.served[0] = 1
    two = Counter(choices(PowerOfChoices(even, draws=2, seed=2), 20_000))
    assert two[0] / 20_000 == pytest.approx(share**2, abs=0.015)


def test_chance_that_meets_a_full_server_waits_although_others_are_free():
    """HAProxy's random(1) does not look further."""
    seen = view(64, 64, limit=1)
    seen.served[0] = 1
    found = Counter(choices(PowerOfChoices(seen, draws=1, seed=1), 2_000))
    assert found[None] == pytest.approx(1_000, abs=150)


def test_a_map_sends_a_hash_to_its_remainder():
    chooser = MapHash(view(1, 1, 1))
    assert [chooser.choose(hashed) for hashed in range(6)] == [0, 1, 2, 0, 1, 2]


def moved(make):
    seen = view(*[1] * 6)
    chooser = make(seen)
    hashes = avalanche(np.arange(3_000)).tolist()
    before = [chooser.choose(each) for each in hashes]
    seen.is_usable[5] = False
    chooser.reweighted()
    after = [chooser.choose(each) for each in hashes]
    kept = [(a, b) for a, b in zip(before, after, strict=True) if a != 5]
    return np.mean([a != b for a, b in kept])


def test_a_server_that_leaves_moves_others_keys_in_a_map_and_none_on_the_ring():
    assert moved(ConsistentHash) == 0
    assert moved(MapHash) > 0.6


def test_sixteen_points_a_server_share_keys_unevenly_and_more_share_them_evenly():
    def spread(weight):
        chooser = ConsistentHash(view(*[weight] * 6))
        counted = Counter(chooser.choose(each) for each in avalanche(np.arange(30_000)).tolist())
        return max(counted.values()) / min(counted.values())

    assert spread(1) > 1.2
    assert spread(64) < 1.15


def in_plain_numbers(a):
    a = (a + 0x7ED55D16 + (a << 12)) % 2**32
    a = (a ^ 0xC761C23C ^ (a >> 19)) % 2**32
    a = (a + 0x165667B1 + (a << 5)) % 2**32
    a = ((a + 0xD3A2646C) ^ (a << 9)) % 2**32
    a = (a + 0xFD7046C5 + (a << 3)) % 2**32
    a = (a ^ 0xB55A4F09 ^ (a >> 16)) % 2**32
    return a * 3221225473 % 2**32


def test_the_avalanche_is_jenkins_in_32_bits():
    numbers = np.array([0, 1, 4096, 4097, 2**31, 2**32 - 1])
    assert avalanche(numbers).tolist() == [in_plain_numbers(each) for each in numbers.tolist()]


def test_the_hash_of_a_text_is_sdbm():
    assert sdbm("") == 0
    assert sdbm("a") == 97
    assert sdbm("ab") == (98 + 97 * 65599) % 2**32


def test_nginx_takes_turns_and_of_the_least_loaded_too():
    seen = view(1, 1, 1)
    assert choices(SmoothRoundRobin(seen), 7) == [0, 1, 2, 0, 1, 2, 0]
    chooser = LeastConn(seen)
    order = []
    for _ in range(4):
        server = chooser.choose(0)
        take(seen, chooser, server)
        order.append(server)
    assert sorted(order[:3]) == [0, 1, 2]
    # Who was passed over has gained nothing, who was taken has paid what all have gained.
    turns, among = SmoothRoundRobin(seen), ([0, 1], [0, 1, 2], [0, 1, 2], [0, 1, 2])
    assert [turns.next_of(servers) for servers in among] == [0, 1, 2, 0]
    seen.served[:] = [1, 0, 1]
    assert chooser.choose(0) == 1
    seen.served[:] = [0, 3, 0]
    assert sorted(choices(chooser, 2)) == [0, 2], "by turns"


def test_nginx_draws_two_that_differ_and_of_equals_takes_the_second():
    seen = view(1, 1)
    chooser = RandomTwo(seen, seed=1)
    seen.served[0] = 1
    assert choices(chooser, 50) == [1] * 50
    seen.served[0] = 0
    assert Counter(choices(chooser, 2_000))[0] == pytest.approx(1_000, abs=100)
    assert RandomTwo(view(1), seed=1).choose(0) == 0


def test_nginx_hashes_three_octets():
    assert ip_hash("10.1.2.3") == ip_hash("10.1.2.200") != ip_hash("10.1.3.3")
    assert ip_hash("0.0.0.9") == 89 * 113**3 % 6271


def test_a_ketama_ring_is_closed_and_keeps_the_keys_of_those_that_stay():
    names = [f"replica-{number}:8000" for number in range(1, 7)]
    six, five = Ketama(view(*[1] * 6), names=names), Ketama(view(*[1] * 5), names=names[:5])
    hashes = avalanche(np.arange(2_000)).tolist()
    assert len(six._points) == 6 * 160
    assert six.choose(2**32 - 1) == six.choose(0)
    assert all(six.choose(each) == five.choose(each) for each in hashes if six.choose(each) != 5)
    assert len({six.choose(each) for each in hashes}) == 6
