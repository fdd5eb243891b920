"""A late look at an answer: what of it is the peer's lateness, and what is our own."""

import pytest
from talk import stream

from harness.traffic.connection import resolve
from harness.traffic.flight import Flight
from harness.traffic.prepared import Prepared, Reached

MS = 1_000_000
DEADLINE_NS = 5_000 * MS
TIMEOUT_MS = 300


@pytest.fixture
def flight() -> Flight:
    prepared = Prepared(
        stream(timeout_s=TIMEOUT_MS / 1000),
        reached=Reached("site.test", *resolve("127.0.0.1", 80), None),
        run="r1",
        headers={},
        max_idle_s=1.0,
    )
    made = Flight(prepared, b"r1-0")
    made.deadline_ns = DEADLINE_NS
    return made


def looked(
    flight: Flight, late_ms: int, heard_ms: int | None, *, is_whole: bool, of_ns: int = DEADLINE_NS
) -> int:
    """By how many ms its deadline is later; both moments are after the first deadline."""
    before_ns = flight.deadline_ns
    heard_ns = None if heard_ms is None else of_ns + heard_ms * MS
    flight.look_late(of_ns + late_ms * MS, heard_ns, is_whole)
    return (flight.deadline_ns - before_ns) // MS


@pytest.mark.parametrize("heard_ms", [-4_000, 0, 9, None])
def test_an_answer_that_lay_whole_as_we_looked_is_one(flight: Flight, heard_ms: int | None) -> None:
    assert looked(flight, 200, heard_ms, is_whole=True) == 0


@pytest.mark.parametrize("is_whole", [True, False])
def test_what_came_after_the_deadline_is_late(flight: Flight, is_whole: bool) -> None:
    with pytest.raises(TimeoutError):
        looked(flight, 200, 11, is_whole=is_whole)


@pytest.mark.parametrize(("late_ms", "heard_ms"), [(0, -5), (10, 0), (200, None)])
def test_who_looks_in_time_or_cannot_tell_grants_nothing(
    flight: Flight, late_ms: int, heard_ms: int | None
) -> None:
    with pytest.raises(TimeoutError):
        looked(flight, late_ms, heard_ms, is_whole=False)


@pytest.mark.parametrize(("late_ms", "granted_ms"), [(11, 22), (200, 400), (9_000, 9_300)])
def test_who_was_late_grants_as_much_again_but_no_more_than_a_timeout(
    flight: Flight, late_ms: int, granted_ms: int
) -> None:
    assert looked(flight, late_ms, -5, is_whole=False) == granted_ms


def test_it_is_granted_once(flight: Flight) -> None:
    looked(flight, 200, -5, is_whole=False)
    with pytest.raises(TimeoutError):
        looked(flight, 200, -5, is_whole=False, of_ns=flight.deadline_ns)


def test_the_next_exchange_of_a_visit_may_be_granted_it_anew(flight: Flight) -> None:
    looked(flight, 200, -5, is_whole=False)
    flight.begin(flight.prepared, DEADLINE_NS)
    assert looked(flight, 200, -5, is_whole=False, of_ns=flight.deadline_ns) == 400
