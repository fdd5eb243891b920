"""Colours, told apart by the colour-blind too, and the same for the same thing in every plot.

Source: Okabe and Ito, Color Universal Design, 2008. Vermilion is failure's alone.
"""

from collections.abc import Iterable
from typing import Final

__all__ = ["CONTROL", "FAILED", "MUTED", "PHASES", "SERIES", "release_colours", "stream_colours"]

FAILED: Final = "#d55e00"
CONTROL: Final = "#3b4450"
MUTED: Final = "#777f8c"
PHASES: Final = {"steady": "#0072b2", "swap window": "#b8860b", "after": "#009e73"}
SERIES: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#6f4e9c")
_RELEASES: Final = ("#7f93b2", "#2f4b7c", "#8fc1b5", "#5a7d2a")


def stream_colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each of the first six; the rest is not drawn."""
    return dict(zip(names, SERIES, strict=False))


def release_colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each release: light and dark in turn; beyond four, grey."""
    found = list(names)
    return dict.fromkeys(found, MUTED) | dict(zip(found, _RELEASES, strict=False))
