from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_outages import outages as slow_outages
from synthetic import MS, START, S, clean

from harness.analysis.latency import Limit
from harness.analysis.outages import outages
from harness.analysis.phases import Step
from harness.model.outcome import Outcome
from harness.model.result import Outage

LIMITS = {
    "get": Limit(percentile="p99", of="get", steady_ms=5, limit_ms=105, samples=1000),
    "odd": None,
}


def fold(rows, steps=(), folding=outages):
    """Rows are (due ms, end ms, outcome), then its stream and its swap where they matter."""
    records = [
        {
            "seq": index,
            "due_ns": START + int(row[0] * MS),
            "finished_ns": START + int(row[1] * MS) if row[1] else 0,
            "failed_ns": START + int((row[1] or row[0]) * MS),
            "outcome": row[2],
            "state": {"ok": "ok", "not_sent": "not_sent"}.get(row[2], "failed"),
            "latency_ms": row[1] - row[0] if row[2] == "ok" else float("nan"),
            "stream": row[3] if len(row) > 3 else "get",
            "phase": "swap" if len(row) < 5 or row[4] else "steady",
            "swap": row[4] if len(row) > 4 else 1,
        }
        for index, row in enumerate(rows)
    ]
    columns = ["seq", "due_ns", "finished_ns", "failed_ns", "outcome", "state", "latency_ms"]
    frame = pd.DataFrame(records, columns=[*columns, "stream", "phase", "swap"])
    frame["stream"] = frame["stream"].astype("category")
    return folding(frame, limits=LIMITS, steps=steps, start_ns=START)


def spans(found):
    return [(o.start_s, o.end_s, o.kind, o.failed, o.slow) for o in found]


def test_the_worked_example_of_the_docstring():
    rows = [(due, due, "reset") for due in (0, 10, 20)]
    rows += [(215, 300, "reset"), (500, 500, "reset")]
    assert spans(fold(rows)) == [(0, 0.3, "reset", 4, 0), (0.5, 0.5, "reset", 1, 0)]


def test_one_failure_is_an_outage_with_all_its_words():
    step = Step(
        name="stop website-1",
        verb="stop",
        swap=1,
        instance="website-1",
        release="v1",
        begin_ns=START + 950 * MS,
        end_ns=START + S,
    )
    assert fold([(900, 1000, "reset")], [step]) == (
        Outage(
            start_s=0.9,
            end_s=1.0,
            kind="reset",
            streams=("get",),
            failed=1,
            slow=0,
            phase="swap 1",
            step="stop website-1",
        ),
    )


def test_before_the_first_step_there_is_none_to_name():
    assert fold([(900, 1000, "reset")])[0].step == ""


def test_an_outage_before_the_schedule_has_negative_seconds():
    assert spans(fold([(-900, -800, "reset")])) == [(-0.9, -0.8, "reset", 1, 0)]


def test_a_single_slow_success_is_no_stall():
    assert fold([(0, 7000, "ok")]) == ()


def test_two_slow_ones_a_tenth_apart_are_a_stall():
    assert fold([(0, 700, "ok"), (99, 700, "ok")]) == ()
    assert spans(fold([(0, 700, "ok"), (100, 700, "ok")])) == [(0, 0.7, "stall", 0, 2)]


def test_three_slow_ones_are_a_stall():
    assert spans(fold([(0, 700, "ok"), (1, 700, "ok"), (2, 700, "ok")])) == [
        (0, 0.7, "stall", 0, 3)
    ]


def test_at_the_limit_is_not_slow():
    assert fold([(due, due + 105, "ok") for due in range(5)]) == ()


def test_a_stream_without_a_limit_is_never_slow():
    assert fold([(due, due + 9_000, "ok", "odd") for due in range(5)]) == ()
    assert fold([(due, due + 9_000, "ok", "unheard of") for due in range(5)]) == ()


def test_slow_ones_join_the_failures_about_them():
    rows = [(0, 700, "ok"), (300, 300, "refused"), (350, 350, "refused"), (400, 410, "reset")]
    [outage] = fold(rows)
    assert (outage.kind, outage.failed, outage.slow) == ("refused", 3, 1)


def test_the_kind_of_a_tie_is_the_first_by_name():
    assert fold([(0, 1, "reset"), (2, 3, "refused")])[0].kind == "refused"


def test_a_long_request_bridges_what_happens_within_it():
    rows = [(0, 5000, "answer_timeout"), (1000, 1001, "reset"), (5100, 5101, "reset")]
    assert spans(fold(rows)) == [(0, 5.101, "reset", 3, 0)]


def test_a_failure_without_an_end_ends_when_it_was_due():
    assert spans(fold([(50, 0, "refused")])) == [(0.05, 0.05, "refused", 1, 0)]


def test_what_was_not_sent_is_no_outage():
    assert fold([(0, 0, "not_sent")]) == ()


def test_nothing_bad_is_no_outage():
    assert fold([]) == ()
    assert fold([(0, 5, "ok")]) == ()


def test_probes_are_left_out():
    history = clean().history()
    found = outages(
        history.requests, limits=history.limits, steps=history.steps, start_ns=history.start_ns
    )
    assert found == ()


ROW = st.tuples(
    st.integers(0, 3_000), st.integers(0, 600), st.sampled_from(["ok", "reset", "refused"])
)


@given(st.lists(ROW, max_size=60))
def test_outages_never_overlap_and_hold_every_failure(rows):
    rows = [(due, due + took, outcome) for due, took, outcome in rows]
    found = fold(rows)
    for before, after in pairwise(found):
        assert after.start_s - before.end_s >= 0.2 - 1e-9
    assert sum(o.failed for o in found) == sum(row[2] != "ok" for row in rows)
    for due, end, outcome in rows:
        if outcome != "ok":
            assert any(o.start_s <= due / 1000 and end / 1000 <= o.end_s for o in found)


@given(st.lists(ROW, max_size=30), st.randoms())
def test_the_order_of_samples_does_not_matter(rows, random):
    rows = [(due, due + took, outcome) for due, took, outcome in rows]
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert fold(rows) == fold(shuffled)


@pytest.mark.parametrize("shown", [12.55, 12.65])
def test_what_was_in_flight_is_put_down_to_the_step_that_cut_it(shown):
    draft = clean()
    seqs = draft.seqs("get-new", since=12.5, until=12.51)
    draft.fail(seqs, Outcome.reset, finished_ns=START + round(shown * S))
    history = draft.history()
    [outage] = outages(
        history.requests, limits=history.limits, steps=history.steps, start_ns=history.start_ns
    )
    assert outage.step == ("drain website-1" if shown < 12.6 else "stop website-1")


ANY_ROW = st.tuples(
    st.integers(0, 20_000),
    st.one_of(st.just(-1), st.integers(0, 900)),
    st.sampled_from(["ok", "ok", "ok", "reset", "refused", "not_sent", "wrong_body"]),
    st.sampled_from(["get", "odd", "write"]),
    st.integers(0, 2),
)
STEPS = tuple(
    Step(
        name=f"stop website-{number}",
        verb="stop",
        swap=1,
        instance=f"website-{number}",
        release="v1",
        begin_ns=START + number * 5 * S,
        end_ns=START + number * 6 * S,
    )
    for number in (1, 2, 3)
)


@settings(deadline=None)
@given(st.lists(ANY_ROW, max_size=80))
def test_the_fold_is_to_the_digit_what_a_table_for_each_outage_gives(rows):
    """A took of -1 is no end at all, which is 0 in the samples."""
    rows = [(due, due + took if took >= 0 else 0, *rest) for due, took, *rest in rows]
    assert fold(rows, STEPS) == fold(rows, STEPS, slow_outages)
