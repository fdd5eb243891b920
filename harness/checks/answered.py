"""`answered`: each stream was answered before, during and after every swap."""

from harness.analysis.history import History
from harness.analysis.phases import Phase
from harness.analysis.requests import OK
from harness.checks.wording import EXAMPLES
from harness.model.finding import Finding, Verdict

__all__ = ["check"]

NAME = "answered"
JUDGED = ("steady", "swap", "after")


def check(history: History) -> Finding:
    """Inconclusive where a stream has no answer that succeeded in a phase that is judged."""
    phases = [phase for phase in history.phases if phase.name in JUDGED]
    wanted = JUDGED if history.record.scenario.swaps else ("steady",)
    absent = [name for name in wanted if name not in {phase.name for phase in phases}]
    if absent:
        return Finding(
            check=NAME,
            verdict=Verdict.inconclusive,
            message=f"the run had no phase {', '.join(absent)}: there is nothing to compare",
            evidence={"phases": [phase.label for phase in history.phases[:EXAMPLES]]},
        )
    good = history.requests[history.requests["state"] == OK]
    kinds = good[["stream", "phase", "swap"]].drop_duplicates()
    seen = set(kinds.itertuples(index=False, name=None))
    streams = history.record.scenario.traffic.stream_names()
    holes = [
        (stream, phase)
        for phase in phases
        for stream in streams
        if (stream, phase.name, phase.swap) not in seen
    ]
    if holes:
        return _unanswered(holes)
    return Finding(
        check=NAME,
        verdict=Verdict.passed,
        message=f"every stream was answered in {', '.join(p.label for p in phases[:6])}"
        + (", …" if len(phases) > 6 else ""),
        evidence={"streams": list(streams[:EXAMPLES]), "phases": len(phases)},
    )


def _unanswered(holes: list[tuple[str, Phase]]) -> Finding:
    named = [f"{stream} in {phase.label}" for stream, phase in holes]
    return Finding(
        check=NAME,
        verdict=Verdict.inconclusive,
        message=(
            f"no answer succeeded: {', '.join(named[:3])}{', …' if len(named) > 3 else ''}; "
            "raise the stream's rate or lengthen the phase, if nothing else failed"
        ),
        evidence={"unanswered": named[:EXAMPLES], "count": len(named)},
    )
