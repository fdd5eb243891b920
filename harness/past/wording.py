"""How changes are put, alike in every face."""

from typing import Final

from harness.analysis.latency import SWAP_WINDOW
from harness.model.past import ALL
from harness.past.judge import Line

__all__ = ["interval", "name_of", "shift", "signed", "title", "value"]

_WHERE: Final = {SWAP_WINDOW: "in the swaps", "outside": "outside them", "steady": "steady"}


def name_of(scenario: str, run: str, git: str) -> str:
    """`drain/20260102T030405Z-abcd (git 1a2b3c4d5e6f+)`."""
    return f"{scenario}/{run}{f' (git {git})' if git else ''}"


def title(line: Line) -> str:
    """`p99 in the swaps of get-new`."""
    of = "" if line.stream == ALL else f" of {line.stream}"
    return f"{line.figure} {_WHERE[line.phase]}{of}"


def value(figure: float | None, unit: str) -> str:
    if figure is None:
        return "-"
    match unit:
        case "share":
            return "0 %" if figure == 0 else _share(figure)
        case "ms" | "s":
            digits = 1 if unit == "ms" and abs(figure) >= 1 else 2
            return f"{figure:,.{digits}f} {unit}" if figure else f"0 {unit}"
        case _:
            return f"{figure:,g}"


def shift(line: Line) -> str:
    """The change with its sign: `+12.0 ms`."""
    return signed(line.change, line.unit)


def interval(line: Line) -> str:
    """`+3.1 ms to +20.9 ms`."""
    return f"{signed(line.low, line.unit)} to {signed(line.high, line.unit)}"


def signed(figure: float | None, unit: str) -> str:
    if figure is None:
        return "-"
    return f"{'-' if figure < 0 else '+'}{value(abs(figure), unit)}"


def _share(share: float) -> str:
    """Two digits: what is not 0 never looks like it."""
    shown = share * 100
    return f"{shown:.0f} %" if shown >= 9.95 else f"{shown:.2g} %"
