"""What was found as annotations of a GitHub Actions job."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from harness.ci.commands import command
from harness.model.finding import Verdict
from harness.model.result import Result
from harness.report.figures import printable

__all__ = ["MOST", "annotations", "unjudged"]

MOST: Final = 10
"""Of a kind in a step; of the rest the platform shows nothing. A job may have 50: the three
kinds of one step are 30.
"""
_TITLE: Final = 200
_TEXT: Final = 2_000
_KINDS: Final = {
    Verdict.failed: "error",
    Verdict.inconclusive: "warning",
    Verdict.passed: "notice",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Note:
    verdict: Verdict
    title: str
    text: str


def annotations(results: Iterable[Result], unwritten: Iterable[str] = ()) -> list[str]:
    """The lines to print: an error a finding that fails, a warning an inconclusive one, a notice a
    run that passed, a warning for each report that is `unwritten`; at most ten of a kind, of which
    the last counts those that are left out. Errors come first, then in the order of the findings.
    """
    notes = [note for result in results for note in _of(result)]
    notes += [
        _Note(verdict=Verdict.inconclusive, title="a report could not be written", text=why)
        for why in unwritten
    ]
    return [
        line
        for verdict in _KINDS
        for line in _bounded(verdict, [note for note in notes if note.verdict is verdict])
    ]


def unjudged(message: str, *, is_inconclusive: bool = False) -> str:
    """The line for a run of which nothing was judged, or too little is known."""
    if is_inconclusive:
        return _line(Verdict.inconclusive, "inconclusive", message)
    return _line(Verdict.failed, "nothing was judged", message)


def _of(result: Result) -> Iterator[_Note]:
    if result.verdict is Verdict.passed:
        yield _Note(verdict=Verdict.passed, title=result.scenario, text=result.sentence)
        return
    for finding in result.findings:
        if finding.verdict is not Verdict.passed:
            yield _Note(
                verdict=finding.verdict,
                title=f"{result.scenario}: {finding.check}",
                text=finding.message,
            )


def _bounded(verdict: Verdict, notes: Sequence[_Note]) -> Iterator[str]:
    shown = notes if len(notes) <= MOST else notes[: MOST - 1]
    for note in shown:
        yield _line(verdict, note.title, note.text)
    left = Counter(note.title for note in notes[len(shown) :])
    if left:
        named = ", ".join(left)
        text = f"{left.total()} more, which the job cannot show: {named}"
        yield _line(verdict, "and more", text)


def _line(verdict: Verdict, title: str, text: str) -> str:
    return command(
        _KINDS[verdict],
        printable(text, _TEXT),
        title=f"harness: {printable(title, _TITLE)}",
    )
