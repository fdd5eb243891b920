"""`replaced`, where the releases were not named beforehand: the answers name them, or nobody."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from harness.analysis.history import History
from harness.analysis.phases import SECOND_NS, Phase
from harness.analysis.requests import OK
from harness.checks.swap_completed import completed_swaps
from harness.checks.told import FOREVER, answers, by_release, sent_within, who
from harness.checks.wording import EXAMPLES, bounded, counted
from harness.model.finding import Finding, Verdict
from harness.model.outcome import Cache

__all__ = ["NAME", "NOT_OBSERVED", "check"]

NAME = "replaced"
NOT_OBSERVED = "the release was not observed"
_REMEDY = "let the command wait until the old release is gone"
_LOOSE = "if every answer differs, tell the release by header:NAME or json:PATH"


@dataclass(slots=True, kw_only=True)
class _Judging:
    """What was found so far, swap by swap."""

    wrong: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
    releases: list[str] = field(default_factory=list)
    """The one that answered first, then the new one of each swap."""
    lingering: int = 0
    """Answers of an old release within the time that its swap takes to settle."""


def check(history: History) -> Finding:
    """Before each swap one release answers, and once what follows it has settled another one does.

    Fail where the old release answers a request that was sent later than `timing.settle_s` after
    the swap. Inconclusive where not just one release answered before, or none or several others
    after: a swap that changed nothing. An answer that tells no release counts as one without a
    name, but where its whole stream is said to tell none. Those, copies that a cache had kept, and
    answers that failed, are left out: they say nothing of who serves.

    Where nothing in an answer tells its release: inconclusive, or a pass where that is allowed.
    """
    scenario = history.record.scenario
    if not scenario.traffic.tells_release:
        return _unobserved(allowed=scenario.limits.unobserved_release)
    rows = answers(history)
    if silent := scenario.traffic.silent_streams():
        rows = rows[~rows["stream"].isin(silent)]
    good = (rows["state"] == OK).to_numpy()
    copies = (rows["cache"] == Cache.hit.name).to_numpy()
    told = rows[good & ~copies].sort_values(["sent_ns", "seq"], ignore_index=True)
    swaps = [phase for phase in history.phases if phase.name == "swap"]
    found = _Judging()
    for index, phase in enumerate(swaps):
        end_ns = swaps[index + 1].begin_ns if index + 1 < len(swaps) else FOREVER
        begin_ns = _settled_ns(history, swaps[index - 1]) if index else -FOREVER
        _judge(history, told, phase, span=(begin_ns, end_ns), found=found)
    if not swaps:
        found.unsure.append("no swap was begun")
    evidence: dict[str, Any] = {
        "answers": len(told),
        "by_release": by_release(told),
        "cached": int((good & copies).sum()),
        "old_while_settling": found.lingering,
        "releases": [bounded(name, 60) for name in found.releases[:EXAMPLES]],
        "problems": (found.wrong + found.unsure)[:EXAMPLES],
    }
    if found.wrong:
        return _finding(Verdict.failed, "; ".join(found.wrong[:3]), evidence)
    if found.unsure:
        return _finding(Verdict.inconclusive, "; ".join(found.unsure[:3]), evidence)
    return _finding(
        Verdict.passed,
        f"before each swap one release answered, and from {scenario.timing.settle_s:g} s after it "
        f"on only another one ({_chain(found.releases)}; {counted(len(told), 'answer')} told "
        f"their release, {found.lingering:,} of them an old one while that settled)",
        evidence,
    )


def _judge(
    history: History,
    told: pd.DataFrame,
    phase: Phase,
    *,
    span: tuple[int, int],
    found: _Judging,
) -> None:
    """One swap, within (the one before it has settled, the beginning of the next)."""
    before = sent_within(told, span[0], phase.begin_ns)
    before = before[before["finished_ns"] <= phase.begin_ns]
    olds = _names(before)
    if olds == [""] or len(olds) != 1:
        found.unsure.append(
            f"before {phase.label} {_seen(olds)}: the baseline is not what it says"
            f"{'; ' + _LOOSE if len(olds) > 2 else ''}"
        )
        return
    [old] = olds
    if not found.releases:
        found.releases.append(old)
    if phase.swap not in completed_swaps(history):
        found.unsure.append(f"{phase.label} did not complete: what answered after it is not judged")
        return
    settled_ns = _settled_ns(history, phase)
    settling = sent_within(told, phase.end_ns, min(settled_ns, span[1]))
    found.lingering += int((settling["release"] == old).sum())
    after = sent_within(told, settled_ns, span[1])
    news = [name for name in _names(after) if name != old]
    late = after[after["release"] == old]
    settle = f"{history.record.scenario.timing.settle_s:g} s"
    if not len(after):
        found.unsure.append(f"no answer was seen later than {settle} after {phase.label}")
        return
    if not news:
        found.unsure.append(
            f"only {bounded(old, 60)} answered later than {settle} after {phase.label}: "
            "a swap that changed nothing"
        )
        return
    if len(late):
        found.wrong.append(
            f"the old release {bounded(old, 60)} still answered more than {settle} after "
            f"{phase.label} had ended: {counted(len(late), 'answer')}, first {who(history, late)}; "
            f"{_REMEDY}"
        )
    if news == [""] or len(news) > 1:
        found.unsure.append(f"after {phase.label} {_seen(news)}: what it put in place is not told")
        return
    found.releases.append(news[0])


def _unobserved(*, allowed: bool) -> Finding:
    if allowed:
        return _finding(
            Verdict.passed,
            f"{NOT_OBSERVED}, as --allow-unobserved-release allows: whether the swap changed "
            "anything is not known",
            {},
        )
    return _finding(
        Verdict.inconclusive,
        "that the release changed was not observed: say --release header:NAME, json:PATH or body, "
        "or --allow-unobserved-release",
        {},
    )


def _settled_ns(history: History, phase: Phase) -> int:
    return phase.end_ns + int(history.record.scenario.timing.settle_s * SECOND_NS)


def _names(rows: pd.DataFrame) -> list[str]:
    """Releases in the order in which they were first asked."""
    return [str(name) for name in np.asarray(rows["release"].astype("str").unique())]


def _seen(names: list[str]) -> str:
    if not names:
        return "no release was seen to answer"
    if names == [""]:
        return "no answer told its release"
    shown = [bounded(name, 60) or "one without a name" for name in names[:3]]
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return f"several releases answered ({', '.join(shown)}{more})"


def _chain(releases: list[str]) -> str:
    shown = " to ".join(bounded(name, 60) for name in releases[:4])
    return shown + (" to …" if len(releases) > 4 else "")


def _finding(verdict: Verdict, message: str, evidence: dict[str, Any]) -> Finding:
    return Finding(check=NAME, verdict=verdict, message=message, evidence=evidence)
