"""The control's history: its waits, and which of the run's answers they explain."""

import numpy as np
import pytest
from fakes.control import ControlPaper
from hypothesis import given
from hypothesis import strategies as st
from synthetic import START, Draft, S, clean

from harness.analysis.control import Controlled, _most_shared, explained, figures, read
from harness.analysis.phases import Window
from harness.model.control import Blip
from harness.model.outcome import Outcome

MS = 1_000_000
WINDOW = Window(swap=1, begin_ns=START + 11 * S, end_ns=START + 16 * S)


def paper(**changes: object) -> ControlPaper:
    return ControlPaper(START, 18.0, **changes)  # type: ignore[arg-type]


def is_explained(control: Controlled, due_ms: float, took_ms: float, usual_ms: float = 0) -> bool:
    """Of an answer that was due so long after 12 s."""
    due = np.array([START + 12 * S + int(due_ms * MS)])
    excess = np.array([int((took_ms - usual_ms) * MS)])
    return bool(explained(control, due, due + int(took_ms * MS), excess)[0])


@pytest.mark.parametrize(
    ("stall", "expected"),
    [
        ((12.0, 12.2), True),
        ((12.0, 12.19), False),
        ((12.2, 12.4), True),
        ((12.22, 12.4), False),
        ((11.26, 12.04), False),
        ((11.5, 12.7), True),
    ],
    ids=["half", "less than half", "its end", "less at its end", "mostly before", "around it"],
)
def test_an_answer_is_explained_where_the_control_waited_half_as_long_in_the_same_time(
    stall: tuple[float, float], expected: bool
):
    """Of an answer that was due at 12 s and took 400 ms."""
    assert is_explained(paper(stalls=[stall]).controlled(), 0, 400) is expected


def test_only_what_it_waited_beyond_its_usual_time_is_to_be_explained():
    control = paper(stalls=[(12.0, 12.12)]).controlled()
    assert not is_explained(control, 0, 400)
    assert is_explained(control, 0, 400, usual_ms=200)


def test_a_wait_below_50_ms_explains_nothing():
    assert not is_explained(paper(stalls=[(12.0, 12.04)]).controlled(), 0, 60)
    assert is_explained(paper(stalls=[(12.0, 12.06)]).controlled(), 0, 60)


def queue(*answers: tuple[float, float], stall: tuple[float, float] = (12.0, 12.4)) -> list[bool]:
    """Of answers (due so long after 12 s, took), both in ms: which are explained."""
    due = np.array([START + 12 * S + int(at_ms * MS) for at_ms, _ in answers])
    took = np.array([int(took_ms * MS) for _, took_ms in answers])
    return explained(paper(stalls=[stall]).controlled(), due, due + took, took).tolist()


HELD = (10, 450)
"""Explained by itself: it was over at 460 ms, 60 after the control's wait."""


def test_who_queued_behind_those_that_were_held_up_is_explained_too():
    assert queue(HELD, (390, 180), (440, 160)) == [True, True, True]
    assert queue((440, 160), (390, 180), HELD) == [True, True, True]
    assert queue((390, 180), (440, 160)) == [False, False], "behind nobody"


def test_who_came_once_those_were_over_is_not():
    assert queue(HELD, (461, 160)) == [True, False]
    assert queue(HELD, (455, 160), (610, 150)) == [True, True, False], "half of the wait after it"
    assert queue(HELD, (455, 160), (590, 150)) == [True, True, True]


def test_who_came_before_the_control_waited_is_not():
    assert queue((-300, 800), (-290, 150), stall=(12.0, 12.6)) == [True, False]


lives = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 60)), max_size=12)


@given(lives=lives, answers=lives)
def test_the_most_that_is_shared_is_that_of_a_comparison_of_each_with_each(
    lives: list[tuple[int, int]], answers: list[tuple[int, int]]
):
    begins, ends = (np.array(x, dtype=np.int64) for x in _spans(sorted(lives)))
    due, over = (np.array(x, dtype=np.int64) for x in _spans(answers))
    first = np.searchsorted(np.maximum.accumulate(ends), due, side="right")
    beyond = np.searchsorted(begins, over, side="left")
    expected = [
        max([0, *(min(o, e) - max(d, b) for b, e in zip(begins, ends, strict=True))])
        for d, o in zip(due, over, strict=True)
    ]
    found = _most_shared((due, over), (begins, ends), first, beyond)
    assert np.maximum(found, 0).tolist() == expected


def _spans(found: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    return [begin for begin, _ in found], [begin + length for begin, length in found]


def test_two_hundred_thousand_slow_answers_are_compared_at_once():
    """By numpy, in 0.13 s of CPU: all slow, and a control that waited all the time."""
    control = paper(stalls=[(n / 2, n / 2 + 0.5) for n in range(34)]).controlled()
    due = START + np.linspace(0, 17 * S, 200_000).astype(np.int64)
    took = np.full(len(due), 250 * MS)
    assert explained(control, due, due + took, took).sum() > 100_000


def test_the_figures_are_of_the_swap_window_and_waits_are_blips():
    control = paper(
        stalls=[(5.0, 5.2), (12.0, 12.1), (12.14, 12.2)],
        failing=[(3.0, 3.1, Outcome.reset)],
    ).controlled()
    found = figures(control, (), [WINDOW], START)
    assert (found.requests, found.failed, found.in_window) == (900, 5, 250)
    assert (found.p99_ms, found.max_ms) == (None, 100.0)
    assert found.blips == (
        Blip(start_s=5.0, length_ms=200.0),
        Blip(start_s=12.0, length_ms=100.0),
        Blip(start_s=12.14, length_ms=60.0),
    )
    assert found.errors == ()


def test_blips_that_overlap_are_one_and_at_most_a_hundred_the_longest_are_kept():
    over = paper(stalls=[(12.0, 12.1)]).controlled()
    assert len(figures(over, (), [WINDOW], START).blips) == 1
    many = paper(stalls=[(n / 8, n / 8 + (0.055 if n < 39 else 0.08)) for n in range(140)])
    kept = figures(many.controlled(), (), [WINDOW], START).blips
    assert len(kept) == 100
    assert kept[0].start_s == 4.88, "the first 39 were shorter"
    assert list(kept) == sorted(kept, key=lambda blip: blip.start_s)


@pytest.mark.parametrize(
    ("control", "told"),
    [
        (None, "none is in the run's folder"),
        (paper(ended="died: killed by signal 9").controlled(), "its sender died: killed by"),
        (paper(errors=("2 rows lost",)).controlled(), "2 rows lost"),
    ],
)
def test_what_is_missing_is_named(control: Controlled | None, told: str):
    [error] = figures(control, (), [WINDOW], START).errors
    assert told in error


def test_a_control_is_read_from_its_folder_cut_short_or_not(tmp_path):
    paper().write(tmp_path)
    damage: list[str] = []
    whole = read(tmp_path, damage)
    assert whole is not None
    assert len(whole.requests) == 900
    log = tmp_path / "requests.bin"
    log.write_bytes(log.read_bytes()[:-30])
    cut = read(tmp_path, damage)
    assert cut is not None
    assert len(cut.requests) == 899
    assert figures(cut, (), [WINDOW], START).errors == ("1 damaged rows in its request log",)
    assert damage == []
    (tmp_path / "scenario.json").write_text("{")
    assert read(tmp_path, damage) is None
    assert damage == ["control/"]


def test_no_sample_of_the_control_is_one_of_the_runs():
    draft: Draft = clean()
    draft.scenario(control=True)
    streams = set(draft.history().requests["stream"])
    assert not streams & {"control-reused", "control-new"}
