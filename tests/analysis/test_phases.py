import pandas as pd
from synthetic import START, S, at, clean, mark, span

from harness.analysis.phases import (
    Phase,
    Window,
    begun_at,
    phases,
    steps,
    swap_windows,
    with_phase,
    within,
)
from harness.model.mark import Edge, MarkKind

PHASE = MarkKind.phase


def test_phases_are_pairs_of_marks_in_the_order_of_beginning():
    marks = [*span(PHASE, "swap", 5, 8, swap=1), *span(PHASE, "steady", 0, 5)]
    assert phases(reversed(marks), at(9)) == (
        Phase(name="steady", swap=0, begin_ns=at(0), end_ns=at(5)),
        Phase(name="swap", swap=1, begin_ns=at(5), end_ns=at(8)),
    )


def test_an_unfinished_phase_ends_with_what_is_known():
    marks = [mark(PHASE, "swap", 5, Edge.begin, swap=2)]
    [phase] = phases(marks, at(9))
    assert phase == Phase(name="swap", swap=2, begin_ns=at(5), end_ns=at(9), ended=False)
    assert phase.label == "swap 2"


def test_an_end_without_a_beginning_is_no_phase():
    assert phases([mark(PHASE, "swap", 5, Edge.end, swap=2)], at(9)) == ()


def test_swaps_of_other_numbers_do_not_end_each_other():
    marks = [
        mark(PHASE, "swap", 1, Edge.begin, swap=1),
        mark(PHASE, "swap", 2, Edge.begin, swap=2),
        mark(PHASE, "swap", 3, Edge.end, swap=2),
    ]
    assert [(p.swap, p.ended) for p in phases(marks, at(9))] == [(1, False), (2, True)]


def test_a_swap_number_that_is_none_is_0():
    [phase] = phases(span(PHASE, "swap", 1, 2, swap="x"), at(9))
    assert phase.swap == 0


def test_steps_know_whom_they_concern():
    step = steps(clean().marks, at(99))[-1]
    assert (step.name, step.verb, step.instance, step.release, step.swap) == (
        "stop website-1",
        "stop",
        "website-1",
        "v1",
        1,
    )
    assert (step.begin_ns, step.end_ns) == (at(12.6), at(13.9))


def test_the_verb_is_the_names_first_word_where_it_is_not_told():
    [step] = steps(span(MarkKind.step, "stop website-9", 1, 2), at(9))
    assert step.verb == "stop"


def test_the_step_that_had_begun_last_is_found():
    found = steps(clean().marks, at(99))
    assert begun_at(found, at(10.9)) is None
    assert begun_at(found, at(11.0)).name == "start v2"
    assert begun_at(found, at(99)).name == "stop website-1"


def test_a_window_is_a_swap_and_what_settles():
    assert swap_windows(phases(clean().marks, at(99)), 2.0) == (
        Window(swap=1, begin_ns=at(11), end_ns=at(16)),
    )


def test_windows_hold_their_beginning_and_not_their_end():
    windows = [Window(swap=1, begin_ns=10, end_ns=20), Window(swap=2, begin_ns=15, end_ns=25)]
    moments = pd.Series([9, 10, 19, 20, 24, 25])
    assert within(moments, windows).tolist() == [False, True, True, True, True, False]


def test_each_sample_has_the_phase_that_had_begun_last():
    found = phases([*span(PHASE, "steady", 0, 5), *span(PHASE, "swap", 6, 7, swap=1)], at(9))
    due = [-1, 0, 4.9, 5.5, 6, 8]
    samples = pd.DataFrame(
        {"due_ns": [START + int(s * S) for s in due], "stream": ["a"] * 5 + ["probe"]}
    )
    told = with_phase(samples, found)
    assert list(zip(told["phase"], told["swap"], strict=True)) == [
        ("", 0),
        ("steady", 0),
        ("steady", 0),
        ("steady", 0),
        ("swap", 1),
        ("answering", 0),
    ]


def test_without_phases_samples_have_none():
    told = with_phase(pd.DataFrame({"due_ns": [1], "stream": ["a"]}), ())
    assert list(told["phase"]) == [""]
