"""Exit codes of the command: what each says, and what follows."""

from dataclasses import dataclass
from typing import Final

from harness.model.finding import EXIT_CODES, Verdict

__all__ = ["EXITS", "INTERRUPTED", "NOT_JUDGED", "Exit"]

NOT_JUDGED: Final = 2
INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """One exit code."""

    code: int
    name: str
    when: str
    then: str
    """What to do."""


EXITS: Final = (
    Exit(
        code=EXIT_CODES[Verdict.passed],
        name="pass",
        when="every check found what it must, with evidence for it",
        then="let the deploy through",
    ),
    Exit(
        code=EXIT_CODES[Verdict.failed],
        name="fail",
        when="a finding failed; a new release exited or was never ready; a deploy command failed",
        then="read the first finding: it names the cause, the step and the remedy",
    ),
    Exit(
        code=NOT_JUDGED,
        name="nothing was judged",
        when="wrong usage or settings, no engine, the stack or the old release did not start",
        then="read the one message: it names the value and the remedy; `harness doctor` looks at "
        "the rest",
    ),
    Exit(
        code=EXIT_CODES[Verdict.inconclusive],
        name="inconclusive",
        when="evidence is missing: the rate was not held, samples were lost, the disk was full, "
        "the machine was starved, reports could not be written, a defect of our own",
        then="free the machine or do what the finding says, and run again; it is no pass",
    ),
    Exit(
        code=INTERRUPTED,
        name="interrupted",
        when="Ctrl-C or SIGTERM; what was started is removed",
        then="run again",
    ),
)
