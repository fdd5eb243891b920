"""The JSON of two runs that were compared, and of a baseline."""

from typing import Final

from harness.model.past import Past
from harness.past.judge import Compared
from harness.report.frame import Frame

__all__ = ["COMPARED", "PAST"]

PAST: Final = Frame(Past)
COMPARED: Final = Frame(Compared)
