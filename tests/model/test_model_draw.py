"""What is drawn for a request is a pure function of seed and seq, with the moments it claims."""

import itertools
import math
from ipaddress import IPv4Address

import pytest

from harness.model.draw import Draw, DrawKind, key_text, salt_of, uniform


def numbers(draw: Draw, count: int = 40_000) -> list[float]:
    return [draw.number(uniform(5, seq, salt_of("service"))) for seq in range(count)]


def test_the_same_seed_and_seq_draw_the_same_and_others_do_not() -> None:
    draw = Draw(kind=DrawKind.exponential, mean=20_000)
    first = [draw.text("service", 1, seq) for seq in range(50)]
    assert first == [draw.text("service", 1, seq) for seq in range(50)]
    assert len(set(first)) > 45
    assert first != [draw.text("service", 2, seq) for seq in range(50)]
    assert first != [draw.text("other", 1, seq) for seq in range(50)]


@pytest.mark.parametrize(
    "draw",
    [
        Draw(kind=DrawKind.fixed, mean=300.0),
        Draw(kind=DrawKind.exponential, mean=300.0),
        Draw(kind=DrawKind.pareto, mean=300.0, shape=2.5, most=100.0),
    ],
)
def test_the_mean_is_what_it_is_said_to_be(draw: Draw) -> None:
    drawn = numbers(draw)
    assert sum(drawn) / len(drawn) == pytest.approx(draw.mean, rel=0.03)


def test_an_exponential_draw_exceeds_its_mean_with_probability_1_in_e() -> None:
    drawn = numbers(Draw(kind=DrawKind.exponential, mean=1.0))
    assert sum(value > 1.0 for value in drawn) / len(drawn) == pytest.approx(1 / math.e, abs=0.01)


def test_a_pareto_draw_stays_between_its_least_value_and_so_many_times_that() -> None:
    draw = Draw(kind=DrawKind.pareto, mean=10.0, shape=1.1, most=50.0)
    drawn = numbers(draw)
    assert draw.least <= min(drawn)
    assert max(drawn) <= draw.least * 50.0
    assert draw.number(0.0) == pytest.approx(draw.least)


def test_keys_follow_zipfs_law_where_the_skew_is_1() -> None:
    drawn = numbers(Draw(kind=DrawKind.key, keys=100, skew=1.0))
    counts = [drawn.count(float(index)) for index in range(4)]
    assert counts[0] / counts[1] == pytest.approx(2.0, rel=0.1)
    assert counts[0] / counts[3] == pytest.approx(4.0, rel=0.1)
    assert max(drawn) == 99.0


def test_a_client_has_the_index_of_its_requests_key() -> None:
    key, client = Draw(kind=DrawKind.key), Draw(kind=DrawKind.client)
    for seq in range(100):
        index = int(key.text("key", 1, seq)[1:])
        assert client.text("client", 1, seq) == key_text(DrawKind.client, index)


def test_clients_have_addresses_of_their_own_whose_remainders_meet_every_server() -> None:
    addresses = [key_text(DrawKind.client, index) for index in range(65_536)]
    assert len(set(addresses)) == len(addresses)
    remainders = [int(IPv4Address(address)) % 600 % 6 for address in addresses[:1000]]
    assert min(remainders.count(server) for server in range(6)) > 130


@pytest.mark.parametrize(
    "parameters",
    [
        {"kind": DrawKind.fixed, "mean": 0.0},
        {"kind": DrawKind.exponential, "mean": math.inf},
        {"kind": DrawKind.pareto, "mean": 1.0, "shape": 0.0},
        {"kind": DrawKind.pareto, "mean": 1.0, "most": 1.0},
        {"kind": DrawKind.key, "keys": 0},
        {"kind": DrawKind.client, "keys": 70_000},
        {"kind": DrawKind.key, "skew": -1.0},
    ],
)
def test_parameters_that_make_no_distribution_are_refused(parameters: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="draw:"):
        Draw(**parameters)  # type: ignore[arg-type]


def test_neighbouring_uniforms_are_not_correlated() -> None:
    u = [uniform(9, seq, 1) for seq in range(20_000)]
    product = sum((a - 0.5) * (b - 0.5) for a, b in itertools.pairwise(u)) / len(u)
    assert abs(product) * 12 < 0.03
