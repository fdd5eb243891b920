"""`alive`, where the target is a Compose project: whose containers are whose, its names tell."""

from collections.abc import Iterator
from typing import Any, Final

from harness.analysis.history import History
from harness.analysis.phases import SECOND_NS
from harness.checks.wording import EXAMPLES, at, bounded
from harness.model.finding import Finding, Verdict
from harness.model.mark import Mark, MarkKind

__all__ = ["TARGET", "check"]

NAME = "alive"
TARGET: Final = "compose"
_OF_ONE: Final = frozenset({"stop", "discard"})
"""Steps that end one container on purpose."""
_OF_ALL: Final = frozenset({"recreate", "deploy"})
"""Steps that may end any, and may leave what they began to end itself."""


def check(history: History) -> Finding:
    """Fail where a container of the swapped service ended under load though no swap was at work;
    inconclusive where one of another service did so with an error, and where the engine's events do
    not tell of the service at all. One that ended well had something to do once.

    Not judged is whether an old container is left: a command may mean it to be.
    """
    service = str(history.record.scenario.settings.get("service", ""))
    events = [mark for mark in history.marks if mark.kind is MarkKind.event]
    began = sorted({_name(mark) for mark in events if mark.name.startswith("start ")})
    unasked = sorted(_unasked(history, events), key=lambda mark: mark.at_ns)
    own = [mark for mark in unasked if _service(mark) == service]
    others = [
        mark
        for mark in unasked
        if _service(mark) != service and str(mark.detail.get("exitCode", "")) != "0"
    ]
    evidence: dict[str, Any] = {
        "containers": began[:EXAMPLES],
        "ended_unasked": [_said(history, mark) for mark in (*own, *others)[:EXAMPLES]],
    }
    if own:
        return _finding(
            Verdict.failed, f"{_said(history, own[0])}, and no step told it to", evidence
        )
    if not any(name.rpartition("-")[0] == service for name in began):
        return _finding(
            Verdict.inconclusive,
            f"no event of the engine tells of any container of {bounded(service, 60)}: who ended "
            "is not known. Run again",
            evidence,
        )
    if others:
        return _finding(
            Verdict.inconclusive,
            f"{_said(history, others[0])}: a part of the project that the swap does not touch",
            evidence,
        )
    return _finding(Verdict.passed, "no container ended unasked", evidence)


def _unasked(history: History, events: list[Mark]) -> Iterator[Mark]:
    """Ends under load that no step tells of."""
    phases = history.phases
    begun_ns = min((phase.begin_ns for phase in phases if phase.name == "warmup"), default=None)
    if begun_ns is None:
        return
    down_ns = min((p.begin_ns for p in phases if p.name == "down"), default=history.last_ns + 1)
    settle_ns = int(history.record.scenario.timing.settle_s * SECOND_NS)
    for mark in events:
        if not mark.name.startswith("die ") or not begun_ns <= mark.at_ns < down_ns:
            continue
        is_told = any(
            step.begin_ns <= mark.at_ns
            and (
                (step.verb in _OF_ONE and step.instance == _name(mark))
                or (step.verb in _OF_ALL and mark.at_ns <= step.end_ns + settle_ns)
            )
            for step in history.steps
        )
        if not is_told:
            yield mark


def _name(mark: Mark) -> str:
    return str(mark.detail.get("instance", ""))


def _service(mark: Mark) -> str:
    """Compose names a container SERVICE-NUMBER."""
    return _name(mark).rpartition("-")[0]


def _said(history: History, mark: Mark) -> str:
    name = bounded(_name(mark), 60) or "a container"
    code = mark.detail.get("exitCode")
    return f"{name} ended at {at(history, mark.at_ns)}" + (
        f" with code {bounded(str(code), 20)}" if code is not None else ""
    )


def _finding(verdict: Verdict, message: str, evidence: dict[str, Any]) -> Finding:
    return Finding(check=NAME, verdict=verdict, message=message, evidence=evidence)
