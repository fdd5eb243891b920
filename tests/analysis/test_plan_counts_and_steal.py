import pytest
from synthetic import at, clean, random_order

from harness.analysis.counts import count
from harness.analysis.phases import Window
from harness.analysis.plan import compare, planned
from harness.analysis.runfolder import MachineSecond
from harness.analysis.steal import steal_share
from harness.model.arrivals import ArrivalKind
from harness.model.outcome import Outcome
from harness.model.result import Requests
from harness.model.traffic import Traffic


def counts(draft):
    history = draft.history()
    found = count(history.requests, history.plan)
    assert found.planned >= found.sent == found.ok + found.failed + found.unknown
    return found


def test_the_plan_is_probes_then_arrivals():
    plan = planned(clean().record)
    assert len(plan) == 5403
    assert list(plan["stream"][:4]) == ["probe", "probe", "probe", "get-reused"]
    assert list(plan["due_ns"][:4]) == [-1, -1, -1, at(0)]


def test_a_poisson_plan_comes_from_the_seed():
    draft = clean()
    traffic = Traffic(streams=draft.record.scenario.traffic.streams, arrivals=ArrivalKind.poisson)
    draft.scenario(traffic=traffic, seed=4)
    plan = planned(draft.record)
    assert plan.equals(planned(draft.record))
    draft.scenario(seed=5)
    assert not plan.equals(planned(draft.record))


def test_a_clean_run_differs_in_nothing():
    draft = clean()
    found = compare(draft.history().recorded, planned(draft.record))
    assert (found.missing, found.duplicated, found.unexpected, found.mismatched) == (0, 0, 0, 0)


def test_what_differs_is_found_in_any_order():
    draft = clean()
    draft.drop([50, 60])
    draft.again([70, 71])
    draft.again([80], seq=6_000)
    draft.set([90], stream="slow")
    plan = planned(draft.record)
    expected = compare(draft.history().recorded, plan)
    assert (expected.missing, expected.missing_examples) == (2, (50, 60))
    assert (expected.duplicated, expected.duplicated_examples) == (2, (70, 71))
    assert (expected.unexpected, expected.unexpected_examples) == (1, (6_000,))
    assert (expected.mismatched, expected.mismatched_examples) == (1, (90,))
    draft.samples = random_order(draft.samples, 3)
    assert compare(draft.history().recorded, plan) == expected


def test_a_clean_run_is_counted():
    assert counts(clean()) == Requests(
        planned=5400, sent=5400, ok=5400, failed=0, unknown=0, by_outcome={"ok": 5400}
    )


def test_each_state_is_counted_once():
    draft = clean()
    draft.operations = None
    reads, writes = draft.seqs("get-new"), draft.seqs("write")
    draft.fail(reads[:2], Outcome.reset)
    draft.fail(writes[:3], Outcome.reset)
    draft.fail(writes[3:4], Outcome.wrong_status)
    draft.fail(reads[2:6], Outcome.not_sent)
    draft.drop(reads[6:11])
    assert counts(draft) == Requests(
        planned=5400,
        sent=5396,
        ok=5385,
        failed=3,
        unknown=8,
        missing=5,
        by_outcome={"ok": 5385, "reset": 5, "wrong_status": 1, "not_sent": 4},
    )


def test_an_unanswered_write_that_the_store_knows_is_failed():
    draft = clean()
    draft.fail(draft.seqs("write")[:3], Outcome.reset)
    assert (counts(draft).failed, counts(draft).unknown) == (3, 0)


def test_a_doubled_sample_is_one_request_and_the_worst_of_it():
    draft = clean()
    draft.again([500, 501], outcome="reset")
    found = counts(draft)
    assert (found.planned, found.ok, found.failed) == (5400, 5398, 2)


def test_a_killed_run_is_counted_from_its_log():
    draft = clean()
    draft.record = type(draft.record)(
        run="r", scenario=draft.record.scenario, environment={}, sent=None
    )
    draft.drop(draft.seqs(since=12))
    assert counts(draft).planned == 3600


WINDOW = [Window(swap=1, begin_ns=10_000, end_ns=10_000 + 3_000_000_000)]


def machine(*shares, first_ns=500_000_000):
    return [
        MachineSecond(at_ns=10_000 + first_ns + index * 1_000_000_000, steal_share=share)
        for index, share in enumerate(shares)
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], None),
        (machine(None, None), None),
        (machine(0.1, 0.3), 0.2),
        (machine(0.1, None, 0.3), 0.2),
        (machine(0.9, 0.0, 0.0, 0.0, 0.9, first_ns=0), 0.0),
        (machine(1.0, first_ns=9_000_000_000), None),
        (machine(1.0, first_ns=-5), None),
    ],
)
def test_steal_is_the_mean_of_the_seconds_that_overlap(rows, expected):
    """A second that ends as the window begins, or begins as it ends, is outside of it."""
    share = steal_share(rows, WINDOW)
    assert share == (None if expected is None else pytest.approx(expected))


def test_the_order_of_seconds_does_not_matter():
    rows = machine(0.1, 0.2, 0.6)
    assert steal_share(rows[::-1], WINDOW) == steal_share(rows, WINDOW)


def test_a_reading_after_a_gap_stands_for_one_second():
    rows = [MachineSecond(at_ns=20_000_000_000, steal_share=0.5)]
    assert steal_share(rows, WINDOW) is None
