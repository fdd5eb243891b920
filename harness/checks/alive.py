"""`alive`: no container ended unasked in mid-run, none of the old release outlived the swaps."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.analysis.history import History
from harness.checks import alive_in_project
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
COMPONENTS = frozenset({"edge", "balancer", "store", "follower", "engine-filter"})


def check(history: History) -> Finding:
    """Fail where an instance of the website ended though no step told it to, or where one of the
    old release still ran once the last swap was over. Inconclusive where another component ended:
    that is no fault of the release, and where the stack's own events do not tell of an instance
    that answered, or of none at all. Not judged for a target whose containers are not known; of a
    Compose project `alive_in_project` judges.
    """
    if history.record.scenario.target == alive_in_project.TARGET:
        return alive_in_project.check(history)
    lives = _lives(history)
    began = sorted(name for name, life in lives.items() if any(map(_begins, life)))
    if history.record.scenario.target != STACK and not began:
        return _finding(Verdict.passed, "the target tells nothing of its containers", {})
    down = next((p.begin_ns for p in history.phases if p.name == "down"), history.last_ns + 1)
    unasked = (mark for life in lives.values() for mark in _unasked(history, life))
    dead = sorted((mark for mark in unasked if mark.at_ns < down), key=lambda mark: mark.at_ns)
    left = _outlived(history, lives, down)
    untold = [name for name in _answering(history) if name not in began]
    evidence: dict[str, Any] = {
        "containers": began[:EXAMPLES],
        "ended_unasked": [_said(history, mark) for mark in dead[:EXAMPLES]],
        "old_still_running": left[:EXAMPLES],
    }
    ours = [mark for mark in dead if _component(str(mark.detail.get("instance", ""))) in COMPONENTS]
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
    if not any(name.startswith(WEBSITE) for name in began):
        return _finding(
            Verdict.inconclusive,
            "no event of the engine tells of any instance of the website: who ended is not known. "
            "Run again",
            evidence,
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


def _lives(history: History) -> Mapping[str, Sequence[Mark]]:
    """When containers began and ended, as the engine's events tell: by name, in order of time."""
    lives: dict[str, list[Mark]] = {}
    for mark in sorted(history.marks, key=lambda mark: mark.at_ns):
        name = str(mark.detail.get("instance", ""))
        # The control is no part of the target: the run goes on without it.
        if mark.kind is MarkKind.event and name != INSTANCE and (_begins(mark) or _ends(mark)):
            lives.setdefault(name, []).append(mark)
    return lives


def _component(name: str) -> str:
    """`edge` of `edge-2`, and of `edge-address`, which holds its address."""
    whose, _, which = name.rpartition("-")
    return whose if which.isdigit() or which == "address" else name


def _begins(mark: Mark) -> bool:
    return mark.name.startswith("start ")


def _ends(mark: Mark) -> bool:
    return mark.name.startswith("die ")


def _unasked(history: History, life: Sequence[Mark]) -> list[Mark]:
    """The ends that no step told of; each takes one of its own, begun since the end before."""
    ends = [mark for mark in life if _ends(mark)]
    return [
        mark
        for mark, before_ns in zip(ends, (0, *(end.at_ns for end in ends)), strict=False)
        if not any(
            step.instance == mark.detail.get("instance")
            and step.verb in ENDING
            and before_ns <= step.begin_ns <= mark.at_ns
            for step in history.steps
        )
    ]


def _answering(history: History) -> list[str]:
    """Instances that answered, by name; an answer that names none is nobody's."""
    names = history.requests["instance"].astype("str").unique()
    return [bounded(str(name), 60) for name in names if name]


def _outlived(history: History, lives: Mapping[str, Sequence[Mark]], down_ns: int) -> list[str]:
    """Instances that began before the last swap, whose old release they are then of, and still ran
    at the end, or again; those too that no request ever came to.
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
        for name, life in lives.items()
        if any(_begins(mark) and mark.at_ns < begun_ns for mark in life)
        and (name in answered or name.startswith(WEBSITE))
        and _begins([mark for mark in life if mark.at_ns < down_ns][-1])
    ]


def _said(history: History, mark: Mark) -> str:
    name = bounded(str(mark.detail.get("instance", "")), 60) or "a container"
    code = mark.detail.get("exitCode")
    return f"{name} ended at {at(history, mark.at_ns)}" + (
        f" with code {code}" if code is not None else ""
    )


def _finding(verdict: Verdict, message: str, evidence: dict[str, Any]) -> Finding:
    return Finding(check=NAME, verdict=verdict, message=message, evidence=evidence)
