"""Pauses of the scripted server and of the sender, beside outages, on calibrations by hand."""

import sys
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent.parent))

from fakes.calibrator import MS, START, Paper, injected, paused

from harness.analysis.absences import Truth, truth
from harness.analysis.calibration import measured, read
from harness.model.calibration import Calibration, OutageKind, Trial
from harness.model.outcome import Outcome
from harness.model.row import Sample
from harness.model.traffic import Stream, Traffic

STALL = injected(OutageKind.stall, 400, 60, interval_ms=10)
"""A success of more than 30 ms is slow; 20 ms and the largest start gap may it be off."""
QUICK = Traffic(streams=(Stream(name="a", path="/", rate_hz=500),))


def judged(paper: Paper) -> Calibration:
    with tempfile.TemporaryDirectory() as folder:
        found = read(paper.write(Path(folder)), [])
    assert found is not None
    return measured(found)


def trial(paper: Paper) -> Trial:
    [only] = judged(paper).trials
    return only


def of(*pauses: tuple[float, float], outage=STALL, spoil=lambda samples: samples) -> Paper:
    return Paper(
        outages=(outage,),
        traffic=QUICK,
        pauses=tuple(paused(*pause) for pause in pauses),
        spoil=spoil,
    )


def held(samples: list[Sample], since_ms: float, until_ms: float) -> list[Sample]:
    """Whatever was due then is answered at the end of it."""
    return [
        sample._replace(
            first_byte_ns=max(sample.finished_ns, START + int(until_ms * MS)),
            finished_ns=max(sample.finished_ns, START + int(until_ms * MS)),
        )
        if since_ms * MS <= sample.due_ns - START < until_ms * MS
        else sample
        for sample in samples
    ]


def late(samples: list[Sample], since_ms: float, until_ms: float) -> list[Sample]:
    """Whatever was due then is sent at the end of it, and answered 2 ms later."""
    moment = START + int(until_ms * MS)
    return [
        sample._replace(sent_ns=moment, first_byte_ns=moment + 2 * MS, finished_ns=moment + 2 * MS)
        if since_ms * MS <= sample.due_ns - START < until_ms * MS
        else sample
        for sample in samples
    ]


def before(samples: list[Sample]) -> list[Sample]:
    return held(samples, 230, 268)


def test_a_pause_of_the_server_before_a_stall_is_no_part_of_it():
    """The case that was measured: 132 ms before it requests waited up to 38 ms."""
    assert trial(of(spoil=before)).verdict == "mismeasured"
    one = trial(of((229, 268), spoil=before))
    assert (one.verdict, one.start_s, one.length_ms) == ("found", 0.4, 60)
    assert one.seen_ms == pytest.approx(60, abs=3)


def test_a_pause_after_a_stall_is_no_part_of_it():
    def after(samples):
        return held(samples, 540, 585)

    assert trial(of(spoil=after)).verdict == "mismeasured"
    assert trial(of((538, 585), spoil=after)).verdict == "found"


def test_a_pause_that_runs_into_a_stall_is_part_of_it():
    """Requests due from 340 ms on waited for the server, and those from 400 on for the stall."""

    def into(samples):
        return held(samples, 340, 460)

    assert trial(of(spoil=into)).verdict == "mismeasured"
    one = trial(of((338, 399), spoil=into))
    assert (one.verdict, one.start_s, one.length_ms) == ("found", 0.34, 120)
    assert (one.start_error_ms, one.length_error_ms) == (0, 0)


def test_a_pause_that_follows_a_stall_is_part_of_it_as_far_as_it_was_seen():
    def on(samples):
        return held(samples, 400, 520)

    assert trial(of(spoil=on)).verdict == "mismeasured"
    one = trial(of((461, 530), spoil=on))
    assert (one.verdict, one.length_ms) == ("found", 120)


def test_a_pause_at_the_end_of_an_outage_that_nobody_saw_makes_it_no_longer():
    """What is refused ends with the outage, however late the right answers then are."""
    refused = injected(OutageKind.reset, 400, 60, interval_ms=10)
    one = trial(of((459, 520), outage=refused, spoil=lambda samples: held(samples, 460, 520)))
    assert one.verdict == "found"
    assert one.length_ms == pytest.approx(60, abs=1)


def test_a_stall_that_is_mismeasured_stays_so_though_the_server_paused_elsewhere():
    """Slow from 300 ms on for no reason that anybody knows."""

    def wrong(samples):
        return held(before(samples), 300, 460)

    one = trial(of((229, 268), (600, 640), (450, 458), spoil=wrong))
    assert one.verdict == "mismeasured"
    assert one.start_error_ms == pytest.approx(-100, abs=3)


def test_a_short_pause_does_not_explain_a_long_wait():
    """38 ms, of which the server was away for 6: 32 is slow too."""
    assert trial(of((240, 246), spoil=before)).verdict == "mismeasured"


def test_a_failure_in_a_pause_is_not_explained_by_it():
    def failing(samples):
        return [
            sample._replace(outcome=Outcome.reset) if sample.finished_ns - START == 268 * MS
            else sample
            for sample in before(samples)
        ]  # fmt: skip

    assert trial(of((229, 268), spoil=failing)).verdict == "misnamed"


def test_a_pause_that_met_a_stall_does_not_unmake_it():
    one = trial(of((380, 470)))
    assert one.verdict == "found"
    assert one.seen_ms == pytest.approx(60, abs=3)


def test_a_stall_that_no_request_felt_is_missed_though_the_server_paused_then():
    clean = replace(of(), outages=()).samples()
    assert trial(of((395, 465), spoil=lambda _: clean)).verdict == "missed"


def test_requests_that_were_sent_late_before_a_stall_are_no_part_of_it():
    """The sender was off the CPU for 38 ms. The gap in its starts is allowed for, and is not
    needed.
    """
    one = trial(of(spoil=lambda samples: late(samples, 230, 268)))
    assert one.verdict == "found"
    assert one.allowed_ms < 30


def test_a_sender_that_is_late_while_the_server_is_slow_does_not_excuse_it():
    one = trial(of(spoil=lambda samples: held(late(samples, 290, 296), 290, 335)))
    assert one.verdict == "mismeasured"


def test_pauses_and_late_requests_are_told():
    found = judged(of((229, 268), (700, 705.5), spoil=lambda samples: late(samples, 800, 820)))
    assert (found.server_paused_ms, found.sender_late) == (44.5, 8)


def test_the_worked_example_of_the_docstring():
    rows = _rows(of())
    pauses = (paused(20, 50), paused(60, 98))
    at = [START + moment * MS for moment in (60, 100, 167)]
    assert truth(rows, pauses, at[1], at[2]) == Truth(
        earliest_ns=at[0], began_ns=at[1], ended_ns=at[2], latest_ns=at[2]
    )


def test_one_pause_after_another_is_one():
    pauses = (paused(160, 180), paused(182, 200), paused(206, 220))
    known = truth(_rows(of()), pauses, START + 100 * MS, START + 158 * MS)
    assert known.latest_ns == START + 200 * MS


def _rows(paper: Paper):
    with tempfile.TemporaryDirectory() as folder:
        found = read(paper.write(Path(folder)), [])
    assert found is not None
    return found.requests


THIN = Traffic(streams=(Stream(name="a", path="/", rate_hz=20),))
"""Every 50 ms, answered after 2 ms but in the stall: much time that no request meets."""
THINLY = Paper(
    outages=(injected(OutageKind.stall, 410, 320, intervals=8, interval_ms=40),), traffic=THIN
)
WRONGLY = replace(THINLY, spoil=lambda samples: held(samples, 140, 400))


@cache
def _free(paper_is_wrong: bool) -> tuple[tuple[float, float], ...]:
    """The spans between two requests."""
    paper = WRONGLY if paper_is_wrong else THINLY
    lives = sorted((s.due_ns, s.finished_ns) for s in paper.samples())
    spans, until = [], lives[0][1]
    for due, finished in lives[1:]:
        if due > until:
            spans.append(((until - START) / MS, (due - START) / MS))
        until = max(until, finished)
    return tuple(spans)


@settings(max_examples=40, deadline=None)
@given(st.booleans(), st.data())
def test_pauses_that_no_request_met_change_nothing(is_wrong, data):
    paper = WRONGLY if is_wrong else THINLY
    share = st.tuples(st.sampled_from(_free(is_wrong)), st.floats(0.01, 0.2), st.floats(0.3, 0.99))
    pauses = tuple(
        paused(begin + low * (end - begin), begin + high * (end - begin))
        for (begin, end), low, high in data.draw(st.lists(share, min_size=3, max_size=8))
    )
    with_pauses = judged(replace(paper, pauses=pauses))
    assert with_pauses.trials == judged(paper).trials
