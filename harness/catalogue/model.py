"""Mechanisms, and what their scenarios found."""

import json
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Final

from harness.analysis.latency import ALL_STREAMS, SWAP_WINDOW
from harness.model.finding import Verdict
from harness.model.result import Result

__all__ = [
    "COMPONENTS",
    "Arm",
    "Kind",
    "Mechanism",
    "arm_of",
    "mechanisms",
    "read_arms",
    "write_arm",
]

COMPONENTS: Final = ("website", "balancer", "edge", "store", "procedure")
_ARMS: Final = "arms"
SWAP_COMPLETED, REPLACED = "swap_completed", "replaced"
"""Checks (harness.checks)."""


class Kind(StrEnum):
    """Of an arm."""

    drops = "drops"
    """The mechanism is at work: the run must be judged fail."""
    avoids = "avoids"
    """Its twin, which differs by what avoids the mechanism alone: the run must pass."""
    refuses = "refuses"
    """A twin too, where the release itself is at fault: the swap must fail, by that alone, with no
    failed request, and the old release must serve on alone."""

    @property
    def is_twin(self) -> bool:
        return self is not Kind.drops


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanism:
    """A way to drop a request, by the number that the scenarios name it by."""

    number: int
    component: str
    """Of COMPONENTS: where it is at home."""
    title: str
    symptom: str
    avoided_by: str
    source: str = ""
    """Who has told of it: an issue, a manual's section."""
    not_shown: str = ""
    """Why no scenario shows it, with versions and tries; empty where one does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One run for a mechanism."""

    mechanism: int
    kind: Kind
    test: str
    """The scenario's name."""
    what: str
    """What this arm does, in a line."""
    verdict: str
    as_expected: bool
    failed: int
    requests: int
    slow: int
    """Answers in the swap window above the latency limit."""
    outage_ms: float
    """All outages of the run together."""
    added_p99_ms: float | None
    """Of the swap window beside the steady state; null where one is not resolved."""
    cause: str
    """What most of the failed requests are put down to, or of the slow ones where none failed, as
    the report says it."""
    folder: str
    """Of the run, beside the catalogue's own."""


def mechanisms() -> tuple[Mechanism, ...]:
    """All known ones, in the order of their numbers. ValueError for a file that is wrong."""
    text = (files("harness.catalogue") / "mechanisms.toml").read_text("utf-8")
    found = tuple(Mechanism(**each) for each in tomllib.loads(text)["mechanism"])
    numbers = [each.number for each in found]
    if numbers != sorted(set(numbers)):
        raise ValueError("mechanisms.toml: numbers must rise")
    for each in found:
        if each.component not in COMPONENTS:
            raise ValueError(f"mechanisms.toml: {each.number}: unknown component {each.component}")
    return found


def arm_of(result: Result, *, mechanism: int, kind: Kind, test: str, what: str, folder: str) -> Arm:
    """What a judged run says for the catalogue. An arm is as expected where it ends as its kind
    must; inconclusive is not.
    """
    speed = result.latency_ms.get(ALL_STREAMS, {})
    before, within = (
        speed[name].p99 if name in speed else None for name in ("steady", SWAP_WINDOW)
    )
    blamed = sorted(
        (one for one in result.attributions if one.component not in {"", "sender"}),
        key=lambda one: -one.failed,
    )
    return Arm(
        mechanism=mechanism,
        kind=kind,
        test=test,
        what=what,
        verdict=result.verdict.value,
        as_expected=_EXPECTED[kind](result),
        failed=result.requests.failed,
        requests=result.requests.sent,
        slow=sum(outage.slow for outage in result.outages),
        outage_ms=round(sum(one.end_s - one.start_s for one in result.outages) * 1e3, 1),
        added_p99_ms=None if before is None or within is None else round(within - before, 1),
        cause=blamed[0].sentence if blamed else "",
        folder=folder,
    )


def _drops(result: Result) -> bool:
    return result.verdict is Verdict.failed


def _avoids(result: Result) -> bool:
    return result.verdict is Verdict.passed


def _refuses(result: Result) -> bool:
    """Nothing but the swap failed; that a swap which did not complete replaced nothing is left
    open by the check that would judge it, whose evidence says who answered.
    """
    wrong = {one.check: one for one in result.findings if one.verdict is not Verdict.passed}
    if wrong.keys() != {SWAP_COMPLETED, REPLACED}:
        return False
    old, _, _ = str(result.environment.get("releases", "")).partition(" ")
    after = result.latency_ms.get(ALL_STREAMS, {}).get("after")
    return (
        wrong[SWAP_COMPLETED].verdict is Verdict.failed
        and wrong[REPLACED].verdict is Verdict.inconclusive
        and list(wrong[REPLACED].evidence.get("by_release", ())) == [old]
        and after is not None
        and after.count > 0
        and result.requests.failed + result.requests.unknown == 0
    )


_EXPECTED: Final[Mapping[Kind, Callable[[Result], bool]]] = {
    Kind.drops: _drops,
    Kind.avoids: _avoids,
    Kind.refuses: _refuses,
}


def write_arm(arm: Arm, folder: Path) -> None:
    """Beside those of other scenarios; an earlier one of the same scenario is replaced."""
    arms = folder / _ARMS
    arms.mkdir(parents=True, exist_ok=True)
    (arms / f"{arm.test}.json").write_text(json.dumps(asdict(arm), indent=1) + "\n", "utf-8")


def read_arms(folder: Path, known: Iterable[Mechanism]) -> Sequence[Arm]:
    """Those that were written there, of known mechanisms, in the order of the catalogue."""
    numbers = {each.number for each in known}
    found = []
    for path in (folder / _ARMS).glob("*.json"):
        fields = json.loads(path.read_text("utf-8"))
        found.append(Arm(**{**fields, "kind": Kind(fields["kind"])}))
    order = list(Kind)
    return sorted(
        (arm for arm in found if arm.mechanism in numbers),
        key=lambda arm: (arm.mechanism, order.index(arm.kind), arm.test),
    )
