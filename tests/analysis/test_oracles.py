"""Figures that are known beforehand, by a formula or by what others have published."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import STREAMS, at, clean

from harness.analysis.latency import percentile, table
from harness.checks.sentence import bound_of

STEADY_S = 10.0
RATE_HZ = sum(stream.rate_hz for stream in STREAMS if not stream.slow)
GRAIN_MS = 1_000 / RATE_HZ
USUAL_MS = 5.0
"""No success of a clean synthetic run takes longer."""


def stalled(rate_hz: float, stall_s: float, window_s: float) -> np.ndarray:
    """Latency in ms from the due time, at an even rate: nobody is answered for `stall_s`, and then
    all at once.
    """
    due_s = np.arange(0, window_s, 1 / rate_hz)
    return np.maximum(stall_s - due_s, 0.001) * 1_000


@settings(max_examples=25, deadline=None)
@given(
    stall_s=st.floats(0.1, 3.0),
    since_s=st.floats(1.5, 7.0),
    permille=st.sampled_from([500, 900, 990]),
)
def test_a_stall_of_s_in_a_window_t_has_a_quantile_q_of_s_less_its_share_of_t(
    stall_s, since_s, permille
):
    """Field notes, 8: S - (1 - q) T, where that is positive."""
    draft = clean()
    seqs = draft.seqs(since=since_s, until=since_s + stall_s)
    rows = draft.samples["seq"].isin(seqs)
    ends = draft.samples.loc[rows, "finished_ns"].clip(lower=at(since_s + stall_s))
    draft.samples.loc[rows, "finished_ns"] = ends
    history = draft.history()
    found = table(history.requests, history.record.scenario, history.windows)["all"]["steady"]
    seen = {500: found.p50, 900: found.p90, 990: found.p99}[permille]
    assert seen is not None
    expected = (stall_s - (1 - permille / 1_000) * STEADY_S) * 1_000
    # One arrival at each end of the window, and the usual latency, are the formula's own grain.
    assert seen == pytest.approx(max(expected, 0.0), abs=2 * GRAIN_MS + USUAL_MS)


def test_wrk2s_own_case():
    """Its README: 2,000/s, a stop of 1.4 s, 39,500 samples: corrected p99 1.27 s, maximum 1.42 s;
    uncorrected p99 6 ms. S - 0.01 T is 1.20 s, and its catch-up at some 5,800/s lifts it to 1.27.
    """
    rate_hz, stall_s, window_s = 2_000, 1.4, 39_500 / 2_000
    corrected = stalled(rate_hz, stall_s, window_s)
    assert len(corrected) == 39_500
    at_once = percentile(corrected, 990)
    assert at_once == pytest.approx((stall_s - 0.01 * window_s) * 1_000, abs=1)
    assert corrected.max() == pytest.approx(1_400)

    late = np.arange(round(rate_hz * stall_s))
    caught_up = corrected.copy()
    caught_up[late] = (stall_s + late / 5_800 - late / rate_hz) * 1_000
    assert percentile(caught_up, 990) == pytest.approx(1_270, abs=5)

    # Who waits for an answer before asking again sees one long answer a connection, of a hundred.
    uncorrected = np.full(39_500 - 2_800, 6.0)
    uncorrected[:100] = 1_400.0
    assert percentile(uncorrected, 990) == pytest.approx(6.0)


@pytest.mark.parametrize("swaps", [1, 3, 10, 30, 100])
def test_as_many_clean_swaps_as_the_bound_rests_on_come_by_chance_in_1_of_20_cases(swaps: int):
    tries = 100_000
    rng = np.random.default_rng(swaps)
    dropped = rng.binomial(swaps, bound_of(swaps), size=tries)
    clean_share = float((dropped == 0).mean())
    # Three standard deviations of so many tries.
    assert clean_share == pytest.approx(0.05, abs=3 * (0.05 * 0.95 / tries) ** 0.5)
