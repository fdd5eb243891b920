import sys
from pathlib import Path

HERE = Path(__file__).parent
# Results to tell of, as the reports' own tests make them.
sys.path[:0] = [str(HERE.parent / name) for name in ("report", "analysis", ".")]
