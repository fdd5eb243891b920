"""Findings and the verdict."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

__all__ = ["EXIT_CODES", "TOLERATED", "Finding", "Verdict", "worst"]


class Verdict(StrEnum):
    """Three values, the worst wins: fail > inconclusive > pass."""

    passed = "pass"
    inconclusive = "inconclusive"
    failed = "fail"


_ORDER = (Verdict.passed, Verdict.inconclusive, Verdict.failed)

EXIT_CODES: Mapping[Verdict, int] = {
    Verdict.passed: 0,
    Verdict.failed: 1,
    Verdict.inconclusive: 3,
}
"""2 is `nothing was judged`, 130 is Ctrl-C."""


TOLERATED: Final = "tolerated"
"""In the evidence of a check that passed: what it found, and a limit allows. A run that has such a
finding was not clean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check says of a history."""

    check: str
    verdict: Verdict
    message: str
    """One sentence with its figures."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """JSON values, bounded in size."""


def worst(findings: Iterable[Finding]) -> Verdict:
    """The verdict of findings; no findings at all are no evidence: inconclusive."""
    order = max((_ORDER.index(finding.verdict) for finding in findings), default=1)
    return _ORDER[order]
