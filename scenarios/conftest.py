"""Scenarios without a run's load use the engine tests' stacks and bad releases."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "tests" / "engine"))
