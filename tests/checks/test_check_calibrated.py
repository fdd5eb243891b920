from dataclasses import replace

from synthetic import clean

from harness.checks.calibrated import check
from harness.model.calibration import Calibration, Trial
from harness.model.finding import Finding, Verdict

GOOD = Trial(
    kind="reset",
    intervals=2,
    interval_ms=111.0,
    start_s=0.25,
    length_ms=222.0,
    seen_kind="reset",
    seen_ms=219.5,
    start_error_ms=1.2,
    length_error_ms=-2.5,
    allowed_ms=230.0,
    verdict="found",
)
MISSED = replace(
    GOOD,
    kind="stall",
    start_s=1.5,
    seen_kind="",
    seen_ms=None,
    start_error_ms=None,
    length_error_ms=None,
    verdict="missed",
)
WRONG = replace(GOOD, seen_kind="wrong_body", verdict="misnamed")
OFF = replace(GOOD, seen_ms=600.0, length_error_ms=378.0, verdict="mismeasured")


def found(calibration: Calibration | None, *, is_asked: bool = True) -> Finding:
    draft = clean()
    draft.scenario(calibrated=is_asked)
    return check(replace(draft.history(), calibration=calibration))


def of(*trials: Trial, **more: object) -> Calibration:
    return Calibration(
        trials=trials,
        requests=1_200,
        certain_outage_ms=7.5,
        server_paused_ms=12.5,
        sender_late=3,
        **more,
    )


def test_all_found_passes_with_the_largest_error():
    longer = replace(GOOD, length_ms=555.0, length_error_ms=13.4)
    assert found(
        of(GOOD, longer, left_out=("20 intervals of reset: no room in 3.7 s",))
    ) == Finding(
        check="calibrated",
        verdict=Verdict.passed,
        message="2 outages of 222 to 555 ms put in before the run were found and rightly named, at "
        "most 13 ms off",
        evidence={
            "put_in": 2,
            "found": 2,
            "certain_outage_ms": 7.5,
            "server_paused_ms": 12.5,
            "sender_late": 3,
            "left_out": ["20 intervals of reset: no room in 3.7 s"],
        },
    )


def test_one_that_was_missed_is_inconclusive_with_what_was_put_in():
    finding = found(of(GOOD, MISSED))
    assert finding.verdict is Verdict.inconclusive
    assert finding.message == (
        "of 2 outages put in before the run one was missed: stall for 222 ms at +1.500 s put in, "
        "nothing found there; free the machine or lower --rate"
    )
    assert finding.evidence["found"] == 1


def test_one_that_was_misnamed_is_inconclusive_with_both_names():
    finding = found(of(WRONG))
    assert finding.verdict is Verdict.inconclusive
    assert finding.message == (
        "of 1 outage put in before the run one was misnamed: reset for 222 ms at +0.250 s put in, "
        "wrong_body for 220 ms found, its start +1 ms and its length -2 ms off, allowed 230 ms; "
        "free the machine or lower --rate"
    )


def test_one_that_was_mismeasured_is_inconclusive_and_the_others_are_in_the_evidence():
    finding = found(of(OFF, MISSED, GOOD))
    assert finding.verdict is Verdict.inconclusive
    assert finding.message == (
        "of 3 outages put in before the run one was mismeasured: reset for 222 ms at +0.250 s put "
        "in, reset for 600 ms found, its start +1 ms and its length +378 ms off, allowed 230 ms "
        "(and 1 more); free the machine or lower --rate"
    )
    assert len(finding.evidence["wrong"]) == 2


def test_below_two_intervals_nothing_is_promised():
    assert found(of(GOOD, replace(MISSED, intervals=1))).verdict is Verdict.passed


def test_a_calibration_that_is_missing_though_asked_for_is_inconclusive():
    finding = found(None)
    assert finding.verdict is Verdict.inconclusive
    assert finding.message == (
        "the run was to begin with a calibration, and none is in its folder; run again"
    )


def test_one_that_put_in_nothing_is_inconclusive():
    finding = found(of(left_out=("reset: every stream is slow on purpose",)))
    assert finding.verdict is Verdict.inconclusive
    assert finding.message == (
        "the calibration put in no outage: there was no room for one, or no stream to see it"
    )


def test_one_whose_own_evidence_is_not_whole_is_inconclusive():
    finding = found(of(GOOD, errors=("2 damaged rows in its request log",)))
    assert finding.verdict is Verdict.inconclusive
    assert finding.message == (
        "the calibration's own evidence is not whole: 2 damaged rows in its request log; run again"
    )


def test_none_asked_for_is_said_in_the_evidence():
    finding = found(None, is_asked=False)
    assert finding.verdict is Verdict.passed
    assert finding.message.startswith("not calibrated: ")
    assert finding.evidence == {"calibration": "not calibrated"}
