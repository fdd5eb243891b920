"""What scenarios share with the tests and with each other: stacks, bad releases, what docs say is
typed, the catalogue's traffic.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
TESTS = HERE.parent / "tests"
sys.path += [str(TESTS / "engine"), str(TESTS / "sample_app"), str(HERE / "catalogue")]
