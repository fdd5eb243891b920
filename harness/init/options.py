"""What `harness init` can be told."""

from typing import Any

__all__ = ["add_init_options"]


def add_init_options(parser: Any) -> None:
    parser.add_argument("--stdout", action="store_true", help="print it; write nothing")
    parser.add_argument("--force", action="store_true", help="write over a harness.toml")
