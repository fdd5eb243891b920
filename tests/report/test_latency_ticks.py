"""Where the latency axis is marked."""

import pytest

from harness.report.latency_plot import ticks


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (3.5, 40, [5, 10, 20]),
        (0.7, 260, [1, 2, 5, 10, 20, 50, 100, 200]),
        (0.7, 12_000, [1, 10, 100, 1_000, 10_000]),
        (0.01, 0.1, [0.01, 0.02, 0.05, 0.1]),
    ],
)
def test_ticks_lie_where_data_is(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


def test_ticks_of_every_range_are_few_and_some() -> None:
    for decades in range(1, 9):
        assert 2 <= len(ticks(0.7, 0.7 * 10.0**decades)) <= 9
