import numpy as np
import pytest

from harness.bench.drawn import drawn
from harness.model.draw import Draw, DrawKind, key_text


@pytest.mark.parametrize(
    "draw",
    [
        Draw(kind=DrawKind.fixed, mean=20_000.0),
        Draw(kind=DrawKind.exponential, mean=20_000.0),
        Draw(kind=DrawKind.pareto, mean=20_000.0, shape=1.2),
        Draw(kind=DrawKind.key, keys=500, skew=0.9),
        Draw(kind=DrawKind.client, keys=3000),
    ],
)
@pytest.mark.parametrize("seed", [0, 7, 2**31 - 1])
def test_many_at_once_are_drawn_as_each_alone_is(draw: Draw, seed: int) -> None:
    seqs = np.arange(2000, dtype=np.int64)
    texts = [draw.text("service", seed, seq) for seq in range(2000)]
    at_once = drawn(draw, "service", seed, seqs).tolist()
    assert texts == [
        str(number) if draw.is_number else key_text(draw.kind, number) for number in at_once
    ]
