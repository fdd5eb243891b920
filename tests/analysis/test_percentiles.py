import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import clean

from harness.analysis.latency import limit, percentile, table
from harness.model.result import Latency
from harness.model.scenario import Limits

LATENCIES = st.lists(st.floats(0, 1e5, allow_nan=False), max_size=400)


@given(values=LATENCIES, permille=st.sampled_from([500, 900, 990, 999]), copies=st.integers(1, 9))
def test_percentiles_are_numpys_where_they_are_resolved(values, permille, copies):
    sample = np.array(values * copies, dtype=float)
    found = percentile(sample, permille)
    if len(sample) * (1000 - permille) < 10 * 1000:
        assert found is None
    else:
        assert found == np.percentile(sample, permille / 10, method="inverted_cdf")


@pytest.mark.parametrize(
    ("count", "permille", "expected"),
    [
        (19, 500, None),
        (20, 500, 10.0),
        (99, 900, None),
        (100, 900, 90.0),
        (999, 990, None),
        (1000, 990, 990.0),
        (9_999, 999, None),
        (10_000, 999, 9_990.0),
        (0, 500, None),
    ],
)
def test_a_percentile_needs_ten_samples_beyond_it(count, permille, expected):
    assert percentile(np.arange(1, count + 1, dtype=float), permille) == expected


@pytest.mark.parametrize(
    ("count", "name", "steady"), [(1000, "p99", 990), (999, "p90", 900), (99, "p50", 50)]
)
def test_a_limit_is_drawn_from_the_highest_percentile_resolved(count, name, steady):
    found = limit(np.arange(1, count + 1, dtype=float), Limits(), "get")
    assert (found.percentile, found.steady_ms, found.samples) == (name, steady, count)
    assert found.limit_ms == max(3 * steady, steady + 100)


def test_no_limit_is_drawn_from_fewer_than_20_samples():
    assert limit(np.ones(19), Limits(), "get") is None


def test_the_table_has_every_stream_and_phase():
    history = clean().history()
    figures = table(history.requests, history.record.scenario, history.windows)
    assert list(figures) == ["all", "get-reused", "get-new", "write", "slow"]
    for phases in figures.values():
        assert list(phases) == ["warmup", "steady", "swap", "after", "swap_window"]
    assert {name: phase.count for name, phase in figures["all"].items()} == {
        "warmup": 290,
        "steady": 2900,
        "swap": 870,
        "after": 1160,
        "swap_window": 1450,
    }
    assert figures["slow"]["steady"] == Latency(
        count=100, p50=400.0, p90=400.0, p99=None, p999=None, max=400.0
    )
    assert figures["all"]["steady"].p50 == 3.5


def test_failures_have_no_latency_and_no_phase_is_an_empty_cell():
    draft = clean()
    draft.set(draft.seqs(since=1, until=11), outcome="reset")
    history = draft.history()
    figures = table(history.requests, history.record.scenario, history.windows)
    assert figures["all"]["steady"] == Latency(
        count=0, p50=None, p90=None, p99=None, p999=None, max=None
    )


def test_what_did_not_wait_counts_from_when_it_was_due():
    """A late sender's request was slow for its visitor, however fast the answer."""
    draft = clean()
    [seq, *_] = draft.seqs("get-new", since=5)
    draft.set([seq], sent_ns=draft.record.sent.start_ns + 6_000_000_000)
    draft.delay([seq], 1_000)
    history = draft.history()
    figures = table(history.requests, history.record.scenario, history.windows)
    assert figures["get-new"]["steady"].max == 1_000.0
