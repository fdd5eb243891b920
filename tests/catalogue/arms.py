"""Arms that were never run."""

from harness.catalogue.model import Arm, Kind
from harness.model.finding import Verdict

__all__ = ["arm"]


def arm(number: int = 1, kind: Kind = Kind.drops, **changes: object) -> Arm:
    fields = {
        "mechanism": number, "kind": kind, "test": f"test_{number}_{kind}", "what": "told to stop",
        "verdict": Verdict.failed if kind is Kind.drops else Verdict.passed, "unmet": "",
        "failed": 24, "requests": 3_900, "slow": 2, "outage_ms": 1_222.5, "added_p99_ms": 32.8,
        "cause": "24 requests failed: <refused>", "folder": "../test_1/20260102T030405Z-abcd",
        "not_most": "", "run": "20260102T030405Z-abcd", "harness": "0.1.0", "git_head": "0a1b2c3d",
    }  # fmt: skip
    return Arm(**{**fields, **changes})  # type: ignore[arg-type]
