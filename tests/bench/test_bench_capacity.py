"""The capacity is what was answered, where clearly more was asked."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.bench import capacity
from harness.bench.capacity import measure_capacity
from harness.bench.measure import Order
from harness.bench.model import Round
from harness.bench.workloads import known
from harness.model.errors import MissingEvidenceError

S = 1_000_000_000


def serving(hz: float, asked: list[float], outcome: str = "ok") -> Callable[..., object]:
    """In place of a round: servers that answer `hz` and no more, with drawn times of 40 ms."""

    def measured(order: Order, _: object, __: Path) -> tuple[Round, pd.DataFrame]:
        asked.append(order.rate_hz)
        assert order.workload.swap is None, "what is measured is what servers can do by themselves"
        done = Round(
            cell=order.cell,
            index=-1,
            seed=0,
            rate_hz=order.rate_hz,
            start_ns=S,
            measured_ns=2 * S,
            stop_ns=5 * S,
        )
        seqs = np.arange(int(4 * order.rate_hz))
        due = S + (seqs * S / order.rate_hz).astype(np.int64)
        finished = S + (seqs * S / min(hz, order.rate_hz)).astype(np.int64)
        values = {"due_ns": due, "finished_ns": finished, "outcome": outcome, "service_us": 40_000}
        return done, pd.DataFrame(values)

    return measured


def test_it_is_put_right_for_the_service_times_that_were_drawn(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What was drawn was twice the mean of 20 ms: by itself 300/s would have been 600."""
    asked: list[float] = []
    monkeypatch.setattr(capacity, "measured", serving(300, asked))
    found = measure_capacity(known()["exponential"], object(), "r", 1, tmp_path / "c")  # type: ignore[arg-type]
    assert found.hz == pytest.approx(600, rel=0.01)
    assert asked == [pytest.approx(780)]


def test_a_swap_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[float] = []
    monkeypatch.setattr(capacity, "measured", serving(300, asked))
    measure_capacity(known()["swap"], object(), "r", 1, tmp_path / "c")  # type: ignore[arg-type]
    assert asked == [pytest.approx(780)]


def test_more_is_asked_until_clearly_less_is_answered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[float] = []
    monkeypatch.setattr(capacity, "measured", serving(800, asked))
    found = measure_capacity(known()["cached-keys"], object(), "r", 1, tmp_path / "c")  # type: ignore[arg-type]
    assert found.hz == pytest.approx(800, rel=0.01)
    assert asked == [pytest.approx(390), pytest.approx(585), pytest.approx(877.5)]


def test_no_answer_is_no_capacity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(capacity, "measured", serving(300, [], outcome="refused"))
    with pytest.raises(MissingEvidenceError, match="none was answered"):
        measure_capacity(known()["fixed"], object(), "r", 1, tmp_path / "c")  # type: ignore[arg-type]
