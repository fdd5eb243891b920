"""What was put in against what is found, on calibrations written by hand."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from fakes.calibrator import MS, START, TRAFFIC, Paper, injected
from fakes.sender import packed

from harness.analysis.calibration import measured, read
from harness.analysis.runfolder import convert
from harness.model.calibration import Calibration, OutageKind
from harness.model.outcome import Outcome


def judged(folder: Path, paper: Paper) -> Calibration:
    damage: list[str] = []
    found = read(paper.write(folder), damage)
    assert damage == []
    assert found is not None
    return measured(found)


def of(kind: OutageKind, at_ms: float = 400, length_ms: float = 60) -> Paper:
    return Paper(outages=(injected(kind, at_ms, length_ms),))


def bad_from(samples, since_ms, until_ms, outcome):
    """The samples due then end so; the others well."""
    return [
        sample._replace(outcome=outcome)
        if since_ms * MS <= sample.due_ns - START < until_ms * MS
        else sample
        for sample in samples
    ]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (OutageKind.refused, "refused"),
        (OutageKind.reset, "reset"),
        (OutageKind.closed, "closed_on_reuse"),
        (OutageKind.stall, "stall"),
        (OutageKind.truncated, "truncated"),
        (OutageKind.unavailable, "wrong_status"),
    ],
)
def test_each_kind_is_found_under_its_name_and_measured(tmp_path, kind, name):
    [trial] = judged(tmp_path, of(kind)).trials
    assert (trial.kind, trial.seen_kind, trial.verdict) == (kind.value, name, "found")
    assert (trial.start_s, trial.length_ms, trial.intervals, trial.interval_ms) == (0.4, 60, 2, 20)
    assert trial.start_error_ms is not None
    assert 0 <= trial.start_error_ms < 20
    assert trial.length_error_ms is not None
    assert abs(trial.length_error_ms) < 40


def test_a_close_is_named_alike_on_a_fresh_connection_and_on_one_used_before(tmp_path):
    only_new = replace(TRAFFIC, streams=TRAFFIC.streams[1:2])
    paper = replace(of(OutageKind.closed), traffic=only_new)
    [trial] = judged(tmp_path, paper).trials
    assert (trial.seen_kind, trial.verdict) == ("closed_before_answer", "found")


def test_an_outage_that_no_sample_shows_was_missed(tmp_path):
    clean = replace(of(OutageKind.reset), outages=()).samples()
    paper = replace(of(OutageKind.reset), spoil=lambda _: clean)
    [trial] = judged(tmp_path, paper).trials
    assert (trial.verdict, trial.seen_kind, trial.seen_ms) == ("missed", "", None)
    assert (trial.start_error_ms, trial.length_error_ms) == (None, None)


def test_a_failure_elsewhere_is_not_the_outage(tmp_path):
    clean = replace(of(OutageKind.reset), outages=()).samples()
    paper = replace(of(OutageKind.reset), spoil=lambda _: bad_from(clean, 100, 120, Outcome.reset))
    [trial] = judged(tmp_path, paper).trials
    assert trial.verdict == "missed"


def test_an_outage_under_another_name_was_misnamed(tmp_path):
    clean = replace(of(OutageKind.reset), outages=()).samples()
    paper = replace(
        of(OutageKind.reset), spoil=lambda _: bad_from(clean, 400, 460, Outcome.wrong_body)
    )
    [trial] = judged(tmp_path, paper).trials
    assert (trial.verdict, trial.seen_kind) == ("misnamed", "wrong_body")


@pytest.mark.parametrize(
    ("since", "until", "verdict"),
    [
        (400, 498, "found"),  # 38 ms longer; two intervals of 20 ms and a gap of 10 are allowed
        (400, 515, "mismeasured"),
        (360, 460, "found"),
        (340, 460, "mismeasured"),  # 60 ms early
        (400, 420, "found"),  # 40 ms shorter
        (455, 515, "mismeasured"),  # as long, and late
    ],
)
def test_start_and_length_may_be_two_intervals_and_the_largest_gap_off(
    tmp_path, since, until, verdict
):
    clean = replace(of(OutageKind.reset), outages=()).samples()
    paper = replace(
        of(OutageKind.reset), spoil=lambda _: bad_from(clean, since, until, Outcome.reset)
    )
    [trial] = judged(tmp_path, paper).trials
    assert 44 < trial.allowed_ms < 52
    assert trial.verdict == verdict, trial


def test_a_sender_that_paused_there_is_allowed_its_gap(tmp_path):
    """A pause from 430 to 480 ms: what was due then is sent late, and meets no outage."""

    def paused(samples):
        return [
            sample._replace(sent_ns=max(sample.sent_ns, START + 480 * MS))
            if 430 * MS <= sample.due_ns - START < 480 * MS
            else sample
            for sample in bad_from(samples, 400, 520, Outcome.reset)
        ]

    clean = replace(of(OutageKind.reset), outages=()).samples()
    paper = replace(of(OutageKind.reset), spoil=lambda _: paused(clean))
    [trial] = judged(tmp_path, paper).trials
    assert trial.allowed_ms == pytest.approx(40 + 55, abs=6)
    assert trial.verdict == "found", trial


def test_a_stall_shorter_than_its_half_is_none(tmp_path):
    """Held for 25 of 60 ms: a machine that hiccups is not taken for the stall."""
    clean = replace(of(OutageKind.stall), outages=()).samples()
    late = [
        sample._replace(finished_ns=sample.due_ns + 25 * MS)
        if 400 * MS <= sample.due_ns - START < 460 * MS
        else sample
        for sample in clean
    ]
    [trial] = judged(tmp_path, replace(of(OutageKind.stall), spoil=lambda _: late)).trials
    assert trial.verdict == "missed"


def test_a_request_that_is_slow_on_purpose_tells_of_no_stall(tmp_path):
    clean = replace(of(OutageKind.stall), outages=()).samples()
    late = [s._replace(finished_ns=s.due_ns + 500 * MS) if s.stream == 2 else s for s in clean]
    [trial] = judged(tmp_path, replace(of(OutageKind.stall), spoil=lambda _: late)).trials
    assert trial.verdict == "missed"


def test_two_outages_are_told_apart(tmp_path):
    paper = Paper(
        outages=(injected(OutageKind.reset, 200, 40), injected(OutageKind.unavailable, 500, 60)),
    )
    trials = judged(tmp_path, paper).trials
    assert [(trial.seen_kind, trial.verdict) for trial in trials] == [
        ("reset", "found"),
        ("wrong_status", "found"),
    ]


def test_the_certain_outage_is_the_largest_gap_between_two_starts(tmp_path):
    def silent(samples):
        """Nothing was sent from 700 to 790 ms."""
        return [s for s in samples if not 700 * MS <= s.due_ns - START < 790 * MS]

    found = judged(tmp_path, replace(of(OutageKind.reset), spoil=silent))
    assert found.certain_outage_ms == pytest.approx(90, abs=10)
    assert found.errors == ("18 planned requests without a sample",)


@pytest.mark.parametrize(
    ("paper", "error"),
    [
        (Paper(ended="died: killed by signal 9"), "its sender died: killed by signal 9"),
        (Paper(errors=("recorder: 3 samples were lost",)), "recorder: 3 samples were lost"),
        (
            Paper(spoil=lambda samples: [*samples, samples[0]]),
            "1 requests with more than one sample",
        ),
    ],
)
def test_what_its_own_evidence_lacks_is_an_error(tmp_path, paper, error):
    assert judged(tmp_path, paper).errors == (error,)


def test_a_damaged_row_is_an_error(tmp_path):
    paper = Paper()
    paper.write(tmp_path)
    (tmp_path / "requests.bin").write_bytes(packed(paper.samples())[:-1])
    found = read(tmp_path, [])
    assert found is not None
    assert "1 damaged rows in its request log" in measured(found).errors


def test_the_table_says_what_the_log_said(tmp_path):
    before = judged(tmp_path, Paper())
    convert(tmp_path)
    found = read(tmp_path, [])
    assert found is not None
    assert measured(found) == before


def test_no_calibration_is_none_and_a_damaged_one_is_named(tmp_path):
    damage: list[str] = []
    assert read(tmp_path, damage) is None
    assert damage == []
    Paper().write(tmp_path)
    (tmp_path / "scenario.json").unlink()
    assert read(tmp_path, damage) is None
    assert damage == ["calibration/"]
