import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.tries import Tally, least_share, smallest_found, tallies
from harness.model.calibration import Trial


def trial(kind="reset", intervals=2, verdict="found", start=1.0, length=-2.0):
    is_seen = verdict != "missed"
    return Trial(
        kind=kind,
        intervals=intervals,
        interval_ms=10.0,
        start_s=0.0,
        length_ms=intervals * 10.0,
        seen_kind="x" if is_seen else "",
        seen_ms=1.0 if is_seen else None,
        start_error_ms=start if is_seen else None,
        length_error_ms=length if is_seen else None,
        allowed_ms=20.0,
        verdict=verdict,
    )


def test_tries_are_counted_by_kind_and_length_with_their_largest_error():
    assert tallies(
        [
            trial(start=1, length=-7),
            trial(start=-3, length=5, verdict="mismeasured"),
            trial(verdict="missed"),
            trial(verdict="misnamed"),
        ]
    ) == (
        Tally(
            kind="reset",
            intervals=2,
            length_ms=20,
            tries=4,
            named=2,
            measured=1,
            worst_start_ms=-3,
            worst_length_ms=-7,
        ),
    )


def test_what_was_never_found_has_no_error():
    [tally] = tallies([trial(verdict="missed")])
    assert (tally.worst_start_ms, tally.worst_length_ms) == (None, None)


@pytest.mark.parametrize(
    ("wrong", "smallest"),
    [
        ((), 20),
        ((("stall", 2),), 50),
        ((("stall", 5),), 200),
        ((("stall", 20),), None),
        ((("stall", 2), ("reset", 5)), 200),
    ],
)
def test_the_smallest_is_that_from_which_on_every_kind_was_found_every_time(wrong, smallest):
    trials = [
        trial(kind, intervals, "missed" if (kind, intervals) in wrong else "found")
        for kind in ("reset", "stall")
        for intervals in (2, 5, 20)
    ]
    assert smallest_found(tallies(trials)) == smallest


def test_twenty_of_twenty_prove_86_percent():
    assert least_share(20) == pytest.approx(0.861, abs=0.001)
    assert least_share(1) == pytest.approx(0.05)


@given(st.integers(1, 1_000))
def test_a_lower_share_would_come_by_chance_less_than_once_in_twenty(tries):
    assert least_share(tries) ** tries == pytest.approx(0.05)
