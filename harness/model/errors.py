"""Why something could not go on, by whose fault it is.

Messages say what was expected, what was observed and what to do. They are printed as they are,
without a traceback.
"""

from harness.model.outcome import Outcome

__all__ = [
    "HarnessError",
    "Interrupted",
    "MissingEvidenceError",
    "NotJudgedError",
    "ReleaseError",
    "SilentError",
]


class HarnessError(Exception):
    """Base of what this package raises on purpose."""


class NotJudgedError(HarnessError):
    """Nothing was judged (exit 2): wrong usage or settings, no engine, the stack or the old
    release did not start.
    """


class SilentError(NotJudgedError):
    """No answer of the target was right before load began; how the last one ended."""

    def __init__(self, text: str, *, outcome: Outcome, status: int) -> None:
        super().__init__(text)
        self.outcome = outcome
        self.status = status
        """0 where there was none."""


class ReleaseError(HarnessError):
    """The deploy itself failed (verdict fail): the new release exited or was never ready."""


class MissingEvidenceError(HarnessError):
    """Evidence is missing by the harness's own lack (verdict inconclusive)."""


class Interrupted(HarnessError):  # noqa: N818 (a wish of the user, not an error)
    """The user asked to stop (exit 130)."""
