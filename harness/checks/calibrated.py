"""`calibrated`: outages of known kind and length, put in before the run, were found as what they
were.
"""

from collections.abc import Sequence
from typing import Any, Final

from harness.analysis.history import History
from harness.analysis.trial import FOUND
from harness.checks.wording import EXAMPLES, bounded, counted, span_ms
from harness.model.calibration import Calibration, Trial
from harness.model.finding import Finding, Verdict

__all__ = ["LEAST_INTERVALS", "NAME", "check", "judged"]

NAME: Final = "calibrated"
LEAST_INTERVALS: Final = 2
"""Below it an outage may lie between two requests of the slowest stream."""


def check(history: History) -> Finding:
    """Inconclusive where an outage of 2 intervals or more was missed, misnamed or mismeasured, or
    where the calibration that was asked for has left no evidence; never fail, as it says nothing of
    the target.
    """
    if not history.record.scenario.calibrated:
        return Finding(
            check=NAME,
            verdict=Verdict.passed,
            message="not calibrated: what outages this run would notice was not tried in it",
            evidence={"calibration": "not calibrated"},
        )
    return judged(history.calibration)


def judged(found: Calibration | None) -> Finding:
    """The finding on a calibration that was asked for."""
    if found is None:
        return _inconclusive(
            "the run was to begin with a calibration, and none is in its folder; run again", {}
        )
    if found.errors:
        return _inconclusive(
            f"the calibration's own evidence is not whole: {found.errors[0]}; run again",
            {"errors": [bounded(error) for error in found.errors[:EXAMPLES]]},
        )
    if not found.trials:
        return _inconclusive(
            "the calibration put in no outage: there was no room for one, or no stream to see it",
            {"left_out": list(found.left_out[:EXAMPLES])},
        )
    return _compared(found)


def _compared(found: Calibration) -> Finding:
    wrong = [
        trial
        for trial in found.trials
        if trial.intervals >= LEAST_INTERVALS and trial.verdict != FOUND
    ]
    evidence = {
        "put_in": len(found.trials),
        "found": len(found.trials) - len(wrong),
        "certain_outage_ms": found.certain_outage_ms,
        "server_paused_ms": found.server_paused_ms,
        "sender_late": found.sender_late,
        "left_out": list(found.left_out[:EXAMPLES]),
    }
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        return _inconclusive(
            f"of {counted(len(found.trials), 'outage')} put in before the run one was "
            f"{wrong[0].verdict}: {_told(wrong[0])}{more}; free the machine or lower --rate",
            {**evidence, "wrong": [_told(trial) for trial in wrong[:EXAMPLES]]},
        )
    return Finding(
        check=NAME,
        verdict=Verdict.passed,
        message=f"{_lengths(found.trials)} put in before the run were found and rightly named, "
        f"at most {_worst(found.trials):.0f} ms off",
        evidence=evidence,
    )


def _inconclusive(message: str, evidence: dict[str, Any]) -> Finding:
    return Finding(check=NAME, verdict=Verdict.inconclusive, message=message, evidence=evidence)


def _told(trial: Trial) -> str:
    """What was put in, what was found instead, and what would have been allowed."""
    put_in = f"{trial.kind} for {trial.length_ms:.0f} ms at {trial.start_s:+.3f} s put in"
    if trial.seen_ms is None:
        return f"{put_in}, nothing found there"
    return (
        f"{put_in}, {trial.seen_kind} for {trial.seen_ms:.0f} ms found, its start "
        f"{trial.start_error_ms:+.0f} ms and its length {trial.length_error_ms:+.0f} ms off, "
        f"allowed {trial.allowed_ms:.0f} ms"
    )


def _lengths(trials: Sequence[Trial]) -> str:
    return f"{counted(len(trials), 'outage')} of {span_ms(trial.length_ms for trial in trials)}"


def _worst(trials: Sequence[Trial]) -> float:
    return max(
        abs(error)
        for trial in trials
        for error in (trial.start_error_ms, trial.length_error_ms)
        if error is not None
    )
