import pytest
from benches import plan

from harness.bench.past import Grid, load_of, past_of, simulated
from harness.bench.theory import MMc

QUICK = ("roundrobin", "leastconn", "random-2", "central-queue")
SMALL = Grid(servers=(30,), balancers=((1, True), (100, True), (100, False)), seeds=3, least=4_000)


@pytest.fixture(scope="module")
def small():
    return past_of(plan(QUICK, ("exponential",)), SMALL)


def p99(past, name, balancers, *, is_together=True):
    [found] = [
        one.times["p99"].middle
        for one in past.figures
        if (one.algorithm, one.balancers, one.is_together) == (name, balancers, is_together)
    ]
    return found


def test_least_connections_is_best_behind_one_balancer(small):
    assert p99(small, "leastconn", 1) < p99(small, "random-2", 1) < p99(small, "roundrobin", 1)


def test_balancers_that_begin_together_herd_and_random_choice_does_not(small):
    assert p99(small, "leastconn", 100) > 2 * p99(small, "random-2", 100)
    assert p99(small, "roundrobin", 100) > 2 * p99(small, "random-2", 100)


def test_balancers_that_begin_apart_do_not_herd(small):
    """What is left is a server of two slots, met at random by everybody alike."""
    alone = MMc(slots=2, rate_hz=1.4, service_s=1.0).response_quantile_s(0.99)
    for name in QUICK:
        apart = p99(small, name, 100, is_together=False)
        assert apart == pytest.approx(alone, rel=0.3), name
        assert apart == pytest.approx(p99(small, "random-2", 100), rel=0.3), name


def test_what_is_shown_is_said(small):
    assert small.sentences[0].startswith(
        "30 servers at 70 % load, behind 1 and 100 balancers that begin together, p99 in service "
        "times: roundrobin "
    )
    assert small.sentences[1] == (
        "leastconn's p99 there is lower than random-2's behind 1 balancer, higher than random-2's "
        "behind 100 balancers"
    )
    assert small.sentences[2].startswith("30 servers at 70 % load, behind 100 balancers that each ")


def test_the_same_plan_gives_the_same_to_the_bit_and_another_seed_does_not():
    grid = Grid(servers=(6,), balancers=((3, True), (3, False)), least=300)
    first, again, other = (
        past_of(plan(("random-2", "first"), ("fixed",), seed=seed), grid) for seed in (1, 1, 2)
    )
    assert first == again
    arrivals = [
        [one.times for one in past.figures if one.algorithm == "first" and one.is_together]
        for past in (first, other)
    ]
    assert arrivals[0] != arrivals[1]


def test_what_goes_by_a_key_or_is_nginx_s_is_left_out_and_doubles_are_simulated_once():
    of = plan(
        ("uri", "nginx-hash", "roundrobin", "roundrobin-again", "roundrobin-weighted", "leastconn",
         "central-queue"),
        ("fixed",),
    )  # fmt: skip
    assert [one.name for one in simulated(of)] == ["roundrobin", "leastconn", "central-queue"]
    assert past_of(plan(("uri", "nginx-hash"), ("fixed",))) is None


def test_without_the_pair_nothing_is_said_of_it():
    past = past_of(
        plan(("roundrobin",), ("fixed",)), Grid(servers=(3,), balancers=((2, True),), least=200)
    )
    assert len(past.sentences) == 1


@pytest.mark.parametrize(("loads", "load"), [((0.5,), 0.5), ((0.3, 0.7, 0.95), 0.7)])
def test_the_load_is_the_plan_s_where_it_has_one(loads, load):
    assert load_of(plan(("roundrobin",), ("fixed",), loads=loads)) == load


def test_one_balancer_alone_is_the_same_begun_together_or_apart():
    """Servers are alike: by whatever name the first is called, the requests fare the same."""
    grid = Grid(servers=(6,), balancers=((1, True), (1, False)), least=2_000)
    past = past_of(plan(("leastconn", "central-queue", "roundrobin"), ("fixed",)), grid)
    together, apart = (
        [one.times for one in past.figures if one.is_together is way] for way in (True, False)
    )
    assert together == apart


def test_a_balancer_whose_servers_stand_in_another_order_lacks_none():
    """Nothing is lost on the way through the other order, with a limit and kept requests."""
    grid = Grid(servers=(2,), balancers=((4, False),), least=500)
    past = past_of(plan(("first", "central-queue"), ("fixed",), loads=(1.0,)), grid)
    assert all(one.times["mean"].middle > 1 for one in past.figures)
