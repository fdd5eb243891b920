"""The synthetic history is kept with the analysis's tests, the fakes of a run beside them."""

import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "analysis")]
