"""`replaced`: the old release answered before each swap and the new one after it, alone."""

from typing import Any

import pandas as pd

from harness.analysis.history import History
from harness.analysis.phases import Phase
from harness.checks import observed
from harness.checks.swap_completed import completed_swaps
from harness.checks.told import FOREVER, answers, by_release, sent_within, who
from harness.checks.wording import EXAMPLES, at, bounded, counted
from harness.model.finding import Finding, Verdict
from harness.model.outcome import Cache

__all__ = ["check"]

NAME = "replaced"
_SAME = ", both the same image: a deploy that changes nothing but the containers"
COLUMNS = ["seq", "sent_ns", "finished_ns", "release", "instance"]


def check(history: History) -> Finding:
    """Fail where the old release, or a container that was stopped, answers a request that was
    sent after its end. Inconclusive where a release was not seen that should have been (a swap
    that changed nothing), where the baseline is not what it says, or where a swap did not
    complete: what answers after that is nobody's fault yet.

    Only answers that tell their release are judged; an error page of the edge tells none. Of a
    visit, the first answer and the last one are; of one that failed, neither. A copy
    from a cache may rightly outlive its release: the check `cached` sees to it. Where the
    releases' names were not known beforehand it is `observed` that judges.
    """
    scenario = history.record.scenario
    if scenario.swaps and not any(scenario.releases):
        return observed.check(history)
    rows = answers(history)
    own = (rows["release"] != "") & (rows["cache"] != Cache.hit.name)
    told = rows.loc[own.to_numpy(), COLUMNS]
    told = told.sort_values(["sent_ns", "seq"], ignore_index=True)
    evidence: dict[str, Any] = {
        "answers": len(told),
        "by_release": by_release(told),
    }
    if not scenario.swaps:
        return _finding(Verdict.passed, "no swap was asked for: no release to replace", evidence)
    if scenario.releases[0] == scenario.releases[1]:
        return _finding(
            Verdict.inconclusive,
            f"old and new release are both named {scenario.releases[0]}: whether the swap changed "
            "anything cannot be told; name them differently",
            evidence,
        )
    swaps = [phase for phase in history.phases if phase.name == "swap"]
    wrong = _stopped(history, told)
    unsure = _strangers(history, told)
    for index, phase in enumerate(swaps):
        begin = swaps[index - 1].end_ns if index else -FOREVER
        end = swaps[index + 1].begin_ns if index + 1 < len(swaps) else FOREVER
        _judge(history, told, phase, span=(begin, end), wrong=wrong, unsure=unsure)
    if not swaps:
        unsure.append("no swap was begun")
    evidence["problems"] = (wrong + unsure)[:EXAMPLES]
    if wrong:
        return _finding(Verdict.failed, "; ".join(wrong[:3]), evidence)
    if unsure:
        return _finding(Verdict.inconclusive, "; ".join(unsure[:3]), evidence)
    old, new = scenario.releases
    return _finding(
        Verdict.passed,
        f"before each swap only the old release answered, after it only the new one "
        f"({old} to {new}{', and back' if scenario.swaps > 1 else ''}"
        f"{_SAME if history.record.environment.get('same_image') is True else ''}; "
        f"{counted(len(told), 'answer')} told their release)",
        evidence,
    )


def _judge(
    history: History,
    told: pd.DataFrame,
    phase: Phase,
    *,
    span: tuple[int, int],
    wrong: list[str],
    unsure: list[str],
) -> None:
    """One swap, within (the end of the one before, the beginning of the next)."""
    old, new = history.record.scenario.releases_of(phase.swap)
    before = sent_within(told, span[0], phase.begin_ns)
    before = before[before["finished_ns"] <= phase.begin_ns]
    after = sent_within(told, phase.end_ns, span[1])
    early = before[before["release"] == new]
    # Between swaps, the new one is the old one of the swap before, which is judged there.
    if phase.swap == 1 and len(early):
        unsure.append(
            f"the new release {new} answered before {phase.label} began "
            f"({len(early):,} times, first {who(history, early)}): "
            "the baseline is not what it says"
        )
    if not (before["release"] == old).any():
        unsure.append(f"the old release {old} was not seen before {phase.label}")
    if phase.swap not in completed_swaps(history):
        unsure.append(f"{phase.label} did not complete: what answered after it is not judged")
        return
    if not (after["release"] == new).any():
        unsure.append(
            f"the new release {new} was not seen after {phase.label}: a swap that changed nothing"
        )
        return
    late = after[after["release"] == old]
    if len(late):
        wrong.append(
            f"the old release {old} still answered after {phase.label} had ended: "
            f"{counted(len(late), 'answer')}, first {who(history, late)}"
        )


def _stopped(history: History, told: pd.DataFrame) -> list[str]:
    completed = completed_swaps(history)
    found = []
    for step in history.steps:
        if step.verb != "stop" or not step.instance or step.swap not in completed:
            continue
        later = sent_within(told, step.end_ns + 1, FOREVER)
        late = later[later["instance"] == step.instance]
        if len(late):
            found.append(
                f"{bounded(step.instance, 60)} still answered after `{bounded(step.name, 100)}` "
                f"had ended at {at(history, step.end_ns)}: {counted(len(late), 'answer')}, "
                f"first {who(history, late)}"
            )
    return found


def _strangers(history: History, told: pd.DataFrame) -> list[str]:
    strange = told[~told["release"].isin(history.record.scenario.releases)]
    if not len(strange):
        return []
    name = bounded(str(strange["release"].iloc[0]), 60)
    return [
        (
            f"{counted(len(strange), 'answer')} of a release that is neither old nor new: {name}, "
            f"first {who(history, strange)}"
        )
    ]


def _finding(verdict: Verdict, message: str, evidence: dict[str, Any]) -> Finding:
    return Finding(check=NAME, verdict=verdict, message=message, evidence=evidence)
