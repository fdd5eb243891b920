"""What scenarios share with the tests: stacks, bad releases, and what docs say is typed."""

import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent / "tests"
sys.path += [str(TESTS / "engine"), str(TESTS / "sample_app")]
