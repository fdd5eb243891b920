"""`answered`: each stream was answered before, during and after every swap, and long enough; and
nothing came that nobody had asked for.
"""

from harness.analysis.history import History
from harness.analysis.phases import SECOND_NS, Phase
from harness.analysis.requests import OK
from harness.checks.wording import EXAMPLES, bounded, counted
from harness.model.finding import Finding, Verdict

__all__ = ["check"]

NAME = "answered"
JUDGED = ("steady", "swap", "after")
_EXPECTED = 10


def check(history: History) -> Finding:
    """Inconclusive where a stream has no answer that succeeded in a phase that is judged, or where
    the load ended too soon after the last swap for what may still fail (Scenario.tail_s), or where
    something came over an idle connection: a second answer, perhaps, which no sample shows.
    """
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
    rare = _rare(history, phases) if history.record.scenario.closed_loop is not None else set()
    wanted_holes = [hole for hole in holes if hole[0] not in rare]
    if wanted_holes or len(rare) == len(streams):
        return _unanswered(wanted_holes or holes)
    if amiss := _unasked(history) or _cut_short(history):
        return amiss
    unseen = sorted({stream for stream, _ in holes})
    left = f" but {', '.join(unseen[:3])}{', …' * (len(unseen) > 3)}, too rare for it"
    return Finding(
        check=NAME,
        verdict=Verdict.passed,
        message=f"every stream{left if unseen else ''} was answered in "
        f"{', '.join(p.label for p in phases[:6])}" + (", …" if len(phases) > 6 else ""),
        evidence={
            "streams": list(streams[:EXAMPLES]),
            "phases": len(phases),
            **({"too_rare": unseen[:EXAMPLES]} if unseen else {}),
        },
    )


def _rare(history: History, phases: list[Phase]) -> set[str]:
    """Of a locustfile's requests, those of which fewer than ten are to be expected in the shortest
    phase, by how often they came in the steady state: how often its users ask is their own choice.
    """
    steady = [phase for phase in phases if phase.name == "steady"]
    length_ns = sum(phase.end_ns - phase.begin_ns for phase in steady)
    shortest_ns = min(phase.end_ns - phase.begin_ns for phase in phases)
    rows = history.requests
    counts = rows.loc[rows["phase"] == "steady", "stream"].astype("str").value_counts()
    return {
        stream
        for stream in history.record.scenario.traffic.stream_names()
        if counts.get(stream, 0) * shortest_ns < _EXPECTED * max(length_ns, 1)
    }


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


def _unasked(history: History) -> Finding | None:
    """None where nothing came that nobody had asked for."""
    sent = history.record.sent
    if sent is None or not sent.unasked:
        return None
    text = bounded(sent.unasked_text, 120)
    return Finding(
        check=NAME,
        verdict=Verdict.inconclusive,
        message=(
            f"something came over {counted(sent.unasked, 'idle connection')} that nobody had asked "
            f"for, first {text}: whether each answer was the only one is not known"
        ),
        evidence={"unasked": sent.unasked, "first": text},
    )


def _cut_short(history: History) -> Finding | None:
    """None where the load went on for long enough, or where no swap was asked for."""
    sent, scenario = history.record.sent, history.record.scenario
    if sent is None or not scenario.swaps:
        return None
    last_ns = max(phase.end_ns for phase in history.phases if phase.name == "swap")
    tail_s = (sent.stop_ns - last_ns) / SECOND_NS
    needed_s, why = scenario.tail_s()
    if tail_s >= needed_s:
        return None
    return Finding(
        check=NAME,
        verdict=Verdict.inconclusive,
        message=(
            f"the load ended {tail_s:.2f} s after the last swap, {needed_s:.2f} s are needed: "
            f"{why}; raise --after"
        ),
        evidence={"tail_s": round(tail_s, 3), "needed_s": round(needed_s, 3)},
    )
