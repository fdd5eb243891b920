"""`alive`: no container ended unasked in mid-run, none of the old release outlived the swaps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.analysis.history import History
from harness.checks.swap_completed import completed_swaps
from harness.checks.wording import EXAMPLES, at, bounded
from harness.model.control import INSTANCE
from harness.model.finding import Finding, Verdict
from harness.model.mark import Mark, MarkKind

__all__ = ["check"]

NAME = "alive"
ENDING = frozenset({"stop", "discard", "kill"})
"""Steps that end a container on purpose."""
STACK = "stack"
"""The target whose containers are ours (verify)."""
WEBSITE = "website-"
"""How its instances' names begin (stack.website)."""
COMPONENTS = frozenset({"edge", "balancer", "store"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lives:
    """When containers began and ended, by name, as the engine's events tell."""

    began: Mapping[str, int]
    ended: Mapping[str, Mark]


def check(history: History) -> Finding:
    """Fail where an instance of the website ended though no step told it to, or where one of the
    old release still ran once the last swap was over. Inconclusive where another component ended:
    that is no fault of the release, and where the stack's own events do not tell of an instance
    that answered. Not judged for a target whose containers are not known.
    """
    lives = _lives(history)
    if history.record.scenario.target != STACK and not lives.began:
        return _finding(Verdict.passed, "the target tells nothing of its containers", {})
    down = next((p.begin_ns for p in history.phases if p.name == "down"), history.last_ns + 1)
    dead = [
        mark
        for name, mark in sorted(lives.ended.items(), key=lambda item: item[1].at_ns)
        if mark.at_ns < down and not _was_told(history, name, mark.at_ns)
    ]
    left = _outlived(history, lives, down)
    untold = [name for name in _answering(history) if name not in lives.began]
    evidence: dict[str, Any] = {
        "containers": sorted(lives.began)[:EXAMPLES],
        "ended_unasked": [_said(history, mark) for mark in dead[:EXAMPLES]],
        "old_still_running": left[:EXAMPLES],
    }
    ours = [mark for mark in dead if str(mark.detail.get("instance", "")) in COMPONENTS]
    theirs = [mark for mark in dead if mark not in ours]
    if theirs:
        return _finding(
            Verdict.failed, f"{_said(history, theirs[0])}, and no step told it to", evidence
        )
    if left:
        names = ", ".join(bounded(name, 60) for name in left[:3])
        return _finding(
            Verdict.failed, f"of the old release {names} still ran after the last swap", evidence
        )
    if untold:
        return _finding(
            Verdict.inconclusive,
            f"{untold[0]} answered, and no event of the engine tells of it: who ended is not "
            "known. Run again",
            evidence | {"untold": untold[:EXAMPLES]},
        )
    if ours:
        return _finding(
            Verdict.inconclusive,
            f"{_said(history, ours[0])}: a part of the stack that the swap does not touch",
            evidence,
        )
    return _finding(
        Verdict.passed, "no container ended unasked, and none of the old release was left", evidence
    )


def _lives(history: History) -> _Lives:
    # The control is no part of the target: the run goes on without it.
    events = [
        mark
        for mark in history.marks
        if mark.kind is MarkKind.event and mark.detail.get("instance") != INSTANCE
    ]
    return _Lives(
        began={
            str(mark.detail.get("instance", "")): mark.at_ns
            for mark in events
            if mark.name.startswith("start ")
        },
        ended={
            str(mark.detail.get("instance", "")): mark
            for mark in events
            if mark.name.startswith("die ")
        },
    )


def _was_told(history: History, name: str, at_ns: int) -> bool:
    return any(
        step.instance == name and step.verb in ENDING and step.begin_ns <= at_ns
        for step in history.steps
    )


def _answering(history: History) -> list[str]:
    """Instances that answered, by name; an answer that names none is nobody's."""
    names = history.requests["instance"].astype("str").unique()
    return [bounded(str(name), 60) for name in names if name]


def _outlived(history: History, lives: _Lives, down_ns: int) -> list[str]:
    """Instances that began before the last swap, whose old release they are then of, and had not
    ended by then; those too that no request ever came to.
    """
    swaps = history.record.scenario.swaps
    if not swaps or swaps not in completed_swaps(history):
        return []
    begun_ns = next(p.begin_ns for p in history.phases if (p.name, p.swap) == ("swap", swaps))
    old, _ = history.record.scenario.releases_of(swaps)
    rows = history.requests
    answered = set(rows.loc[rows["release"] == old, "instance"].astype("str").unique())
    return [
        name
        for name, began_ns in lives.began.items()
        if began_ns < begun_ns
        and (name in answered or name.startswith(WEBSITE))
        and (name not in lives.ended or lives.ended[name].at_ns >= down_ns)
    ]


def _said(history: History, mark: Mark) -> str:
    name = bounded(str(mark.detail.get("instance", "")), 60) or "a container"
    code = mark.detail.get("exitCode")
    return f"{name} ended at {at(history, mark.at_ns)}" + (
        f" with code {code}" if code is not None else ""
    )


def _finding(verdict: Verdict, message: str, evidence: dict[str, Any]) -> Finding:
    return Finding(check=NAME, verdict=verdict, message=message, evidence=evidence)
