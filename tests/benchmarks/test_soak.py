"""What so many clean runs say of false alarms."""

from benchmarks.soak import Run, told
from harness.model.finding import Verdict

CLEAN = Run(verdict=Verdict.passed, why="")


def test_thirty_clean_runs_bound_false_alarms():
    assert told([CLEAN] * 30).splitlines() == [
        "30 runs, 30 in which no request failed: 30 pass",
        "false alarms: 0 of 30 (at 95 % confidence fewer than 9.5% of clean runs)",
    ]


def test_a_fail_without_a_failed_request_is_a_false_alarm_and_says_why():
    slow = Run(verdict=Verdict.failed, why="latency: too slow")
    lines = told([CLEAN, slow]).splitlines()
    assert lines[1] == "false alarms: 1 of 2"
    assert lines[2] == "  fail: latency: too slow"


def test_a_run_that_lost_requests_was_no_clean_one():
    lost = Run(verdict=Verdict.failed, why="no_failed_request: 3 of 9", failed=3)
    assert told([CLEAN, lost]).splitlines()[:2] == [
        "2 runs, 1 in which no request failed: 1 pass",
        "false alarms: 0 of 1 (at 95 % confidence fewer than 95.0% of clean runs)",
    ]
