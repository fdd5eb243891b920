"""Disturbances put in on purpose, one file a kind: what shows whether the harness sees them."""

from harness.faults.drop import Drop
from harness.faults.fault import Fault, Ground
from harness.faults.injection import Injection
from harness.faults.kill import Kill
from harness.faults.pause import Pause
from harness.faults.reject import Reject

__all__ = ["Drop", "Fault", "Ground", "Injection", "Kill", "Pause", "Reject"]
