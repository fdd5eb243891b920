"""The benchmark's pure parts: figures, tables, and when a rate counts as held."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.figures import lags, merged, ratios, table, worst_gap_ms
from benchmarks.ours import Drive, highest_held

S = 1_000_000_000


def test_rounds_are_merged_by_their_median_figure_by_figure():
    rounds = [{"a": 1.0, "b": 9.0}, {"a": 100.0, "b": 7.0}, {"a": 2.0}]
    assert merged(rounds) == {"a": 2.0, "b": 8.0}
    assert merged([]) == {}


def test_ratios_say_how_many_times_the_others_it_is():
    assert ratios({"ours": 9.0, "slow": 3.0, "fast": 18.0, "none": 0.0}, "ours") == {
        "slow": 3.0,
        "fast": 0.5,
    }


def test_the_largest_gap_is_between_starts_in_their_own_order():
    assert worst_gap_ms(np.array([9_000_000, 0, 1_000_000, 3_000_000])) == 6.0
    assert worst_gap_ms(np.array([5], dtype=np.int64)) == 0.0


def test_lags_count_from_when_each_was_due():
    due_ns = np.arange(1_000, dtype=np.int64) * 1_000_000
    sent_ns = due_ns + 200_000
    sent_ns[500] += 3_000_000
    figures = lags(due_ns, sent_ns)
    assert figures["p50"] == pytest.approx(0.2)
    assert figures["p99"] == pytest.approx(0.2)
    assert figures["p99.9"] == pytest.approx(0.2 + 0.001 * 3, abs=0.01)
    # Its neighbours were sent meanwhile: 2.2 ms before it and so on; the gap it leaves is 2 ms.
    assert figures["largest gap"] == pytest.approx(2.0)


def test_a_table_has_its_first_column_left_and_the_others_right():
    assert table(
        ["", "requests/s", "x"], [["wrk", "51,500", "1"], ["harness child", "9", "0.5"]]
    ) == (
        "                 requests/s    x\n"
        "  ──────────────────────────────\n"
        "  wrk                51,500    1\n"
        "  harness child           9  0.5"
    )


def driven(sent_late_ms, outcome="ok", due=None, errors=(), rate_hz=100):
    """A run of the child: requests 10 ms apart, each so late."""
    due_ns = S + np.arange(len(sent_late_ms)) * (S // rate_hz)
    outcomes = ["ok"] * (len(sent_late_ms) - 1) + [outcome]
    late_ns = (np.array(sent_late_ms) * 1e6).astype(np.int64)
    samples = pd.DataFrame({"due_ns": due_ns, "sent_ns": due_ns + late_ns, "outcome": outcomes})
    count = len(samples) if due is None else due
    return Drive(due=count, samples=samples, start_ns=S, cpu_us=50.0, errors=errors)


def test_a_rate_that_was_kept_to_is_held():
    assert driven([1.0] * 300).failure() == ""


def test_a_second_with_more_than_one_request_in_a_hundred_late_is_not_held():
    late = [1.0] * 300
    late[120] = 251.0
    assert driven(late).failure() == ""
    late[140] = 251.0
    assert driven(late).failure() == "a second saw 98.0% sent at most 250 ms late"


def test_a_lag_that_is_there_at_the_end_is_not_held():
    assert driven(list(np.linspace(0, 100, 300))).failure() == "90 ms behind at the end"


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"outcome": "wrong_body"}, "1 not ok, the first wrong_body"),
        ({"due": 301}, "300 of 301 recorded"),
        ({"errors": ("recorder: 1 samples were lost",)}, "recorder: 1 samples were lost"),
    ],
)
def test_a_rate_at_which_a_request_is_wrong_or_missing_is_not_held(settings, why):
    assert driven([1.0] * 300, **settings).failure() == why


def search(holds_to_hz, first_hz):
    """What the search finds where rates are held up to one, and which it tried."""
    tried = []

    def run(rate_hz):
        tried.append(round(rate_hz))
        return driven([1.0 if rate_hz <= holds_to_hz else 300.0] * 300)

    rate_hz, _ = highest_held(run, first_hz)
    return round(rate_hz), tried


@pytest.mark.parametrize(
    ("holds_to_hz", "found", "tried"),
    [
        (1_100, 1_080, [1_000, 1_080, 1_166]),
        (9_999, 1_260, [1_000, 1_080, 1_166, 1_260]),
        (900, 833, [1_000, 833]),
        (700, 694, [1_000, 833, 694]),
        (1, 0, [1_000, 833, 694, 579]),
    ],
)
def test_the_highest_rate_is_looked_for_upwards_or_the_first_that_holds_downwards(
    holds_to_hz, found, tried
):
    assert search(holds_to_hz, 1_000.0) == (found, tried)
