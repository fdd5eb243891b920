"""What `harness doctor` can be told."""

from typing import Any

from harness.options import add_settings

__all__ = ["add_doctor_options"]


def add_doctor_options(parser: Any) -> None:
    """Those of `harness verify`, as it is asked whether that could run."""
    add_settings(parser, prefix="--")
    parser.add_argument(
        "--quick", action="store_true", help="do not measure what rate can be held (some 30 s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
